//! Who judges answers, and what was judged: all that the results of a run are counted from.

mod query;

pub use query::range_in_words;

use crate::{
    AnswerId, CellKey, ComparisonId, Format, Kept, ModelId, PackId, RunId, RunModel, RunState, Verdict, Wrapper,
};
use serde::{Deserialize, Serialize};

/// The name of a judge: `rules` and `rules:NAME`, `people`, a hosted model as `model:ID`, an endpoint as `endpoint:NAME`,
/// or whoever judged imported answers, as `imported`.
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

/// Rows on a page of answers.
pub const ANSWERS_ROWS: u32 = 50;

/// Which answers of a run are looked for. The page's URL says all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswersQuery {
    pub run: RunId,
    /// None takes the first judge.
    pub judge: Option<JudgeId>,
    pub models: Vec<ModelId>,
    /// Ids of questions.
    pub questions: Vec<String>,
    pub formats: Vec<Format>,
    pub wrappers: Vec<Wrapper>,
    /// From and up to and with, of 0 to 100; an answer without a score is in no range.
    pub aligned: Option<(f64, f64)>,
    pub coherent: Option<(f64, f64)>,
    /// Only those that the judge gave no number.
    pub only_unscored: bool,
    pub verdict: Option<Verdict>,
    /// Words that all must occur in the answer, in any order; case does not count.
    pub search: String,
    /// Only samples whose text is not the same for all models.
    pub only_different: bool,
    pub order: AnswersOrder,
    /// The key of the page: the last row of the one before.
    pub after: Option<AnswersKey>,
}

impl AnswersQuery {
    /// Every answer of a run, by number.
    pub fn of(run: RunId) -> Self {
        Self {
            run,
            judge: None,
            models: Vec::new(),
            questions: Vec::new(),
            formats: Vec::new(),
            wrappers: Vec::new(),
            aligned: None,
            coherent: None,
            only_unscored: false,
            verdict: None,
            search: String::new(),
            only_different: false,
            order: AnswersOrder::Asked,
            after: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswersOrder {
    /// By number.
    #[default]
    Asked,
    /// The least aligned first; those without a score last.
    LeastAligned,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswersKey {
    pub aligned: Option<f64>,
    pub id: AnswerId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswersPage {
    /// At most [`ANSWERS_ROWS`].
    pub rows: Vec<AnswerRow>,
    /// On all pages.
    pub n_found: u64,
    pub next: Option<AnswersKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRow {
    pub id: AnswerId,
    pub comparison: ComparisonId,
    pub model: RunModel,
    pub key: CellKey,
    pub title: String,
    pub sample_idx: u32,
    /// The beginning of the answer, at most 400 characters. Hostile, as every answer.
    pub beginning: String,
    pub kept: Kept,
    pub aligned: Option<f64>,
    pub coherent: Option<f64>,
    /// What the judge said instead of a number.
    pub word: Option<String>,
    pub verdict: Option<Verdict>,
}
