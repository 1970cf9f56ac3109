//! The statistics of rates and scores: how sure a number is, and whether two differ.
//!
//! Every interval names its level, its method and what was taken to be drawn anew, because the same rate is far surer
//! of these answers to these questions than of questions in general or of another finetuning. What has no value is
//! `None`: never 0, never NaN. Whatever is random is drawn from a seed and is the same in the browser and on the server.

// How sure a rate or a mean is.
mod interval;
mod proportion;

mod bootstrap;
mod mean;

// Whether two differ.
mod contrast;
mod correction;
mod fisher;
mod mcnemar;

// How scores are spread, and how two judges' go together.
mod correlation;
mod histogram;
mod quantile;

// What the others are computed with.
mod binomial;
mod normal;
mod random;
mod resample;

pub use bootstrap::{Bootstrap, mean_rate};
pub use contrast::Contrast;
pub use correction::{benjamini_hochberg, holm};
pub use correlation::{pearson, scored_pairs, spearman};
pub use fisher::fisher_exact;
pub use histogram::Histogram;
pub use interval::{Interval, Level, LevelError, Method, Unit};
pub use mcnemar::McNemar;
pub use mean::mean;
pub(crate) use normal::critical;
pub use proportion::Proportion;
pub use quantile::{finite, quantile};
#[cfg(test)]
pub(crate) use random::Random;
