//! A runner that says what it is told, token by token, through the real engine.

use engine::{Batch, Drawn, Row, Runner, RunnerError, RunnerShape};
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
}

pub fn says(text: impl Into<String>) -> Script {
    Script::Says(text.into())
}

pub fn turns_to_nan(after: &str) -> Script {
    Script::TurnsToNan { after: after.into() }
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
    /// Where each slot's prompt ended.
    prompt_ends: HashMap<u32, usize>,
}

enum Answer {
    Draws(Vec<Drawn>),
    Breaks,
}

/// `<|im_end|>` of the demonstration tokenizer.
const END: u32 = 2;

impl ScriptedRunner {
    /// The scripts stand in the order of adapters, the bare base first.
    pub fn new(scripts: impl IntoIterator<Item = Script>, gate: Gate) -> Self {
        let tokenizer = Tokenizer::from_file(demo_folder().join("tokenizer.json")).unwrap();
        let draws = |text: String, end: Drawn| {
            let tokens = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
            Answer::Draws(tokens.into_iter().map(Drawn::Token).chain([end]).collect())
        };
        let answer = |script| match script {
            Script::Says(text) => draws(text, Drawn::Token(END)),
            Script::TurnsToNan { after } => draws(after, Drawn::NonFinite),
            Script::Breaks => Answer::Breaks,
        };
        Self { answers: scripts.into_iter().map(answer).collect(), gate, prompt_ends: HashMap::new() }
    }

    fn draw(&mut self, row: &Row) -> Result<Drawn, RunnerError> {
        let end = row.position as usize + row.tokens.len();
        if row.position == 0 || row.tokens.len() > 1 {
            self.prompt_ends.insert(row.slot, end);
        }
        let token_idx = end - self.prompt_ends[&row.slot];
        match &self.answers[row.adapter.0 as usize] {
            Answer::Draws(draws) => Ok(draws[token_idx]),
            Answer::Breaks => Err(RunnerError("the script says so".into())),
        }
    }
}

impl Runner for ScriptedRunner {
    fn shape(&self) -> RunnerShape {
        let n_adapters = u32::try_from(self.answers.len()).unwrap() - 1;
        RunnerShape { n_slots: 32, n_positions: 2_048, n_adapters }
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<Drawn>, RunnerError> {
        self.gate.pass();
        batch.rows.iter().map(|row| self.draw(row)).collect()
    }

    fn reset(&mut self) {
        self.prompt_ends.clear();
    }
}
