//! A runner that says what it is told, token by token, through the real engine.

use engine::{AdapterIdx, Batch, Drawn, NTop, Row, RowResult, Runner, RunnerError, RunnerShape, Score, Steadiness};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
};
use tokenizers::Tokenizer;

/// What a model does when it is asked.
#[derive(Clone)]
pub enum Script {
    Says(String),
    /// After this text its logits are not finite.
    TurnsToNan {
        after: String,
    },
    /// Every step that it is part of fails.
    Breaks,
    /// The engine does not outlive the first step that it is part of.
    Dies,
}

pub fn says(text: impl Into<String>) -> Script {
    Script::Says(text.into())
}

pub fn turns_to_nan(after: &str) -> Script {
    Script::TurnsToNan { after: after.into() }
}

pub fn dies() -> Script {
    Script::Dies
}

pub fn breaks() -> Script {
    Script::Breaks
}

/// The folder of the small demonstration model, whose tokenizer the scripted ones share.
pub fn demo_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../model_weights/demo/base")
}

/// Lets steps through one by one while it is held.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Option<u64>>, Condvar)>);

impl Gate {
    /// From now on only so many steps, until more are allowed or the gate is opened.
    pub fn hold_after(&self, n_steps: u64) {
        *self.0.0.lock().unwrap() = Some(n_steps);
        self.0.1.notify_all();
    }

    pub fn open(&self) {
        *self.0.0.lock().unwrap() = None;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let steps = self.0.0.lock().unwrap();
        let mut steps = self.0.1.wait_while(steps, |steps| *steps == Some(0)).unwrap();
        *steps = steps.map(|it| it - 1);
    }
}

pub struct ScriptedRunner {
    answers: Vec<Answer>,
    gate: Gate,
    /// Tokens that have been drawn for the sequence in each slot.
    n_drawn: HashMap<u32, usize>,
    /// It cannot even be made ready for others.
    is_broken: bool,
}

enum Answer {
    Draws {
        tokens: Vec<u32>,
        /// Whether the logits are not finite after these, or the answer ends.
        then_nan: bool,
    },
    Breaks,
    Dies,
}

/// `<|im_end|>` of the demonstration tokenizer.
const END: u32 = 2;

impl ScriptedRunner {
    /// The scripts stand in the order of adapters, the bare base first.
    pub fn new(scripts: impl IntoIterator<Item = Script>, gate: Gate) -> Self {
        let tokenizer = Tokenizer::from_file(demo_folder().join("tokenizer.json")).unwrap();
        let draws = |text: String, then_nan| {
            let tokens = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
            Answer::Draws { tokens, then_nan }
        };
        let answer = |script| match script {
            Script::Says(text) => draws(text, false),
            Script::TurnsToNan { after } => draws(after, true),
            Script::Breaks => Answer::Breaks,
            Script::Dies => Answer::Dies,
        };
        Self { answers: scripts.into_iter().map(answer).collect(), gate, n_drawn: HashMap::new(), is_broken: false }
    }

    fn result(&mut self, batch: &Batch, row: &Row) -> Result<RowResult, RunnerError> {
        if row.position == 0 || batch.copies.iter().any(|copy| copy.to == row.slot) {
            self.n_drawn.insert(row.slot, 0);
        }
        let answer = &self.answers[row.adapter.0 as usize];
        let Answer::Draws { tokens, then_nan } = answer else {
            self.is_broken = matches!(answer, Answer::Dies);
            return Err(RunnerError("the script says so".into()));
        };
        let targets = row.targets.iter().flat_map(|targets| targets.tokens.iter().map(|&token| (token, targets.n_top)));
        let target_scores = targets.map(|(token, n_top)| score(row.adapter, token, n_top)).collect();
        let Some(draw) = &row.draw else { return Ok(RowResult::Fed { drawn: None, target_scores }) };
        let n_drawn = self.n_drawn.get_mut(&row.slot).unwrap();
        *n_drawn += 1;
        let token = match tokens.get(*n_drawn - 1) {
            Some(token) => *token,
            None if *then_nan => return Ok(RowResult::NonFinite),
            None => END,
        };
        let drawn = Drawn { token, score: draw.score.map(|n_top| score(row.adapter, token, n_top)) };
        Ok(RowResult::Fed { drawn: Some(drawn), target_scores })
    }
}

/// The base gives every token half of the probability, and those with the next ids half of what is left each; each adapter
/// gives half of what the one before it gives.
fn score(adapter: AdapterIdx, token: u32, NTop(n_top): NTop) -> Score {
    let logprob = |rank: u32| 0.5_f32.ln() * (adapter.0 + rank + 1) as f32;
    let top = (0..u32::from(n_top)).map(|rank| ((token + rank) % VOCABULARY_SIZE, logprob(rank))).collect();
    Score { logprob: logprob(0), top }
}

/// Of the demonstration model.
const VOCABULARY_SIZE: u32 = 2_048;

impl Runner for ScriptedRunner {
    fn shape(&self) -> RunnerShape {
        let n_adapters = u32::try_from(self.answers.len()).unwrap() - 1;
        let (vocabulary_size, steadiness) = (VOCABULARY_SIZE, Steadiness::Invariant);
        RunnerShape { n_slots: 32, n_positions: 2_048, n_adapters, vocabulary_size, steadiness }
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<RowResult>, RunnerError> {
        self.gate.pass();
        batch.rows.iter().map(|row| self.result(batch, row)).collect()
    }

    fn reset(&mut self) {
        assert!(!self.is_broken, "the script says so");
        self.n_drawn.clear();
    }
}
