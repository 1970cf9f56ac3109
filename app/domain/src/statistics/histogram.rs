//! How scores are spread.

use serde::{Deserialize, Serialize};

/// Scores from 0 to 100 in ten bins. A bin holds its lower end and not its upper one; the last holds 100 too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub bins: [u32; Self::BINS],
    /// Answers without a score, or with one that is no number.
    pub unscored: u32,
    /// Scores below 0 or above 100, which no judge should give.
    pub outside: u32,
}

impl Histogram {
    pub const BINS: usize = 10;
    /// Width of a bin.
    pub const WIDTH: f64 = 100.0 / Self::BINS as f64;

    pub fn of(scores: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut histogram = Self::default();
        for score in scores {
            *histogram.place(score) += 1;
        }
        histogram
    }

    fn place(&mut self, score: Option<f64>) -> &mut u32 {
        match score.filter(|it| it.is_finite()) {
            None => &mut self.unscored,
            Some(score) if !(0.0..=100.0).contains(&score) => &mut self.outside,
            Some(score) => &mut self.bins[((score / Self::WIDTH) as usize).min(Self::BINS - 1)],
        }
    }

    /// The lower and upper end of a bin.
    pub fn ends(bin_idx: usize) -> (f64, f64) {
        let low = bin_idx as f64 * Self::WIDTH;
        (low, low + Self::WIDTH)
    }
}

#[cfg(test)]
mod tests;
