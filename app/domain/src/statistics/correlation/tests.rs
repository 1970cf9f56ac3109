use super::*;
use crate::golden::{STATISTICS, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    first: Vec<f64>,
    second: Vec<f64>,
    pearson: f64,
    spearman: f64,
}

#[test]
fn coefficients_are_those_of_scipy() {
    for it in cases::<Case>(STATISTICS, "correlations") {
        let pairs: Vec<_> = it.first.into_iter().zip(it.second).collect();
        assert!((pearson(&pairs).unwrap() - it.pearson).abs() < 1e-12);
        assert!((spearman(&pairs).unwrap() - it.spearman).abs() < 1e-12);
    }
}

#[test]
fn what_does_not_vary_has_no_correlation() {
    for pairs in [&[][..], &[(1.0, 2.0)], &[(0.1, 1.0), (0.1, 2.0), (0.1, 3.0)], &[(1.0, 0.1), (2.0, 0.1)]] {
        assert_eq!((pearson(pairs), spearman(pairs)), (None, None), "{pairs:?}");
    }
}

#[test]
fn a_pair_needs_both_scores() {
    let pairs = [(Some(1.0), Some(2.0)), (None, Some(2.0)), (Some(1.0), None), (Some(f64::NAN), Some(2.0))];
    assert_eq!(scored_pairs(pairs), [(1.0, 2.0)]);
}
