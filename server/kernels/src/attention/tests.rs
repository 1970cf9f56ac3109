use super::*;
use crate::half::bf16_to_f32;
use crate::testing::{Chance, assert_close, bits, pools};

const SHAPE: CacheShape = CacheShape { n_slots: 3, n_heads: 2, n_positions: 150, head_dim: 24 };

fn attention(n_query_heads: usize) -> Attention {
    Attention { n_query_heads, scale: 0.2, soft_cap: None, window: None }
}

/// What one sequence gets when all its tokens come at once, `(tokens, H · D)`.
fn at_once(pool: &Pool, precision: CachePrecision, shape: CacheShape, options: Attention, rows: &[f32]) -> Vec<f32> {
    let n_tokens = rows.len() / shape.row_width(options.n_query_heads);
    let mut cache = KeyValues::new(shape, precision);
    step(pool, &mut cache, options, rows, &[Span { start: 0, n_tokens, slot: 1, position: 0 }])
}

fn step(pool: &Pool, cache: &mut KeyValues, options: Attention, rows: &[f32], spans: &[Span]) -> Vec<f32> {
    let rows = QueriesKeysValues(rows);
    let n_rows = rows.0.len() / cache.shape.row_width(options.n_query_heads);
    let mut y = vec![f32::NAN; n_rows * options.n_query_heads * cache.shape.head_dim];
    cache.put(pool, options.n_query_heads, rows, spans);
    cache.attend(pool, options, rows, spans, &mut y);
    y
}

/// The formula in double precision.
fn reference(shape: CacheShape, options: Attention, rows: &[f32], keep: fn(f32) -> f32) -> Vec<f64> {
    let (heads, key_heads, size) = (options.n_query_heads, shape.n_heads, shape.head_dim);
    let width = shape.row_width(heads);
    let at = |token: usize, head: usize, i: usize| rows[token * width + head * size + i];
    let mut y = Vec::new();
    for token in 0..rows.len() / width {
        for head in 0..heads {
            let own = heads + head / (heads / key_heads);
            let first = options.window.map_or(0, |window| (token + 1).saturating_sub(window));
            let score = |position: usize| {
                let dot: f64 =
                    (0..size).map(|i| f64::from(at(token, head, i)) * f64::from(keep(at(position, own, i)))).sum();
                let scaled = dot * f64::from(options.scale);
                options.soft_cap.map_or(scaled, |cap| f64::from(cap) * (scaled / f64::from(cap)).tanh())
            };
            let weights: Vec<f64> = (first..=token).map(|position| score(position).exp()).collect();
            let total: f64 = weights.iter().sum();
            for i in 0..size {
                let value = |position: usize| f64::from(keep(at(position, own + key_heads, i)));
                y.push((first..=token).zip(&weights).map(|(position, w)| w * value(position)).sum::<f64>() / total);
            }
        }
    }
    y
}

#[test]
fn tokens_attend_as_the_formula_says() {
    let mut chance = Chance(1);
    for pool in pools() {
        for (n_heads, n_query_heads, head_dim) in
            [(1, 1, 2), (2, 4, 24), (1, 7, 64), (2, 14, 16), (3, 3, 40), (1, 8, 10)]
        {
            let shape = CacheShape { n_slots: 2, n_heads, n_positions: 70, head_dim };
            for (soft_cap, window) in
                [(None, None), (Some(3.0), None), (None, Some(1)), (None, Some(20)), (Some(5.0), Some(33))]
            {
                let options = Attention { soft_cap, window, ..attention(n_query_heads) };
                let rows = chance.normals(67 * shape.row_width(n_query_heads));
                let y = at_once(&pool, CachePrecision::F32, shape, options, &rows);
                assert_close(&y, &reference(shape, options, &rows, |x| x), 1e-5);
                let y = at_once(&pool, CachePrecision::Bf16, shape, options, &rows);
                assert_close(&y, &reference(shape, options, &rows, |x| bf16_to_f32(bf16_from_f32(x))), 1e-5);
            }
        }
    }
}

