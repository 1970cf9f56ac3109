//! From a value to its place on an axis.

/// An axis with round ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    step: f64,
}

impl Scale {
    /// Holds 0 and all values, which are shares from −1 to 1, as per cent; at least from 0 to 5 %.
    pub fn per_cent(shares: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high) = (0.0_f64, 5.0_f64);
        for share in shares.into_iter().filter(|it| it.is_finite()) {
            low = low.min(share * 100.0);
            high = high.max(share * 100.0);
        }
        let step = step((high - low) / 5.0);
        // What rounding leaves beyond a tick needs no further one.
        let out = |value: f64| (value.abs() / step - 1e-9).ceil() * step;
        Self { low: -out(low), high: out(high), step }
    }

    /// From 0 to at least `n`.
    pub fn counts(n: u32) -> Self {
        let step = step(f64::from(n.max(1)) / 2.0).max(1.0);
        Self { low: 0.0, high: (f64::from(n.max(1)) / step).ceil() * step, step }
    }

    pub fn ticks(self) -> Vec<f64> {
        let n = ((self.high - self.low) / self.step).round() as u32;
        (0..=n).map(|idx| self.low + f64::from(idx) * self.step).collect()
    }

    /// 0 at the low end, 1 at the high one.
    pub fn share(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The smallest of 1, 2, 5, 10, 20, … that is at least `rough`.
fn step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|it| it * power).find(|it| *it >= rough - 1e-9).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_on_a_tick_and_holds_every_value() {
        let check = |shares: &[f64], expected: &[f64]| {
            assert_eq!(Scale::per_cent(shares.iter().copied()).ticks(), expected);
        };
        check(&[], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        check(&[0.3], &[0.0, 10.0, 20.0, 30.0]);
        check(&[0.299, 0.07], &[0.0, 10.0, 20.0, 30.0]);
        check(&[1.0], &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        check(&[-0.03, 0.18], &[-5.0, 0.0, 5.0, 10.0, 15.0, 20.0]);
        check(&[f64::INFINITY, 0.02], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn counts_begin_at_0() {
        assert_eq!(Scale::counts(0).ticks(), [0.0, 1.0]);
        assert_eq!(Scale::counts(183).ticks(), [0.0, 100.0, 200.0]);
    }

    #[test]
    fn a_share_is_kept_within_the_axis() {
        let scale = Scale::per_cent([0.2]);
        assert_eq!(scale.share(10.0), 0.5);
        assert_eq!(scale.share(-3.0), 0.0);
    }
}
