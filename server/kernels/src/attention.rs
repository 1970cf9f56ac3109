//! Attention of new tokens to the cached positions of their own sequence.
//!
//! Keys and values lie as packed matrices do: 16 positions of keys are a panel whose inputs are the numbers of a head,
//! and 16 numbers of values are a panel whose inputs are the positions. So both products run on the kernel of
//! [`multiply`](crate::multiply), with the query heads that share a key head as its rows: each key is read once for all
//! of them.
//!
//! Every token attends by itself, in the order of the positions; whether it came alone or in a long prompt, and which
//! sequences stand beside it, changes no bit.

use std::ops::Range;

use crate::activation::{SoftCap, exp};
use crate::format::{F32, Format, Sums, Tile, WIDTH};
use crate::half::bf16_from_f32;
use crate::lanes::{Lanes, N_LANES, Task};
use crate::multiply::{Ahead, Block, blocks, tile};
use crate::pool::Pool;
use crate::share::Share;
use crate::split::over_rows;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePrecision {
    F32,
    Bf16,
}

/// The sizes of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheShape {
    pub n_slots: usize,
    /// Key heads, and as many value heads.
    pub n_heads: usize,
    /// Positions that a slot holds.
    pub n_positions: usize,
    pub head_dim: usize,
}

/// Keys and values of one layer: a slot for each sequence.
pub struct KeyValues {
    shape: CacheShape,
    store: Store,
}

enum Store {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
}

/// Neighbouring new tokens of one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The row of its first token.
    pub start: usize,
    pub n_tokens: usize,
    pub slot: usize,
    /// Position of the first token in its sequence.
    pub position: usize,
}

/// What may differ between layers and families.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    pub n_query_heads: usize,
    /// Factor on the products of queries and keys.
    pub scale: f32,
    /// `cap · tanh(s / cap)` on the scaled products.
    pub soft_cap: Option<f32>,
    /// How many positions a token sees, itself included.
    pub window: Option<usize>,
}

/// Rows of queries, keys and values side by side, each by head: `(rows, (H + 2K) · D)`.
#[derive(Clone, Copy)]
pub struct QueriesKeysValues<'a>(pub &'a [f32]);

impl KeyValues {
    pub fn new(shape: CacheShape, precision: CachePrecision) -> KeyValues {
        let len = shape.n_slots * shape.slot_len();
        let store = match precision {
            CachePrecision::F32 => Store::F32(vec![0.0; len]),
            CachePrecision::Bf16 => Store::Bf16(vec![0; len]),
        };
        KeyValues { shape, store }
    }

    pub fn shape(&self) -> CacheShape {
        self.shape
    }

    pub fn n_bytes(&self) -> usize {
        match &self.store {
            Store::F32(numbers) => 4 * numbers.len(),
            Store::Bf16(numbers) => 2 * numbers.len(),
        }
    }

    /// Makes a slot's first `n_positions` those of another.
    pub fn copy(&mut self, from_slot: usize, to_slot: usize, n_positions: usize) {
        let shape = self.shape;
        assert!(
            from_slot.max(to_slot) < shape.n_slots && n_positions <= shape.n_positions,
            "these positions are there"
        );
        match &mut self.store {
            Store::F32(numbers) => copy(numbers, shape, (from_slot, to_slot), n_positions),
            Store::Bf16(numbers) => copy(numbers, shape, (from_slot, to_slot), n_positions),
        }
    }

    /// Puts the keys and values of new tokens into their places.
    pub fn put(&mut self, pool: &Pool, n_query_heads: usize, rows: QueriesKeysValues, spans: &[Span]) {
        let shape = self.shape;
        shape.check(n_query_heads, rows, spans);
        match &mut self.store {
            Store::F32(numbers) => put::<f32>(pool, numbers, shape, n_query_heads, rows, spans),
            Store::Bf16(numbers) => put::<u16>(pool, numbers, shape, n_query_heads, rows, spans),
        }
    }

