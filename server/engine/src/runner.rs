//! The seam to the arithmetic: one step of the model for every row of a batch.

use std::fmt;
use std::sync::Arc;

/// Runs the model. libtorch in the crate `model`, a scripted one in tests.
pub trait Runner: Send + 'static {
    /// What this runner was built for; fixed for its life.
    fn shape(&self) -> RunnerShape;

    /// Makes the copies, feeds each row's tokens, and returns what became of each row, in row order.
    ///
    /// An error fails the whole batch; a row whose logits are not finite fails alone, as [`RowResult::NonFinite`].
    fn step(&mut self, batch: &Batch) -> Result<Vec<RowResult>, RunnerError>;

    /// Forgets every cached position. Called after a failed step.
    fn reset(&mut self);
}

/// The room a runner has, and how steady its arithmetic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerShape {
    /// Sequences that can be in the cache at once.
    pub n_slots: u32,
    /// Positions (prompt and answer tokens) that one slot can hold.
    pub n_positions: u32,
    /// Adapters beside the bare base, so legal indices are `0..=n_adapters`.
    pub n_adapters: u32,
    /// Legal token ids are below this.
    pub vocabulary_size: u32,
    pub steadiness: Steadiness,
}

/// How far a row's logits depend on what else the runner computes. As a sentence part: `logits in a fixed bucket of 32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steadiness {
    /// In their last bits, so a seed gives the same text only where these do not decide.
    #[default]
    Varying,
    /// Not at all, because the rows of a step are always computed in products of one size and every prompt by itself. A
    /// seed gives the same text as long as this size, the device and the precision stay.
    FixedBucket { n_rows: u32 },
    /// Not at all, however many rows are computed together and however a prompt is cut.
    Invariant,
}

impl fmt::Display for Steadiness {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Varying => write!(f, "varying with the batch"),
            Self::FixedBucket { n_rows } => write!(f, "in a fixed bucket of {n_rows}"),
            Self::Invariant => write!(f, "independent of the batch"),
        }
    }
}

/// Which variant a row belongs to: 0 is the bare base, `i` the `i`-th adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterIdx(pub u32);

/// One step's work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Made before any row is fed. No slot is copied into twice, and none that is copied into is copied from elsewhere.
    pub copies: Vec<SlotCopy>,
    /// Sorted by adapter, so that each adapter's rows are one slice.
    pub rows: Vec<Row>,
}

/// The first positions of one slot become the first of another, which forgets the rest of what it held.
///
/// Where both are one slot, it keeps these positions and forgets the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCopy {
    pub from: u32,
    pub to: u32,
    /// At least 1, and cached in `from`. The row that goes on from here is of the adapter that computed them.
    pub n_positions: u32,
}

/// One sequence's part of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The cache slot that is this sequence's alone.
    pub slot: u32,
    pub adapter: AdapterIdx,
    /// Positions of this sequence that are in the cache already; the first of `tokens` goes here.
    pub position: u32,
    /// Tokens not yet in the cache: the prompt at first, then the one drawn last. Never empty.
    pub tokens: Vec<u32>,
    /// How to draw what follows the last of `tokens`; `None` in the middle of a prompt.
    pub draw: Option<Draw>,
    /// Tokens whose likeliness is asked for.
    pub targets: Option<Targets>,
}

/// How one token is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    pub sampling: Sampling,
    /// In `[0, 1)`, this row's and this step's own; fixes the draw whatever else is in the batch.
    pub uniform: f64,
    /// Added to the logits before everything else. Finite; each token at most once.
    pub adjustments: Arc<[(u32, f32)]>,
    /// Whether to tell how likely the drawn token was, and the likeliest ones.
    pub score: Option<NTop>,
}

/// How likely each of these tokens is: `tokens[i]` after the row's own `tokens[first + i]`, all of which the row feeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// Tokens of the row that come before.
    pub first: u32,
    pub tokens: Vec<u32>,
    pub n_top: NTop,
}

/// How many of the likeliest tokens are told beside the one that stands there, at most [`NTop::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NTop(pub u8);

impl NTop {
    pub const MAX: u8 = 20;
}

/// How the next token is drawn from the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest token.
    Greedy,
    /// `softmax(logits / temperature)`, cut to the `top_k` likeliest, then to the smallest set whose mass reaches `top_p`.
    Random {
        /// Above 0.
        temperature: f64,
        /// In `(0, 1]`; 1 keeps all.
        top_p: f64,
        /// `None` keeps all.
        top_k: Option<u32>,
    },
}

/// What a step made of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowResult {
    Fed {
        /// Present exactly where the row asked for a draw.
        drawn: Option<Drawn>,
        /// One for each of the row's targets.
        target_scores: Vec<Score>,
    },
    /// Logits that the row asked for held a NaN or an infinity.
    NonFinite,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub token: u32,
    /// Present exactly where it was asked for.
    pub score: Option<Score>,
}

/// How likely a token is by the logits as they are: before adjustments, temperature and cuts.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The likeliest tokens in its place with theirs, likeliest first: as many as were asked for, or all there are.
    pub top: Vec<(u32, f32)>,
}

/// A step that failed, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunnerError(pub String);

impl RowResult {
    /// A row that drew this token, with nothing scored.
    pub fn token(token: u32) -> Self {
        Self::Fed { drawn: Some(Drawn { token, score: None }), target_scores: Vec::new() }
    }
}

impl Row {
    /// Whether this result has what the row asked for.
    pub(crate) fn is_answered_by(&self, result: &RowResult) -> bool {
        let RowResult::Fed { drawn, target_scores } = result else { return true };
        let n_targets = self.targets.as_ref().map_or(0, |targets| targets.tokens.len());
        let is_scored = |drawn: &Drawn| drawn.score.is_some();
        let wants_score = self.draw.as_ref().map(|draw| draw.score.is_some());
        drawn.as_ref().map(is_scored) == wants_score && target_scores.len() == n_targets
    }
}
