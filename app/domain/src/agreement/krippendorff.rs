//! Krippendorff's α: agreement of any number of annotators, with any labels missing, on any scale.

use super::{Ratings, fleiss::slices, ratings::Coded};
use crate::statistics::{Bootstrap, Interval, Unit};
use serde::{Deserialize, Serialize};

/// What the labels are, and so how far two of them lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Categories: the same, or not.
    Nominal,
    /// Grades: as many labels as were given between the two.
    Ordinal,
    /// Scores: the difference.
    Interval,
    /// Amounts from 0: the difference for their sum.
    Ratio,
}

/// Labels with their places on the scale, and how many there are of each.
struct Places {
    at: Vec<f64>,
    counts: Vec<f64>,
    scale: Scale,
}

impl Ratings {
    /// α = 1 − observed / expected disagreement (Krippendorff, *Computing Krippendorff's alpha-reliability*, 2011), up to
    /// 1; 0 is as good as chance. The observed one is that within items, the expected one that among all labels of items
    /// with at least two, whichever items they are of.
    ///
    /// None where all these labels are the same, where there are none, and on the ratio scale where one is negative.
    pub fn alpha(&self, scale: Scale) -> Option<f64> {
        let Coded { values, items } = self.coded();
        alpha(&values, &pairable(&items), scale)
    }

    /// None where fewer than two items have at least two labels.
    ///
    /// Items are drawn anew, where Krippendorff's own algorithm (2006) draws pairs of labels, as if those of an item had
    /// nothing to do with each other.
    pub fn alpha_interval(&self, scale: Scale, bootstrap: &Bootstrap) -> Option<Interval> {
        let Coded { values, items } = self.coded();
        bootstrap.over(Unit::Items, &pairable(&items), |drawn| alpha(&values, drawn, scale))
    }
}

/// The items with something to be compared.
fn pairable(items: &[Vec<usize>]) -> Vec<&[usize]> {
    slices(items).into_iter().filter(|it| it.len() > 1).collect()
}

/// `1 − (n − 1) Σₒ / Σₑ`, with the sums of the coincidences' and of all pairs' distances.
fn alpha(values: &[f64], items: &[&[usize]], scale: Scale) -> Option<f64> {
    let mut counts = vec![0.0; values.len()];
    items.iter().copied().flatten().for_each(|label| counts[*label] += 1.0);
    let n: f64 = counts.iter().sum();
    let is_negative = values.first().is_some_and(|it| *it < 0.0);
    let n_used = counts.iter().filter(|it| **it > 0.0).count();
    if n_used < 2 || (scale == Scale::Ratio && is_negative) {
        return None;
    }
    let places = Places { at: scale.places(values, &counts), counts, scale };
    let observed: f64 = items.iter().map(|it| places.within(it)).sum();
    Some(1.0 - (n - 1.0) * observed / places.among_all(n))
}

impl Scale {
    /// Where each label stands: at its value, and on the ordinal scale in the middle of the ranks that it takes, so that
    /// Krippendorff's sum over the labels between two is the difference of their places.
    fn places(self, values: &[f64], counts: &[f64]) -> Vec<f64> {
        match self {
            Self::Nominal | Self::Interval | Self::Ratio => values.to_vec(),
            Self::Ordinal => {
                let middle = |before: &mut f64, count: &f64| {
                    *before += count;
                    Some(*before - count / 2.0)
                };
                counts.iter().scan(0.0, middle).collect()
            }
        }
    }

    fn distance(self, first: f64, second: f64) -> f64 {
        match self {
            Self::Nominal => f64::from(u8::from(first != second)),
            Self::Ordinal | Self::Interval => (first - second).powi(2),
            Self::Ratio if first == second => 0.0,
            Self::Ratio => ((first - second) / (first + second)).powi(2),
        }
    }
}

impl Places {
    /// The distances of all pairs of an item's labels, each pair both ways round, for each label it could be paired with.
    fn within(&self, item: &[usize]) -> f64 {
        let distance = |a: &usize, b: &usize| self.scale.distance(self.at[*a], self.at[*b]);
        let sum: f64 = item.iter().flat_map(|a| item.iter().map(move |b| distance(a, b))).sum();
        sum / (item.len() - 1) as f64
    }

    /// The distances of all pairs of labels, each pair both ways round. Where there are many different ones, all pairs
    /// are looked at for the ratio scale alone.
    fn among_all(&self, n: f64) -> f64 {
        let counted = || self.at.iter().zip(&self.counts);
        match self.scale {
            Scale::Nominal => n * n - self.counts.iter().map(|it| it * it).sum::<f64>(),
            Scale::Ordinal | Scale::Interval => {
                let mean = counted().map(|(at, count)| at * count).sum::<f64>() / n;
                2.0 * n * counted().map(|(at, count)| count * (at - mean).powi(2)).sum::<f64>()
            }
            Scale::Ratio => {
                let pairs = counted().flat_map(|a| counted().map(move |b| (a, b)));
                pairs.map(|((a, n_a), (b, n_b))| n_a * n_b * self.scale.distance(*a, *b)).sum()
            }
        }
    }
}

#[cfg(test)]
mod tests;