    /// `softmax(scale · q kᵀ) v` of the spans' tokens over the positions up to their own, `(rows, H · D)` into `y`.
    ///
    /// Rows that are in no span are left as they are. The tokens' own keys and values must have been put before.
    pub fn attend(&self, pool: &Pool, attention: Attention, rows: QueriesKeysValues, spans: &[Span], y: &mut [f32]) {
        self.shape.check(attention.n_query_heads, rows, spans);
        let width = attention.n_query_heads * self.shape.head_dim;
        assert_eq!(y.len(), rows.0.len() / self.shape.row_width(attention.n_query_heads) * width, "a row for each");
        assert!(attention.window != Some(0), "a token sees at least itself");
        let (pieces, share) = (self.pieces(spans), Share::new(y));
        let instructions = pool.instructions();
        let work = |idx: usize| {
            let piece = Piece { cache: self, attention, rows: rows.0, y: share, tokens: pieces[idx].clone() };
            // SAFETY: pieces are apart, in tokens or in heads; the cache has these slots and positions.
            unsafe {
                match &self.store {
                    Store::F32(numbers) => instructions.run(Attend::<f32> { piece, numbers }),
                    Store::Bf16(numbers) => instructions.run(Attend::<u16> { piece, numbers }),
                }
            }
        };
        let cost: usize = spans.iter().map(|span| span.n_tokens * (span.position + span.n_tokens) * width).sum();
        if cost < 1 << 15 { (0..pieces.len()).for_each(work) } else { pool.run(pieces.len(), work) }
    }

    /// Work for one thread: some tokens of a sequence, for one key head.
    fn pieces(&self, spans: &[Span]) -> Vec<Tokens> {
        const MOST_TOKENS: usize = 16;
        let mut pieces = Vec::new();
        for span in spans {
            for head in 0..self.shape.n_heads {
                for start in (0..span.n_tokens).step_by(MOST_TOKENS) {
                    pieces.push(Tokens { span: *span, head, idx: start..span.n_tokens.min(start + MOST_TOKENS) });
                }
            }
        }
        pieces
    }
}

impl CacheShape {
    fn row_width(self, n_query_heads: usize) -> usize {
        (n_query_heads + 2 * self.n_heads) * self.head_dim
    }

    fn n_blocks(self) -> usize {
        self.n_positions.div_ceil(WIDTH)
    }

    /// Numbers of one head's keys: panels of 16 positions.
    fn keys_len(self) -> usize {
        self.n_blocks() * WIDTH * self.head_dim
    }

    /// Numbers of one panel of values: all positions of 16 of the head's numbers.
    fn values_panel_len(self) -> usize {
        self.n_blocks() * WIDTH * WIDTH
    }

    fn head_len(self) -> usize {
        self.keys_len() + self.head_dim.div_ceil(WIDTH) * self.values_panel_len()
    }

    fn slot_len(self) -> usize {
        self.n_heads * self.head_len()
    }

    fn check(self, n_query_heads: usize, rows: QueriesKeysValues, spans: &[Span]) {
        assert!(n_query_heads.is_multiple_of(self.n_heads), "every key head has as many query heads");
        let n_rows = rows.0.len() / self.row_width(n_query_heads);
        for span in spans {
            assert!(span.start + span.n_tokens <= n_rows, "{span:?} of {n_rows} rows");
            assert!(
                span.slot < self.n_slots && span.position + span.n_tokens <= self.n_positions,
                "{span:?} of {self:?}"
            );
        }
    }
}

/// A number of the cache.
trait Element: Copy + Send + Sync {
    type Format: Format;

    fn from_f32(value: f32) -> Self;
    /// Where an output's number stands within the 16 of one input.
    fn place(output: usize) -> usize;
}

impl Element for f32 {
    type Format = F32;

    fn from_f32(value: f32) -> f32 {
        value
    }

    fn place(output: usize) -> usize {
        output
    }
}

impl Element for u16 {
    type Format = Halves;

    fn from_f32(value: f32) -> u16 {
        bf16_from_f32(value)
    }

    fn place(output: usize) -> usize {
        2 * (output % N_LANES) + output / N_LANES
    }
}

/// bf16, one input at a time: the first eight outputs in the lower halves of words, the others in the upper.
struct Halves;

impl Format for Halves {
    const GROUP: usize = 1;
    const GROUP_BYTES: usize = 2 * WIDTH;
    const STEP: usize = 1;

    fn pack(_: &Tile, _: usize, _: &mut [u8]) {
        unreachable!("a cache is filled token by token")
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, _: usize, _: usize) -> Sums<V> {
        // SAFETY: a group is eight words.
        unsafe {
            let words = V::load_words(group.cast());
            [V::low_halves(words), V::high_halves(words)]
        }
    }

    fn weight(_: &[u8], _: usize, _: usize) -> f32 {
        unreachable!("a cache is read by attention alone")
    }
}

