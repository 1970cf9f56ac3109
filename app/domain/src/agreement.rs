//! How far people agree with each other, and how far a judge can be trusted against them.
//!
//! Labels are numbers: the index of a verdict, a grade, or a score. Every figure takes what is there: an item that an
//! annotator did not label is missing, not another category. What has no value is `None`, such as a coefficient where
//! everyone said the same of everything: agreement by chance is then as good as any. Intervals are bootstraps over
//! items, since other items are what the figures are to hold for; other annotators are beyond them.

mod ratings;

// Two, several, and any number with gaps.
mod confusion;
mod fleiss;
mod krippendorff;

mod validity;

pub use confusion::{Confusion, Weighting};
pub use krippendorff::Scale;
pub use ratings::Ratings;
pub use validity::Validity;
