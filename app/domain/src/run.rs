//! Runs: the questions of a pack, asked of several models many times, and judged.
//!
//! A run is kept as comparisons, one for each question, format and wrapper that it asks. So whatever can be done with a
//! comparison, reading it side by side, labelling it, asking on, can be done with each cell of a run.

mod command;
mod form;

pub use form::RunForm;

use crate::{CellKey, ComparisonId, Format, JudgeId, ModelId, PackId, Role, Sampling, Seed, Timestamp, Wrapper};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub i64);

/// A run that may be started: every field is legal, except that the server may lack the pack, a row, a model or a judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// 1 to [`NewRun::TITLE_CHARS_MAX`] characters.
    pub title: String,
    pub pack: PackId,
    /// Ids of the pack's rows, each once, at least one.
    pub rows: Vec<String>,
    /// Each once, at least one.
    pub wrappers: Vec<Wrapper>,
    /// Each once, at least one.
    pub models: Vec<ModelId>,
    /// Of each cell: 1 to [`NewRun::SAMPLES_MAX`].
    pub n_samples: u32,
    pub sampling: Sampling,
    /// None has one drawn.
    pub seed: Option<Seed>,
    /// Each once; there may be none, and more can be added when the run is over.
    pub judges: Vec<JudgeId>,
}

impl NewRun {
    pub const TITLE_CHARS_MAX: usize = 120;
    pub const SAMPLES_MAX: u32 = 1_000;
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub title: String,
    pub pack: PackId,
    /// SHA-256 of the pack's canonical text, in hexadecimal; empty for imported answers.
    pub pack_hash: String,
    pub models: Vec<RunModel>,
    pub n_samples: u32,
    pub sampling: Sampling,
    pub seed: Seed,
    pub state: RunState,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub progress: RunProgress,
    /// In the order in which they are asked.
    pub cells: Vec<RunCell>,
    pub judges: Vec<JudgeProgress>,
    /// The last hundred at most, newest first.
    pub happened: Vec<Happened>,
}

/// A model of a run, as it was when its first answer began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunModel {
    pub id: ModelId,
    pub name: String,
    pub role: Role,
    /// SHA-256 over the model's files, in hexadecimal; empty before its first answer, and for imported answers.
    pub hash: String,
    pub device: String,
    pub precision: String,
    pub engine: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Waits for the runs before it.
    Queued,
    Running,
    /// Goes on when somebody says so. Why, where it was not a person, as a sentence.
    Paused(Option<String>),
    /// Every answer is over and every judge has seen it; some may have failed.
    Finished,
    /// Never goes on; what it has is kept.
    Cancelled,
}

/// How far the answers of a run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunProgress {
    pub n_answers: u32,
    pub n_finished: u32,
    /// Ended by an error; they can be tried again.
    pub n_failed: u32,
    /// Of the finished answers in a format that asks for a form: how many, and how many kept it.
    pub n_formed: u32,
    pub n_form_kept: u32,
    pub n_tokens: u64,
    /// Of the last minute; None where nothing is being written.
    pub tokens_per_second: Option<f64>,
    pub answers_per_minute: Option<f64>,
    /// None where it cannot be told.
    pub remaining_s: Option<u64>,
    /// Of texts and scores.
    pub stored_bytes: u64,
}

/// One question in one format and wrapper, asked of all models: a comparison of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCell {
    pub comparison: ComparisonId,
    pub key: CellKey,
    /// A short name of the question.
    pub title: String,
    /// One for each model of the run, in its order.
    pub counts: Vec<CellCounts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCounts {
    pub n_asked: u32,
    pub n_finished: u32,
    pub n_failed: u32,
    /// Being written just now.
    pub n_writing: u32,
}

/// How far one judge is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeProgress {
    pub judge: JudgeId,
    /// Answers that it is to see.
    pub n_answers: u32,
    pub n_judged: u32,
    /// It saw them and gave no number.
    pub n_unscored: u32,
    /// It could not be asked; they can be tried again.
    pub n_failed: u32,
    /// Why the last one failed.
    pub failure: Option<String>,
}

/// Something worth telling about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub at: Timestamp,
    pub is_failure: bool,
    /// A sentence for people.
    pub what: String,
}

/// A line of the list of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub title: String,
    pub created_at: Timestamp,
    pub state: RunState,
    pub pack: PackId,
    pub models: Vec<(String, Role)>,
    pub formats: Vec<Format>,
    pub n_answers: u32,
    pub n_finished: u32,
    pub n_failed: u32,
}

/// What a run would take on this machine, as far as can be told before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub n_answers: u64,
    /// Tokens of all answers, if they are as long as earlier ones of these models, else as long as they may be.
    pub n_tokens: u64,
    /// None where these models have written nothing yet on this machine.
    pub seconds: Option<f64>,
    pub bytes: u64,
}

/// What a person does to a run that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAct {
    /// What is being written is finished, nothing new is begun.
    Pause,
    GoOn,
    Cancel,
    /// Has every failed answer and every failed judgement made again.
    TryFailuresAgain,
}

/// What is added to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// Of each cell, together with those there are; None leaves it.
    pub n_samples: Option<u32>,
    pub models: Vec<ModelId>,
    pub judges: Vec<JudgeId>,
}

/// What can be told of a run without a person's doing: for the event stream of its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunEvent {
    Whole(Box<Run>),
    /// Nothing is to come until somebody does something.
    End,
}

impl RunState {
    /// The word in the database and in exports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused(_) => "paused",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether anything is to come without anyone's doing.
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether nothing more comes, whatever one does.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }
}
