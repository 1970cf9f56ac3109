//! Several who labelled the same items: how often they agree, and Fleiss' κ.

use super::{Ratings, ratings::Coded};
use crate::statistics::{Bootstrap, Interval, Unit, mean};

impl Ratings {
    /// How often two annotators of an item agree, from 0 to 1: the mean over the items with at least two labels. None
    /// where there is none.
    pub fn agreement(&self) -> Option<f64> {
        mean(&self.item_agreements())
    }

    /// None where fewer than two items have at least two labels.
    pub fn agreement_interval(&self, bootstrap: &Bootstrap) -> Option<Interval> {
        bootstrap.over(Unit::Items, &self.item_agreements(), mean)
    }

    /// Fleiss' κ (Psychological Bulletin 76, 1971), up to 1: how much more often two annotators of an item agree than two
    /// labels of any items. Who gave a label does not matter, and the labels have no order.
    ///
    /// Items may have different numbers of labels, as in Gwet's *Handbook of Inter-Rater Reliability* (4th edition,
    /// 2014): those with one label still say how frequent it is. None where all labels are the same, or no item has two.
    pub fn fleiss_kappa(&self) -> Option<f64> {
        let Coded { values, items } = self.coded();
        kappa(values.len(), &slices(&items))
    }

    /// None where there are fewer than two items.
    pub fn fleiss_kappa_interval(&self, bootstrap: &Bootstrap) -> Option<Interval> {
        let Coded { values, items } = self.coded();
        bootstrap.over(Unit::Items, &slices(&items), |drawn| kappa(values.len(), drawn))
    }

    /// Of each item with at least two labels.
    fn item_agreements(&self) -> Vec<f64> {
        self.coded().items.iter().filter_map(|it| item_agreement(it)).collect()
    }
}

pub(super) fn slices(items: &[Vec<usize>]) -> Vec<&[usize]> {
    items.iter().map(Vec::as_slice).collect()
}

fn kappa(n_labels: usize, items: &[&[usize]]) -> Option<f64> {
    let mut frequency = vec![0.0; n_labels];
    let (mut agreement, mut n_shared) = (0.0, 0.0);
    for item in items {
        item.iter().for_each(|label| frequency[*label] += 1.0 / item.len() as f64 / items.len() as f64);
        if let Some(it) = item_agreement(item) {
            agreement += it;
            n_shared += 1.0;
        }
    }
    let n_used = frequency.iter().filter(|it| **it > 0.0).count();
    let by_chance: f64 = frequency.iter().map(|it| it * it).sum();
    (n_used > 1 && n_shared > 0.0).then(|| (agreement / n_shared - by_chance) / (1.0 - by_chance))
}

/// The share of the pairs of labels that are the same; None where there is no pair.
fn item_agreement(item: &[usize]) -> Option<f64> {
    let same: usize = item.iter().map(|a| item.iter().filter(|b| a == *b).count() - 1).sum();
    let pairs = item.len() * item.len().checked_sub(1)?;
    (pairs > 0).then(|| same as f64 / pairs as f64)
}

#[cfg(test)]
mod tests;
