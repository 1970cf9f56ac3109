use super::*;
use crate::testing::{Chance, pools};

const PLAIN: Sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };

/// As close to 1 as a uniform number comes.
const ALMOST_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// Draws once for each uniform number from the same logits.
fn draw_many(logits: &[f32], sampling: Sampling, uniforms: &[f64]) -> Vec<usize> {
    let rows = logits.repeat(uniforms.len());
    let asks: Vec<_> = uniforms.iter().map(|uniform| (sampling, *uniform)).collect();
    let drawn: Vec<_> = pools().iter().map(|pool| draw(pool, &rows, &asks)).collect();
    // Processors differ in the last bits of a weight, and no draw of these tests lies so near a border.
    assert!(drawn.windows(2).all(|pair| pair[0] == pair[1]));
    drawn[0].iter().map(|token| token.unwrap()).collect()
}

fn counts(tokens: &[usize], n_tokens: usize) -> Vec<usize> {
    let mut counts = vec![0; n_tokens];
    tokens.iter().for_each(|token| counts[*token] += 1);
    counts
}

/// The middles of `n` equal parts of `[0, 1)`.
fn evenly(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect()
}

/// The plainest way to do it: everything sorted, in double precision.
fn reference(logits: &[f32], sampling: Sampling, uniform: f64) -> usize {
    let Sampling::Random { temperature, top_p, top_k } = sampling else { unreachable!() };
    let mut ranked: Vec<usize> = (0..logits.len()).collect();
    if top_p < 1.0 || top_k.is_some() {
        ranked.sort_by(|left, right| logits[*right].total_cmp(&logits[*left]));
    }
    ranked.truncate(top_k.unwrap_or(usize::MAX));
    let weight = |idx: &usize| ((f64::from(logits[*idx])) / temperature).exp();
    let total: f64 = ranked.iter().map(weight).sum();
    let mut mass = 0.0;
    let kept: Vec<usize> = ranked
        .into_iter()
        .take_while(|idx| {
            let is_kept = mass < top_p;
            mass += weight(idx) / total;
            is_kept
        })
        .collect();
    let whole: f64 = kept.iter().map(weight).sum();
    let mut sum = 0.0;
    let reaches = |idx: &&usize| {
        sum += weight(idx);
        sum > uniform * whole
    };
    *kept.iter().find(reaches).unwrap()
}

#[test]
fn draws_are_those_of_the_plainest_way() {
    let mut chance = Chance(1);
    for n_tokens in [1, 2, 50, 700, 5000] {
        let logits: Vec<f32> = chance.normals(n_tokens).into_iter().map(|x| 3.0 * x).collect();
        let uniforms: Vec<f64> = (0..200).map(|_| chance.uniform()).collect();
        for temperature in [0.3, 1.0, 2.0] {
            for top_p in [1.0, 0.95, 0.5, 0.01] {
                for top_k in [None, Some(1), Some(40), Some(1_000_000)] {
                    let sampling = Sampling::Random { temperature, top_p, top_k };
                    let expected: Vec<_> = uniforms.iter().map(|u| reference(&logits, sampling, *u)).collect();
                    let drawn = draw_many(&logits, sampling, &uniforms);
                    let n_different = drawn.iter().zip(&expected).filter(|(drawn, expected)| drawn != expected).count();
                    // One in 200 may fall where rounding decides.
                    assert!(n_different <= 1, "{n_tokens} {sampling:?}: {n_different}");
                }
            }
        }
    }
}

#[test]
fn greedy_takes_the_first_of_the_likeliest_whatever_the_draw() {
    assert_eq!(draw_many(&[0.0, 3.0, -1.0, 3.0], Sampling::Greedy, &[0.0, ALMOST_ONE]), [1, 1]);
    let mut long = vec![-1.0; 100];
    long[93] = 0.5;
    assert_eq!(draw_many(&long, Sampling::Greedy, &[0.7]), [93]);
}

