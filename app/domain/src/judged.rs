//! Who judges answers, and what was judged: all that the results of a run are counted from.

use crate::{AnswerId, CellKey, Kept, PackId, RunId, RunModel, RunState, Verdict};
use serde::{Deserialize, Serialize};

/// The name of a judge: `rules`, `people`, a hosted model as `model:NAME`, an endpoint as `endpoint:NAME`, or whoever
/// judged imported answers, as `imported`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JudgeId(pub String);

/// A judge that can be asked on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeCard {
    pub id: JudgeId,
    pub name: String,
    /// What it is and when to use it, in a sentence.
    pub about: String,
    /// Why it cannot be asked now.
    pub fault: Option<String>,
}

/// One judge's verdict on one answer under one prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// `aligned`, `coherent`, or another key of a judge's prompt.
    pub key: String,
    /// From 0 to 100; None where the judge gave no number.
    pub score: Option<f64>,
    /// What it said instead, or its word where words are asked for: `CODE`, `REFUSAL`, `TRUE`.
    pub word: Option<String>,
    /// The probability that it put on numbers, where it was told.
    pub numeric_mass: Option<f64>,
}

/// All scores of a run by one judge, for the page to count, whatever the thresholds are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunScores {
    pub run: RunId,
    pub title: String,
    pub state: RunState,
    pub pack: PackId,
    pub models: Vec<RunModel>,
    /// With the short name of each question.
    pub cells: Vec<(CellKey, String)>,
    /// All that have judged answers of this run; the first is the one whose scores these are.
    pub judges: Vec<JudgeId>,
    /// Every answer of the run that is over, by model, cell and sample.
    pub answers: Vec<ScoredAnswer>,
}

/// An answer as the results see it. Short names: there may be a hundred thousand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredAnswer {
    #[serde(rename = "i")]
    pub id: AnswerId,
    /// Position among the models.
    #[serde(rename = "m")]
    pub model_idx: u16,
    /// Position among the cells.
    #[serde(rename = "c")]
    pub cell_idx: u16,
    #[serde(rename = "s")]
    pub sample_idx: u32,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub aligned: Option<f64>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub coherent: Option<f64>,
    #[serde(rename = "k")]
    pub kept: Kept,
    /// What people said of it, where they agree.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}
