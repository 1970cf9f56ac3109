use super::*;
use crate::golden::{AGREEMENT, assert_ends, cases, ratings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    table: Vec<Vec<Option<f64>>>,
    kappa: f64,
    agreement: f64,
    interval: Option<(f64, f64)>,
}

#[test]
fn kappas_are_those_of_statsmodels_and_irrcac() {
    for it in cases::<Case>(AGREEMENT, "fleiss_kappas") {
        let ratings = ratings(&it.table);
        let found = (ratings.fleiss_kappa().unwrap(), ratings.agreement().unwrap());
        // irrCAC gives twelve digits.
        assert_ends(found, (it.kappa, it.agreement), 1e-11, &it.name);
        if let Some(expected) = it.interval {
            let found = ratings.fleiss_kappa_interval(&Bootstrap::default()).unwrap();
            assert_ends((found.low, found.high), expected, 0.02, &it.name);
        }
    }
}

#[test]
fn without_pairs_or_without_two_labels_there_is_none() {
    let check = |labels: &[(u32, u32, f64)], agreement: Option<f64>| {
        let ratings = Ratings::of(labels.iter().copied());
        assert_eq!((ratings.fleiss_kappa(), ratings.agreement()), (None, agreement), "{labels:?}");
        assert_eq!(ratings.fleiss_kappa_interval(&Bootstrap::default()), None);
    };
    check(&[], None);
    check(&[(1, 1, 0.0), (2, 2, 1.0)], None);
    check(&[(1, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0), (2, 2, 1.0)], Some(1.0));
}

#[test]
fn agreement_has_an_interval_over_items() {
    let labels = (0..40).flat_map(|item| [(item, 0, 1.0), (item, 1, f64::from(item % 4).min(1.0))]);
    let ratings = Ratings::of(labels);
    let interval = ratings.agreement_interval(&Bootstrap::default()).unwrap();
    assert_eq!(ratings.agreement(), Some(0.75));
    // Of a share of 40: 0.75 ± 1.96 · 0.068.
    assert_ends((interval.low, interval.high), (0.616, 0.884), 0.026, "agreement");
}