#[test]
fn what_has_no_probability_is_never_drawn() {
    let logits = [-1e4, -1e4, 0.0, -1e4, 0.0, -1e4, -1e4];
    for sampling in [PLAIN, Sampling::Random { temperature: 1.0, top_p: 0.999_999, top_k: Some(7) }] {
        let drawn = draw_many(&logits, sampling, &[0.0, f64::MIN_POSITIVE, 0.499, 0.5, 0.501, ALMOST_ONE]);
        assert_eq!(drawn, [2, 2, 2, 4, 4, 4]);
    }
}

#[test]
fn each_of_many_words_is_reached() {
    const N: usize = 151_936;
    let aims = [0, 1, 77, N / 2, N - 2, N - 1];
    let uniforms = aims.map(|token| (token as f64 + 0.5) / N as f64);
    assert_eq!(draw_many(&vec![0.1; N], PLAIN, &uniforms), aims);
}

#[test]
fn top_p_keeps_the_token_that_crosses_it() {
    // 0.5, 0.3, 0.2
    let logits = [0.3_f32.ln(), 0.5_f32.ln(), 0.2_f32.ln()];
    let reaches = |top_p| Sampling::Random { temperature: 1.0, top_p, top_k: None };
    let drawn = |top_p| counts(&draw_many(&logits, reaches(top_p), &evenly(800)), 3);
    assert_eq!(drawn(1e-9), [0, 800, 0]);
    assert_eq!(drawn(0.49), [0, 800, 0]);
    assert_eq!(drawn(0.51), [300, 500, 0]);
    assert!(drawn(0.81).iter().all(|count| *count > 0));
}

#[test]
fn equal_tokens_are_cut_to_the_smallest_set_of_the_first() {
    let half = Sampling::Random { temperature: 1.0, top_p: 0.5, top_k: None };
    assert_eq!(counts(&draw_many(&[0.0; 8], half, &evenly(800)), 8), [200, 200, 200, 200, 0, 0, 0, 0]);
    let two = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: Some(2) };
    assert_eq!(counts(&draw_many(&[-0.0, 0.0, 0.0], two, &evenly(800)), 3), [400, 400, 0]);
}

#[test]
fn no_temperature_overflows() {
    for temperature in [1e-320, 1e-30, 1e-3, 1e300] {
        let sampling = Sampling::Random { temperature, top_p: 1.0, top_k: None };
        assert_eq!(draw_many(&[-3e38, 1.0, 3e38], sampling, &[0.9]), [2]);
    }
}

#[test]
fn a_row_that_is_not_finite_fails_alone() {
    let cut = Sampling::Random { temperature: 1.0, top_p: 0.5, top_k: Some(2) };
    for pool in pools() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..19 {
                let mut logits = vec![0.0; 3 * 19];
                (logits[1], logits[2 * 19], logits[19 + place]) = (90.0, 90.0, bad);
                for sampling in [Sampling::Greedy, PLAIN, cut] {
                    let drawn = draw(&pool, &logits, &[(sampling, 0.5); 3]);
                    assert_eq!(drawn, [Some(1), None, Some(0)], "{bad} {sampling:?}");
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_notice_its_company() {
    let mut chance = Chance(5);
    let logits = chance.normals(60 * 3000);
    let cut = Sampling::Random { temperature: 0.9, top_p: 0.8, top_k: None };
    let asks: Vec<Ask> = (0..60).map(|row| ([PLAIN, cut, Sampling::Greedy][row % 3], chance.uniform())).collect();
    for pool in pools() {
        let all = draw(&pool, &logits, &asks);
        let alone: Vec<_> =
            logits.chunks(3000).zip(&asks).map(|(logits, ask)| draw(&pool, logits, &[*ask])[0]).collect();
        assert_eq!(all, alone);
    }
}

#[test]
fn the_likeliest_come_in_order() {
    let mut chance = Chance(6);
    let logits: Vec<f32> = chance.normals(4000).into_iter().map(|x| (x * 20.0).round() / 20.0).collect();
    let mut all: Vec<usize> = (0..4000).collect();
    all.sort_by(|left, right| logits[*right].partial_cmp(&logits[*left]).unwrap());
    for k in [1, 2, 20, 500, 3999, 4000, 9000] {
        assert_eq!(likeliest(&logits, k), all[..k.min(4000)]);
    }
}