fn put<E: Element>(
    pool: &Pool,
    numbers: &mut [E],
    shape: CacheShape,
    n_query_heads: usize,
    QueriesKeysValues(rows): QueriesKeysValues,
    spans: &[Span],
) {
    let tokens: Vec<(usize, usize, usize)> = spans
        .iter()
        .flat_map(|span| (0..span.n_tokens).map(|idx| (span.start + idx, span.slot, span.position + idx)))
        .collect();
    let (width, head_dim) = (shape.row_width(n_query_heads), shape.head_dim);
    let share = Share::new(numbers);
    over_rows(pool, tokens.len(), 4 * shape.n_heads * head_dim, |range| {
        for (row, slot, position) in &tokens[range] {
            let keys_values = &rows[row * width..][..width][n_query_heads * head_dim..];
            let (keys, values) = keys_values.split_at(shape.n_heads * head_dim);
            for head in 0..shape.n_heads {
                let start = slot * shape.slot_len() + head * shape.head_len();
                let place = HeadPlace { shape, start, position: *position };
                place.put_key(share, &keys[head * head_dim..][..head_dim]);
                place.put_value(share, &values[head * head_dim..][..head_dim]);
            }
        }
    });
}

/// One position of one head.
struct HeadPlace {
    shape: CacheShape,
    start: usize,
    position: usize,
}

impl HeadPlace {
    fn put_key<E: Element>(&self, numbers: Share<E>, key: &[f32]) {
        let (block, output) = (self.position / WIDTH, self.position % WIDTH);
        let first = self.start + block * WIDTH * self.shape.head_dim + E::place(output);
        for (input, number) in key.iter().enumerate() {
            // SAFETY: every token has its own position, and every position its own numbers.
            let to = unsafe { numbers.part(first + input * WIDTH, 1) };
            to[0] = E::from_f32(*number);
        }
    }

    fn put_value<E: Element>(&self, numbers: Share<E>, value: &[f32]) {
        let panels = self.start + self.shape.keys_len();
        for (panel, value) in value.chunks(WIDTH).enumerate() {
            let first = panels + panel * self.shape.values_panel_len() + self.position * WIDTH;
            // SAFETY: every token has its own position, and every position its own numbers.
            let to = unsafe { numbers.part(first, WIDTH) };
            value.iter().enumerate().for_each(|(output, number)| to[E::place(output)] = E::from_f32(*number));
        }
    }
}

fn copy<E: Copy>(numbers: &mut [E], shape: CacheShape, (from, to): (usize, usize), n_positions: usize) {
    let n = n_positions.next_multiple_of(WIDTH);
    for head in 0..shape.n_heads {
        let (from, to) =
            (from * shape.slot_len() + head * shape.head_len(), to * shape.slot_len() + head * shape.head_len());
        numbers.copy_within(from..from + n * shape.head_dim, to);
        for panel in 0..shape.head_dim.div_ceil(WIDTH) {
            let offset = shape.keys_len() + panel * shape.values_panel_len();
            numbers.copy_within(from + offset..from + offset + n * WIDTH, to + offset);
        }
    }
}

/// Some tokens of a sequence, for one key head.
#[derive(Clone)]
struct Tokens {
    span: Span,
    head: usize,
    idx: Range<usize>,
}

struct Piece<'a> {
    cache: &'a KeyValues,
    attention: Attention,
    rows: &'a [f32],
    y: Share<'a, f32>,
    tokens: Tokens,
}

struct Attend<'a, E> {
    piece: Piece<'a>,
    numbers: &'a [E],
}

/// One token and the query heads that go through the cache together.
struct Query {
    row: usize,
    /// The positions that it sees.
    seen: Range<usize>,
    heads: Block,
}

/// Numbers that a thread needs while it attends.
#[derive(Default)]
struct Work {
    /// Queries, by number of the head, those of all heads side by side.
    q: Vec<f32>,
    /// Weights by head, from the first position of the block in which the first seen one lies.
    scores: Vec<f32>,
    /// The same by position, those of all heads side by side.
    weights: Vec<f32>,
}

