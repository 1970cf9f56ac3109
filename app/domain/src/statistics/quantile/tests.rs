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
        let mut values = finite(it.values);
        for (share, expected) in it.shares.iter().zip(&it.quantiles) {
            let found = quantile(&mut values, *share).unwrap();
            assert!((found - expected).abs() < 1e-10, "{share} of {values:?}: {found}");
        }
    }
}

#[test]
fn what_is_no_number_has_no_place() {
    assert_eq!(finite([2.0, f64::NAN, 1.0, f64::INFINITY]), [2.0, 1.0]);
    assert_eq!(quantile(&mut [], 0.5), None);
}

#[test]
fn quantiles_may_be_infinite_and_are_never_nan() {
    let values = [f64::INFINITY, 1.0, f64::INFINITY, 2.0];
    let check = |share: f64, expected: f64| assert_eq!(quantile(&mut values.clone(), share), Some(expected));
    check(1.0 / 3.0, 2.0);
    check(0.5, f64::INFINITY);
    check(0.9, f64::INFINITY);
}
