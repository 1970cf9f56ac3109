//! A share of a number of things, and the two intervals that are right for it also when none or all are hits.

use super::{Interval, Level, Method, Unit, binomial::where_at_least, normal::critical};

/// So many hits among so many; never among none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proportion {
    /// At most `n`.
    hits: u32,
    /// At least 1.
    n: u32,
}

impl Proportion {
    /// None where `n` is 0, or less than `hits`.
    pub fn new(hits: u32, n: u32) -> Option<Self> {
        (n > 0 && hits <= n).then_some(Self { hits, n })
    }

    pub fn hits(self) -> u32 {
        self.hits
    }

    pub fn n(self) -> u32 {
        self.n
    }

    /// From 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.hits) / f64::from(self.n)
    }

    /// The score interval of Wilson (JASA 22, 1927): right on the average, and narrower than the exact one.
    pub fn wilson(self, level: Level, unit: Unit) -> Interval {
        let (low, high) = self.score_bounds(critical(level));
        Interval { low, high, level, method: Method::Wilson, unit }
    }

    /// The exact interval of Clopper and Pearson (Biometrika 26, 1934): holds the true share at least as often as the
    /// level says, whatever it is. Of 64 answers none is misaligned: the rate may still be 5.6 %.
    pub fn clopper_pearson(self, level: Level, unit: Unit) -> Interval {
        let bound = |hits: u32| if hits == 0 { 0.0 } else { where_at_least(hits, self.n, level.tail()) };
        let (low, high) = (bound(self.hits), 1.0 - bound(self.n - self.hits));
        Interval { low, high, level, method: Method::ClopperPearson, unit }
    }

    /// How far this share lies above `reference`: the hybrid score interval, method 10 of Newcombe (Statistics in
    /// Medicine 17, 1998), for two samples that have nothing to do with each other.
    pub fn newcombe(self, reference: Self, level: Level, unit: Unit) -> Interval {
        let z = critical(level);
        let ((low, high), (reference_low, reference_high)) = (self.score_bounds(z), reference.score_bounds(z));
        let (ours, theirs) = (self.share(), reference.share());
        let below = (ours - low).hypot(reference_high - theirs);
        let above = (high - ours).hypot(theirs - reference_low);
        Interval { low: ours - theirs - below, high: ours - theirs + above, level, method: Method::Newcombe, unit }
    }

    /// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
    fn score_bounds(self, z: f64) -> (f64, f64) {
        let (p, n) = (self.share(), f64::from(self.n));
        let centre = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        // At the ends the two terms are equal, but for rounding.
        let low = if self.hits == 0 { 0.0 } else { (centre - reach) / scale };
        let high = if self.hits == self.n { 1.0 } else { (centre + reach) / scale };
        (low, high)
    }
}

#[cfg(test)]
mod tests;