impl<E: Element> Task for Attend<'_, E> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Tokens { span, idx, .. } = &self.piece.tokens;
        let n_sharing = self.piece.attention.n_query_heads / self.piece.cache.shape.n_heads;
        let head_blocks = blocks(n_sharing, 6);
        let mut work = Work::default();
        for idx in idx.clone() {
            let position = span.position + idx;
            let first = self.piece.attention.window.map_or(0, |window| (position + 1).saturating_sub(window));
            for heads in &head_blocks {
                let query = Query { row: span.start + idx, seen: first..position + 1, heads: *heads };
                // SAFETY: as the caller's; each arm has its own number of heads.
                unsafe {
                    match heads.n_rows {
                        1 => self.attend::<V, 1, 4>(&query, &mut work),
                        2 => self.attend::<V, 2, 2>(&query, &mut work),
                        3 => self.attend::<V, 3, 2>(&query, &mut work),
                        4 => self.attend::<V, 4, 1>(&query, &mut work),
                        5 => self.attend::<V, 5, 1>(&query, &mut work),
                        _ => self.attend::<V, 6, 1>(&query, &mut work),
                    }
                }
            }
        }
    }
}

impl<E: Element> Attend<'_, E> {
    fn head_numbers(&self) -> &[E] {
        let (shape, Tokens { span, head, .. }) = (self.piece.cache.shape, &self.piece.tokens);
        &self.numbers[span.slot * shape.slot_len() + head * shape.head_len()..][..shape.head_len()]
    }

    /// The first of the query heads of this block among all of the row.
    fn first_head(&self, query: &Query) -> usize {
        let n_sharing = self.piece.attention.n_query_heads / self.piece.cache.shape.n_heads;
        self.piece.tokens.head * n_sharing + query.heads.start
    }

    /// # Safety
    ///
    /// The block has `R` heads, and the instructions of `V` are there.
    #[inline(always)]
    unsafe fn attend<V: Lanes, const R: usize, const P: usize>(&self, query: &Query, work: &mut Work) {
        let blocks = query.seen.start / WIDTH..query.seen.end.div_ceil(WIDTH);
        let n_scores = blocks.len() * WIDTH;
        work.q.resize(R * self.piece.cache.shape.head_dim, 0.0);
        work.scores.resize(R * n_scores, 0.0);
        work.weights.resize(R * n_scores, 0.0);
        self.arrange_queries::<R>(query, &mut work.q);
        // SAFETY: as the caller's.
        unsafe {
            self.score::<V, R, P>(blocks.clone(), work);
            let offset = blocks.start * WIDTH;
            let mut sums = [0.0; R];
            for (row, sum) in sums.iter_mut().enumerate() {
                let scores = &mut work.scores[row * n_scores..][..n_scores];
                scores[..query.seen.start - offset].fill(f32::NEG_INFINITY);
                scores[query.seen.end - offset..].fill(f32::NEG_INFINITY);
                if let Some(cap) = self.piece.attention.soft_cap {
                    SoftCap { x: &mut scores[query.seen.start - offset..query.seen.end - offset], cap }.run::<V>();
                }
                *sum = exponentials::<V>(scores);
                for (position, score) in scores.iter().enumerate() {
                    work.weights[position * R + row] = *score;
                }
            }
            self.mix::<V, R, P>(query, &work.weights[(query.seen.start - offset) * R..], sums);
        }
    }

    fn arrange_queries<const R: usize>(&self, query: &Query, q: &mut [f32]) {
        let (shape, attention) = (self.piece.cache.shape, self.piece.attention);
        let width = shape.row_width(attention.n_query_heads);
        let heads = &self.piece.rows[query.row * width + self.first_head(query) * shape.head_dim..];
        for (row, head) in heads.chunks(shape.head_dim).take(R).enumerate() {
            for (input, number) in head.iter().enumerate() {
                q[input * R + row] = number * attention.scale;
            }
        }
    }

    /// Products of the queries with the keys of these blocks.
    ///
    /// # Safety
    ///
    /// As of [`Attend::attend`].
    #[inline(always)]
    unsafe fn score<V: Lanes, const R: usize, const P: usize>(&self, blocks: Range<usize>, work: &mut Work) {
        // SAFETY: as the caller's; the blocks are of this head's keys.
        unsafe {
            let mut block = blocks.start;
            while block + P <= blocks.end {
                self.score_abreast::<V, R, P>(&blocks, block, work);
                block += P;
            }
            while block < blocks.end {
                self.score_abreast::<V, R, 1>(&blocks, block, work);
                block += 1;
            }
        }
    }

    /// # Safety
    ///
    /// As of [`Attend::attend`], and there are `P` blocks from `block` on.
    #[inline(always)]
    unsafe fn score_abreast<V: Lanes, const R: usize, const P: usize>(
        &self,
        blocks: &Range<usize>,
        block: usize,
        work: &mut Work,
    ) {
        let head_dim = self.piece.cache.shape.head_dim;
        let keys = self.head_numbers();
        let panels = std::array::from_fn(|i| keys[(block + i) * WIDTH * head_dim..].as_ptr().cast::<u8>());
        let n_scores = blocks.len() * WIDTH;
        // SAFETY: as the caller's; queries are laid out for R rows, scores have room for all blocks.
        unsafe {
            let zero = [[[V::splat(0.0); 2]; P]; R];
            let scores =
                tile::<V, E::Format, R, P>(work.q.as_ptr(), std::ptr::null(), panels, Ahead::NOTHING, head_dim, zero);
            for row in 0..R {
                for i in 0..P {
                    let to = work.scores.as_mut_ptr().add(row * n_scores + (block + i - blocks.start) * WIDTH);
                    scores[row][i][0].store(to);
                    scores[row][i][1].store(to.add(N_LANES));
                }
            }
        }
    }

    /// The values, weighted, into `y`.
    ///
    /// # Safety
    ///
    /// As of [`Attend::attend`]; `weights` begin at the first seen position.
    #[inline(always)]
    unsafe fn mix<V: Lanes, const R: usize, const P: usize>(&self, query: &Query, weights: &[f32], sums: [f32; R]) {
        let n_panels = self.piece.cache.shape.head_dim.div_ceil(WIDTH);
        // SAFETY: as the caller's; the panels are of this head's values.
        unsafe {
            let mut panel = 0;
            while panel + P <= n_panels {
                self.mix_abreast::<V, R, P>(query, panel, weights, sums);
                panel += P;
            }
            while panel < n_panels {
                self.mix_abreast::<V, R, 1>(query, panel, weights, sums);
                panel += 1;
            }
        }
    }

    /// # Safety
    ///
    /// As of [`Attend::mix`], and there are `P` panels from `panel` on.
    #[inline(always)]
    unsafe fn mix_abreast<V: Lanes, const R: usize, const P: usize>(
        &self,
        query: &Query,
        panel: usize,
        weights: &[f32],
        sums: [f32; R],
    ) {
        let shape = self.piece.cache.shape;
        let values = &self.head_numbers()[shape.keys_len()..];
        let first = query.seen.start * WIDTH;
        let panels =
            std::array::from_fn(|i| values[(panel + i) * shape.values_panel_len() + first..].as_ptr().cast::<u8>());
        // SAFETY: as the caller's; a row's outputs of these heads belong to this task.
        unsafe {
            let zero = [[[V::splat(0.0); 2]; P]; R];
            let n_seen = query.seen.len();
            let mixed =
                tile::<V, E::Format, R, P>(weights.as_ptr(), std::ptr::null(), panels, Ahead::NOTHING, n_seen, zero);
            for row in 0..R {
                let head =
                    (query.row * self.piece.attention.n_query_heads + self.first_head(query) + row) * shape.head_dim;
                let sum = V::splat(sums[row]);
                for i in 0..P {
                    let start = (panel + i) * WIDTH;
                    let mut full = [0.0; WIDTH];
                    mixed[row][i][0].div(sum).store(full.as_mut_ptr());
                    mixed[row][i][1].div(sum).store(full.as_mut_ptr().add(N_LANES));
                    let n = WIDTH.min(shape.head_dim - start);
                    self.piece.y.part(head + start, n).copy_from_slice(&full[..n]);
                }
            }
        }
    }
}

/// `e` to the power of each score less the greatest, in place; returns their sum. Scores are whole blocks.
///
/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
unsafe fn exponentials<V: Lanes>(scores: &mut [f32]) -> f32 {
    // SAFETY: as the caller's; all that is read or written lies within the slice.
    unsafe {
        let at = scores.as_mut_ptr();
        let mut peaks = V::splat(f32::NEG_INFINITY);
        for idx in (0..scores.len()).step_by(N_LANES) {
            peaks = V::load(at.add(idx)).at_least(peaks);
        }
        let peak = V::splat(peaks.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max));
        let mut sums = V::splat(0.0);
        for idx in (0..scores.len()).step_by(N_LANES) {
            let e = exp(V::load(at.add(idx)).sub(peak));
            e.store(at.add(idx));
            sums = sums.add(e);
        }
        sums.sum()
    }
}

#[cfg(test)]
mod tests;
