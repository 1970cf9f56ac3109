//! The list of comparisons: what is looked for, and one page of what was found.

use crate::{ComparisonId, Format, Role, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// Rows on a page of the history.
pub const PAGE_ROWS: u32 = 50;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryQuery {
    /// Words that all must occur, in any order, in the question, the system prompt, an answer with its beginning or a
    /// note; case does not count.
    pub search: String,
    pub format: Option<Format>,
    /// Only comparisons older than this one: the key of the next page.
    pub before: Option<ComparisonId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Newest first, at most [`PAGE_ROWS`].
    pub rows: Vec<HistoryRow>,
    /// Comparisons that match, on all pages.
    pub n_found: u64,
    /// The key of the next page, if there is one.
    pub next: Option<ComparisonId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    pub id: ComparisonId,
    pub created_at: Timestamp,
    pub title: String,
    /// What it goes on from, and whether it only continues an answer of that.
    pub follows: Option<(ComparisonId, bool)>,
    pub is_own_question: bool,
    pub format: Format,
    pub n_samples: u32,
    /// Name and role of each column; None while the comparison is blind.
    pub models: Option<Vec<(String, Role)>>,
    /// The slot of each column.
    pub slots: Vec<u32>,
    pub n_answers: u32,
    /// Answers that ended by themselves, by a limit or by a reviewer's stop.
    pub n_finished: u32,
    pub n_failed: u32,
    pub n_cut_off: u32,
    /// The verdicts that stand, in answer order.
    pub verdicts: Vec<Verdict>,
}
