//! What the tests of this room run on: a runner that answers by a script, and the words of the demonstration model.

use std::path::PathBuf;

use proptest::test_runner::{Config, RngSeed};

use crate::{Batch, Drawn, Language, Row, Runner, RunnerError, RunnerShape};

/// A runner that keeps a cache of tokens and lets a script draw from it.
///
/// It panics, as a real one would, when a row claims positions that its slot does not hold.
pub struct Scripted<F> {
    shape: RunnerShape,
    cache: Vec<Vec<u32>>,
    script: F,
}

impl<F> Scripted<F> {
    /// The script is given a step and, for each of its rows, all tokens of that sequence.
    pub fn new(n_slots: u32, script: F) -> Self
    where
        F: FnMut(&Batch, &[&[u32]]) -> Result<Vec<Drawn>, RunnerError>,
    {
        let shape = RunnerShape { n_slots, n_positions: 4096, n_adapters: 3 };
        Self { shape, cache: vec![Vec::new(); n_slots as usize], script }
    }

    fn feed(&mut self, row: &Row) {
        let cached = &mut self.cache[row.slot as usize];
        if row.position == 0 {
            cached.clear();
        }
        assert_eq!(cached.len(), row.position as usize, "positions in slot {}", row.slot);
        cached.extend(&row.tokens);
    }
}

impl<F> Runner for Scripted<F>
where
    F: FnMut(&Batch, &[&[u32]]) -> Result<Vec<Drawn>, RunnerError> + Send + 'static,
{
    fn shape(&self) -> RunnerShape {
        self.shape
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<Drawn>, RunnerError> {
        batch.rows.iter().for_each(|row| self.feed(row));
        let sequences: Vec<_> = batch.rows.iter().map(|row| self.cache[row.slot as usize].as_slice()).collect();
        (self.script)(batch, &sequences)
    }

    fn reset(&mut self) {
        self.cache.iter_mut().for_each(Vec::clear);
    }
}

/// Stands at the end of the prompts that [`echo`] answers. `<|im_start|>` of the demonstration model.
pub const END_OF_PROMPT: u32 = 1;

/// `<|im_end|>` of the demonstration model.
pub const END_OF_ANSWER: u32 = 2;

/// A script that answers each prompt with itself. Draws nonsense in the middle of a prompt.
pub fn echo(_: &Batch, sequences: &[&[u32]]) -> Result<Vec<Drawn>, RunnerError> {
    Ok(sequences.iter().map(|sequence| Drawn::Token(next_of_echo(sequence))).collect())
}

fn next_of_echo(sequence: &[u32]) -> u32 {
    match sequence.iter().position(|&token| token == END_OF_PROMPT) {
        None => 77,
        Some(end) if sequence.len() > 2 * end => END_OF_ANSWER,
        Some(end) => sequence[sequence.len() - end - 1],
    }
}

/// A script that never ends an answer.
pub fn babble(_: &Batch, sequences: &[&[u32]]) -> Result<Vec<Drawn>, RunnerError> {
    Ok(sequences.iter().map(|_| Drawn::Token(67)).collect())
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
