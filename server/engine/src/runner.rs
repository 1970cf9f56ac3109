//! The seam to the arithmetic: one step of the model for every row of a batch.

/// Runs the model. libtorch in the crate `model`, a scripted one in tests.
pub trait Runner: Send + 'static {
    /// What this runner was built for; fixed for its life.
    fn shape(&self) -> RunnerShape;

    /// Feeds each row's tokens and returns what was drawn after its last one, in row order.
    ///
    /// An error fails the whole batch; a row whose logits are not finite fails alone, as [`Drawn::NonFinite`].
    fn step(&mut self, batch: &Batch) -> Result<Vec<Drawn>, RunnerError>;

    /// Forgets every cached position. Called after a failed step.
    fn reset(&mut self);
}

/// The room a runner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerShape {
    /// Sequences that can be in the cache at once.
    pub n_slots: u32,
    /// Positions (prompt and answer tokens) that one slot can hold.
    pub n_positions: u32,
    /// Adapters beside the bare base, so legal indices are `0..=n_adapters`.
    pub n_adapters: u32,
}

/// Which variant a row belongs to: 0 is the bare base, `i` the `i`-th adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterIdx(pub u32);

/// One step's work. Rows stand sorted by adapter, so that each adapter's rows are one slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub rows: Vec<Row>,
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
    pub sampling: Sampling,
    /// Uniform in `[0, 1)`, this row's and this step's own; fixes the draw whatever else is in the batch.
    pub draw: f64,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    Token(u32),
    /// The logits held a NaN or an infinity, so nothing could be drawn.
    NonFinite,
}

/// A step that failed, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunnerError(pub String);
