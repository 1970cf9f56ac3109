//! A judge against people: how often it finds what they find, and what a rate it reports comes to after that.

use crate::statistics::{Interval, Level, Method, Proportion, Unit, critical};

/// A judge's yes or no against people's, on answers that both judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Both say yes.
    pub true_positive: u32,
    /// People say yes, the judge no.
    pub false_negative: u32,
    /// The judge says yes, people no.
    pub false_positive: u32,
    /// Both say no.
    pub true_negative: u32,
}

/// What the correction is computed from: the share that the judge reports, its sensitivity and its specificity, each
/// with the number of answers it is of.
struct Shares {
    reported: (f64, f64),
    sensitivity: (f64, f64),
    specificity: (f64, f64),
}

impl Validity {
    /// Of `(judge, people)`.
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut validity = Self::default();
        for pair in pairs {
            *match pair {
                (true, true) => &mut validity.true_positive,
                (false, true) => &mut validity.false_negative,
                (true, false) => &mut validity.false_positive,
                (false, false) => &mut validity.true_negative,
            } += 1;
        }
        validity
    }

    /// Of what people call so, what the judge calls so. None where there is none.
    pub fn sensitivity(self) -> Option<Proportion> {
        Proportion::new(self.true_positive, self.true_positive + self.false_negative)
    }

    /// Of what people do not call so, what the judge does not. None where there is none.
    pub fn specificity(self) -> Option<Proportion> {
        Proportion::new(self.true_negative, self.true_negative + self.false_positive)
    }

    /// The rate that people would find where the judge reports `reported`, from 0 to 1: Rogan and Gladen (American
    /// Journal of Epidemiology 107, 1978). None where the judge is no better than chance at telling the two apart.
    ///
    /// Holds where the judge errs on the reported answers as it did on those that people judged too. These should be
    /// drawn from both kinds without looking at them, and not be answers of other models or formats.
    pub fn corrected(self, reported: Proportion) -> Option<f64> {
        let shares = Shares {
            reported: share(reported),
            sensitivity: share(self.sensitivity()?),
            specificity: share(self.specificity()?),
        };
        (shares.power() > 0.0).then(|| shares.corrected().clamp(0.0, 1.0))
    }

    /// The interval of Lang and Reiczigel (Preventive Veterinary Medicine 113, 2014), which also carries how unsure
    /// sensitivity and specificity are. None where the judge is no better than chance, and where not a single rate from 0
    /// to 1 lies within: a judge that calls an eighth of good answers bad and then none of 64 errs otherwise here than on
    /// the answers that people judged too.
    pub fn corrected_interval(self, reported: Proportion, level: Level) -> Option<Interval> {
        self.corrected(reported)?;
        let z = critical(level);
        // Each share as if a few more answers had been seen, half of them of either kind.
        let shares = Shares {
            reported: softened(reported, z * z / 2.0),
            sensitivity: softened(self.sensitivity()?, 1.0),
            specificity: softened(self.specificity()?, 1.0),
        };
        let middle = shares.corrected() + shares.shift(z);
        let (low, high) = (middle - z * shares.standard_error(), middle + z * shares.standard_error());
        let is_possible = shares.power() > 0.0 && low < 1.0 && high > 0.0;
        let (low, high) = (low.max(0.0), high.min(1.0));
        is_possible.then_some(Interval { low, high, level, method: Method::LangReiczigel, unit: Unit::Answers })
    }
}

impl Shares {
    /// Youden's index: how far the judge tells the two kinds apart, 1 without error, 0 by chance.
    fn power(&self) -> f64 {
        self.sensitivity.0 + self.specificity.0 - 1.0
    }

    /// `(p + Sp − 1) / (Se + Sp − 1)`.
    fn corrected(&self) -> f64 {
        (self.reported.0 + self.specificity.0 - 1.0) / self.power()
    }

    /// How far the middle of the interval lies from the corrected rate.
    fn shift(&self, z: f64) -> f64 {
        let rate = self.corrected();
        2.0 * z * z * (rate * variance(self.sensitivity) - (1.0 - rate) * variance(self.specificity))
    }

    fn standard_error(&self) -> f64 {
        let rate = self.corrected();
        let sum = variance(self.reported)
            + rate.powi(2) * variance(self.sensitivity)
            + (1.0 - rate).powi(2) * variance(self.specificity);
        sum.sqrt() / self.power()
    }
}

fn share(proportion: Proportion) -> (f64, f64) {
    softened(proportion, 0.0)
}

/// With so many more hits, and as many more misses.
fn softened(proportion: Proportion, more: f64) -> (f64, f64) {
    let n = f64::from(proportion.n()) + 2.0 * more;
    ((f64::from(proportion.hits()) + more) / n, n)
}

fn variance((share, n): (f64, f64)) -> f64 {
    share * (1.0 - share) / n
}

#[cfg(test)]
mod tests;
