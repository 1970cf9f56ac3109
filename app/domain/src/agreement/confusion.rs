//! Two who labelled the same items: the table of their labels, and Cohen's κ.

use super::ratings::{distinct, place};
use crate::{
    Outcome,
    statistics::{Bootstrap, Interval, Proportion, Unit},
};
use serde::{Deserialize, Serialize};

/// How often the first gave one label and the second another.
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    /// The distinct labels of both, in order.
    labels: Vec<f64>,
    /// `(L, L)` of `L` labels, the first's in rows.
    counts: Vec<u32>,
}

/// How much a disagreement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// All the same: for categories without an order.
    Unweighted,
    /// As far as the labels lie apart: for grades.
    Linear,
    /// As the square of that.
    Quadratic,
}

impl Confusion {
    /// Of the labels of both for each item. An item for which one is no finite number is left out.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let both: Vec<_> = pairs.iter().filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
        let labels = distinct(both.iter().flat_map(|(a, b)| [*a, *b]));
        let mut counts = vec![0; labels.len() * labels.len()];
        for (a, b) in both {
            counts[place(&labels, *a) * labels.len() + place(&labels, *b)] += 1;
        }
        Self { labels, counts }
    }

    /// Of what two judges' scores come to at the thresholds, unscored answers included; by [`Outcome::code`].
    pub fn of_outcomes(pairs: impl IntoIterator<Item = (Outcome, Outcome)>) -> Self {
        let codes: Vec<_> = pairs.into_iter().map(|(first, second)| (first.code(), second.code())).collect();
        Self::of(&codes)
    }

    /// The labels that either gave, in order.
    pub fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// How many items the first gave one label and the second the other.
    pub fn count(&self, first: f64, second: f64) -> u32 {
        let find = |label: f64| self.labels.iter().position(|it| *it == label);
        let cell = find(first).zip(find(second));
        cell.map_or(0, |(row, column)| self.counts[row * self.labels.len() + column])
    }

    /// Items that both labelled.
    pub fn n_items(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// The items that both gave the same label, of all; its intervals are over [`Unit::Items`]. None where there are no
    /// items.
    pub fn agreement(&self) -> Option<Proportion> {
        let same = self.counts.iter().step_by(self.labels.len() + 1).sum();
        Proportion::new(same, self.n_items())
    }

    /// Cohen's κ (Educational and Psychological Measurement 20, 1960; weighted: Psychological Bulletin 70, 1968), up to
    /// 1: how much less they disagree than if each had given as many of each label, but to any items. None where both
    /// gave one and the same label to all.
    pub fn kappa(&self, weighting: Weighting) -> Option<f64> {
        kappa(&self.labels, &self.counts, weighting)
    }

    /// None where there are fewer than two items.
    pub fn kappa_interval(&self, weighting: Weighting, bootstrap: &Bootstrap) -> Option<Interval> {
        let repeat = |(cell, count): (usize, &u32)| std::iter::repeat_n(cell, *count as usize);
        let items: Vec<usize> = self.counts.iter().enumerate().flat_map(repeat).collect();
        bootstrap.over(Unit::Items, &items, |drawn| {
            let mut counts = vec![0; self.counts.len()];
            drawn.iter().for_each(|cell| counts[*cell] += 1);
            kappa(&self.labels, &counts, weighting)
        })
    }
}

impl Weighting {
    fn weight(self, first: f64, second: f64) -> f64 {
        match self {
            Self::Unweighted => f64::from(u8::from(first != second)),
            Self::Linear => (first - second).abs(),
            Self::Quadratic => (first - second).powi(2),
        }
    }
}

/// `1 − Σ w nᵢⱼ / Σ w nᵢ n.ⱼ / n`.
fn kappa(labels: &[f64], counts: &[u32], weighting: Weighting) -> Option<f64> {
    let n_labels = labels.len();
    let (mut rows, mut columns) = (vec![0.0; n_labels], vec![0.0; n_labels]);
    for (cell, count) in counts.iter().enumerate() {
        rows[cell / n_labels] += f64::from(*count);
        columns[cell % n_labels] += f64::from(*count);
    }
    let n: f64 = rows.iter().sum();
    let (mut observed, mut expected) = (0.0, 0.0);
    for (cell, count) in counts.iter().enumerate() {
        let (row, column) = (cell / n_labels, cell % n_labels);
        let weight = weighting.weight(labels[row], labels[column]);
        observed += weight * f64::from(*count);
        expected += weight * rows[row] * columns[column] / n;
    }
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

#[cfg(test)]
mod tests;
