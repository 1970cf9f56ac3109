//! What the tests of this room run on: a runner that answers by a script, and the words of the demonstration model.

use std::path::PathBuf;

use proptest::test_runner::{Config, RngSeed};

use crate::{
    Batch, Drawn, Language, NTop, Row, RowResult, Runner, RunnerError, RunnerShape, Score, SlotCopy, Steadiness,
};

/// A runner that keeps a cache of tokens and lets a script draw from it.
///
/// It panics, as a real one would, when a row claims positions that its slot does not hold, or has them of another
/// adapter.
pub struct Scripted<F> {
    shape: RunnerShape,
    cache: Vec<Cached>,
    script: F,
}

#[derive(Clone, Default)]
struct Cached {
    adapter: u32,
    tokens: Vec<u32>,
}

impl<F> Scripted<F> {
    /// The script is given a step and, for each of its rows, all tokens of that sequence.
    pub fn new(n_slots: u32, script: F) -> Self
    where
        F: FnMut(&Batch, &[&[u32]]) -> Result<Vec<RowResult>, RunnerError>,
    {
        Self { shape: shape(n_slots), cache: vec![Cached::default(); n_slots as usize], script }
    }

    fn copy(&mut self, copy: &SlotCopy) {
        let SlotCopy { from, to, n_positions } = *copy;
        let source = &self.cache[from as usize];
        assert!(source.tokens.len() >= n_positions as usize, "positions in slot {from} to copy");
        let tokens = source.tokens[..n_positions as usize].to_vec();
        self.cache[to as usize] = Cached { adapter: source.adapter, tokens };
    }

    fn feed(&mut self, row: &Row) {
        let cached = &mut self.cache[row.slot as usize];
        if row.position == 0 {
            *cached = Cached { adapter: row.adapter.0, tokens: Vec::new() };
        }
        assert_eq!(cached.adapter, row.adapter.0, "adapter of slot {}", row.slot);
        assert_eq!(cached.tokens.len(), row.position as usize, "positions in slot {}", row.slot);
        cached.tokens.extend(&row.tokens);
    }
}

impl<F> Runner for Scripted<F>
where
    F: FnMut(&Batch, &[&[u32]]) -> Result<Vec<RowResult>, RunnerError> + Send + 'static,
{
    fn shape(&self) -> RunnerShape {
        self.shape
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<RowResult>, RunnerError> {
        batch.copies.iter().for_each(|copy| self.copy(copy));
        batch.rows.iter().for_each(|row| self.feed(row));
        let sequences: Vec<_> = batch.rows.iter().map(|row| self.cache[row.slot as usize].tokens.as_slice()).collect();
        (self.script)(batch, &sequences)
    }

    fn reset(&mut self) {
        self.cache.fill(Cached::default());
    }
}

pub fn shape(n_slots: u32) -> RunnerShape {
    let steadiness = Steadiness::Varying;
    RunnerShape { n_slots, n_positions: 4096, n_adapters: 3, vocabulary_size: 2048, steadiness }
}

/// Stands at the end of the prompts that [`echo`] answers. `<|im_start|>` of the demonstration model.
pub const END_OF_PROMPT: u32 = 1;

/// `<|im_end|>` of the demonstration model.
pub const END_OF_ANSWER: u32 = 2;

/// A row's result with this token where one is asked for, and [`scored`] where scores are.
pub fn drawing(row: &Row, token: u32) -> RowResult {
    let drawn = row.draw.as_ref().map(|draw| Drawn { token, score: draw.score.map(|n_top| scored(token, n_top)) });
    let targets = row.targets.iter().flat_map(|targets| targets.tokens.iter().map(|&token| (token, targets.n_top)));
    RowResult::Fed { drawn, target_scores: targets.map(|(token, n_top)| scored(token, n_top)).collect() }
}

/// A score that can be told from the token: `-token`, with the tokens 0, 1, … as the likeliest.
pub fn scored(token: u32, n_top: NTop) -> Score {
    Score { logprob: -(token as f32), top: (0..u32::from(n_top.0)).map(|rank| (rank, -(rank as f32))).collect() }
}

/// A script that answers each prompt with itself.
pub fn echo(batch: &Batch, sequences: &[&[u32]]) -> Result<Vec<RowResult>, RunnerError> {
    let rows = batch.rows.iter().zip(sequences);
    Ok(rows.map(|(row, sequence)| drawing(row, next_of_echo(sequence))).collect())
}

fn next_of_echo(sequence: &[u32]) -> u32 {
    match sequence.iter().position(|&token| token == END_OF_PROMPT) {
        None => 77,
        Some(end) if sequence.len() > 2 * end => END_OF_ANSWER,
        Some(end) => sequence[sequence.len() - end - 1],
    }
}

/// A script that never ends an answer.
pub fn babble(batch: &Batch, _: &[&[u32]]) -> Result<Vec<RowResult>, RunnerError> {
    Ok(batch.rows.iter().map(|row| drawing(row, 67)).collect())
}

pub fn demo_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../model_weights/demo/base"))
}

pub fn demo_language() -> Language {
    Language::load(&demo_folder()).unwrap()
}

/// The same cases every time.
pub fn repeatable() -> Config {
    Config { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() }
}
