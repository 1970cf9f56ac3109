//! Who gave which item what label.

use super::Confusion;
use std::collections::BTreeMap;

/// Labels of items by annotators. Any may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratings {
    /// For each item with a label the annotators and their labels, all in order; one label each, all finite.
    items: Vec<Vec<(u32, f64)>>,
}

/// Labels as places among the distinct values.
pub(super) struct Coded {
    /// In order.
    pub(super) values: Vec<f64>,
    /// For each item what it was labelled, whoever did so.
    pub(super) items: Vec<Vec<usize>>,
}

impl Ratings {
    /// Of `(item, annotator, label)` in any order, items and annotators by any number. A label that is no finite number
    /// is missing; of several by one annotator for one item the last counts.
    pub fn of(labels: impl IntoIterator<Item = (u32, u32, f64)>) -> Self {
        let mut items: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
        for (item, annotator, label) in labels {
            if label.is_finite() {
                items.entry(item).or_default().insert(annotator, label);
            }
        }
        Self { items: items.into_values().map(|it| it.into_iter().collect()).collect() }
    }

    /// Items with at least one label.
    pub fn n_items(&self) -> usize {
        self.items.len()
    }

    /// The labels of two annotators, for the items that both labelled.
    pub fn confusion(&self, first: u32, second: u32) -> Confusion {
        let by = |item: &[(u32, f64)], annotator: u32| {
            let idx = item.binary_search_by_key(&annotator, |it| it.0).ok()?;
            Some(item[idx].1)
        };
        let pairs: Vec<_> = self.items.iter().filter_map(|it| by(it, first).zip(by(it, second))).collect();
        Confusion::of(&pairs)
    }

    pub(super) fn coded(&self) -> Coded {
        let labels = || self.items.iter().flatten().map(|(_, label)| *label);
        let values = distinct(labels());
        let code = |(_, label): &(u32, f64)| place(&values, *label);
        let items = self.items.iter().map(|it| it.iter().map(code).collect()).collect();
        Coded { values, items }
    }
}

/// In order. −0 and 0 are the same.
pub(super) fn distinct(labels: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = labels.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    values
}

/// Where `label`, one of the values, stands among them.
pub(super) fn place(values: &[f64], label: f64) -> usize {
    values.partition_point(|it| *it < label)
}

#[cfg(test)]
mod tests;
