use super::*;
use crate::golden::{STATISTICS, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    values: Vec<f64>,
    shares: Vec<f64>,
    quantiles: Vec<f64>,
}

#[test]
fn quantiles_are_those_of_numpy() {
    for it in cases::<Case>(STATISTICS, "quantiles") {
        let sorted = sorted(it.values);
        for (share, expected) in it.shares.iter().zip(&it.quantiles) {
            let found = quantile(&sorted, *share).unwrap();
            assert!((found - expected).abs() < 1e-10, "{share} of {sorted:?}: {found}");
        }
    }
}

#[test]
fn what_is_no_number_has_no_place() {
    assert_eq!(sorted([2.0, f64::NAN, 1.0, f64::INFINITY]), [1.0, 2.0]);
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn quantiles_may_be_infinite_and_are_never_nan() {
    let values = [1.0, 2.0, f64::INFINITY, f64::INFINITY];
    let check = |share: f64, expected: f64| assert_eq!(quantile(&values, share), Some(expected));
    check(1.0 / 3.0, 2.0);
    check(0.5, f64::INFINITY);
    check(0.9, f64::INFINITY);
}