/// Bit for bit: at once, token by token, in pieces, and beside other sequences.
#[test]
fn a_token_does_not_notice_how_it_came() {
    let mut chance = Chance(2);
    let options = Attention { window: Some(100), ..attention(14) };
    let width = SHAPE.row_width(14);
    for precision in [CachePrecision::F32, CachePrecision::Bf16] {
        for pool in pools() {
            let rows = chance.normals(140 * width);
            let expected = bits(&at_once(&pool, precision, SHAPE, options, &rows));
            let out = 14 * SHAPE.head_dim;

            let mut cache = KeyValues::new(SHAPE, precision);
            for (token, row) in rows.chunks(width).enumerate() {
                let y =
                    step(&pool, &mut cache, options, row, &[Span { start: 0, n_tokens: 1, slot: 0, position: token }]);
                assert_eq!(bits(&y), expected[token * out..][..out], "token {token}");
            }

            let mut position = 0;
            for n_tokens in [1, 37, 2, 100] {
                let own = &rows[position * width..][..n_tokens * width];
                let other = chance.normals(3 * width);
                let spans = [
                    Span { start: 0, n_tokens: 3, slot: 0, position: 11 },
                    Span { start: 3, n_tokens, slot: 2, position },
                ];
                let y = step(&pool, &mut cache, options, &[&other, own].concat(), &spans);
                assert_eq!(bits(&y[3 * out..]), expected[position * out..][..n_tokens * out]);
                position += n_tokens;
            }
        }
    }
}

#[test]
fn a_slot_remembers_nothing_of_its_last_sequence() {
    let mut chance = Chance(3);
    for pool in pools() {
        let rows = chance.normals(30 * SHAPE.row_width(4));
        let span = |n_tokens| [Span { start: 0, n_tokens, slot: 1, position: 0 }];
        let mut cache = KeyValues::new(SHAPE, CachePrecision::F32);
        let fresh = bits(&step(&pool, &mut cache, attention(4), &rows, &span(30)));
        let spoilt = vec![f32::NAN; 100 * SHAPE.row_width(4)];
        assert!(step(&pool, &mut cache, attention(4), &spoilt, &span(100)).iter().all(|y| y.is_nan()));
        assert_eq!(bits(&step(&pool, &mut cache, attention(4), &rows, &span(30))), fresh);
    }
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    let mut chance = Chance(4);
    let width = SHAPE.row_width(4);
    for pool in pools() {
        let healthy = chance.normals(width);
        let mut cache = KeyValues::new(SHAPE, CachePrecision::F32);
        let spans = [0, 1].map(|slot| Span { start: slot, n_tokens: 1, slot, position: 0 });
        let y = step(&pool, &mut cache, attention(4), &[&vec![f32::NAN; width], &*healthy].concat(), &spans);
        assert!(y[..96].iter().all(|y| y.is_nan()) && y[96..].iter().all(|y| y.is_finite()));
    }
}

#[test]
fn a_copied_beginning_goes_on_as_its_original() {
    let mut chance = Chance(5);
    let width = SHAPE.row_width(4);
    let pool = Pool::new(2);
    for precision in [CachePrecision::F32, CachePrecision::Bf16] {
        let (rows, next) = (chance.normals(53 * width), chance.normals(width));
        let mut cache = KeyValues::new(SHAPE, precision);
        let _ = step(&pool, &mut cache, attention(4), &rows, &[Span { start: 0, n_tokens: 53, slot: 0, position: 0 }]);
        cache.copy(0, 2, 53);
        let [original, copy] = [0, 2].map(|slot| {
            step(&pool, &mut cache, attention(4), &next, &[Span { start: 0, n_tokens: 1, slot, position: 53 }])
        });
        assert_eq!(bits(&original), bits(&copy));
    }
}
