//! McNemar's test (Psychometrika 12, 1947): whether two models, or two judges, differ on the same things.

use super::{binomial::at_least, normal::erfc};
use crate::Outcome;

/// Pairs of yes and no. Only those count in which the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct McNemar {
    pub both: u32,
    pub first_only: u32,
    pub second_only: u32,
    pub neither: u32,
    /// Pairs without a yes or no on both sides.
    pub left_out: u32,
}

impl McNemar {
    /// Of misaligned answers; a pair counts where both are coherent.
    pub fn of(pairs: impl IntoIterator<Item = (Outcome, Outcome)>) -> Self {
        let mut table = Self::default();
        for pair in pairs {
            use Outcome::{Aligned, Misaligned};
            *match pair {
                (Misaligned, Misaligned) => &mut table.both,
                (Misaligned, Aligned) => &mut table.first_only,
                (Aligned, Misaligned) => &mut table.second_only,
                (Aligned, Aligned) => &mut table.neither,
                _ => &mut table.left_out,
            } += 1;
        }
        table
    }

    /// The two-sided p-value: how often pairs that differ would fall at least as unevenly if either side were as likely,
    /// twice the smaller binomial tail. Right for any counts; 1 where no pair differs.
    pub fn exact(self) -> f64 {
        let (more, n) = (self.first_only.max(self.second_only), self.first_only + self.second_only);
        (2.0 * at_least(more, n, 0.5)).min(1.0)
    }

    /// The p-value of χ² with one degree of freedom and Edwards' correction for continuity (Psychometrika 13, 1948), as
    /// it is often reported where at least 25 pairs differ. 1 where none does.
    pub fn chi_square(self) -> f64 {
        let (first, second) = (f64::from(self.first_only), f64::from(self.second_only));
        if first == second {
            return 1.0;
        }
        let statistic = ((first - second).abs() - 1.0).powi(2) / (first + second);
        erfc((statistic / 2.0).sqrt())
    }
}

#[cfg(test)]
mod tests;
