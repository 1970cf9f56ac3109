use super::*;
use crate::golden::{AGREEMENT, assert_ends, cases, ratings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    table: Vec<Vec<Option<f64>>>,
    nominal: Option<f64>,
    ordinal: Option<f64>,
    interval: Option<f64>,
    ratio: Option<f64>,
    nominal_interval: Option<(f64, f64)>,
    ordinal_interval: Option<(f64, f64)>,
}

fn check(found: Option<f64>, expected: Option<f64>, case: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-11, "{case}: {found}, not {expected}"),
        _ => assert_eq!(found, expected, "{case}"),
    }
}

#[test]
fn alphas_are_those_of_the_package_krippendorff() {
    for it in cases::<Case>(AGREEMENT, "alphas") {
        let ratings = ratings(&it.table);
        check(ratings.alpha(Scale::Nominal), it.nominal, &it.name);
        check(ratings.alpha(Scale::Ordinal), it.ordinal, &it.name);
        check(ratings.alpha(Scale::Interval), it.interval, &it.name);
        check(ratings.alpha(Scale::Ratio), it.ratio, &it.name);
        let scales = [(Scale::Nominal, it.nominal_interval), (Scale::Ordinal, it.ordinal_interval)];
        for (scale, expected) in scales.into_iter().filter_map(|(scale, it)| Some((scale, it?))) {
            let found = ratings.alpha_interval(scale, &Bootstrap::default()).unwrap();
            // A tenth of the width: both are percentiles of some thousand resamples, of eleven items in the textbook.
            let tolerance = 0.1 * (expected.1 - expected.0);
            assert_ends((found.low, found.high), expected, tolerance, &format!("{} {scale:?}", it.name));
        }
    }
}

/// As printed in Krippendorff's own example.
#[test]
fn the_textbook_is_met() {
    let textbook = cases::<Case>(AGREEMENT, "alphas").swap_remove(0);
    let rounded = |scale| (ratings(&textbook.table).alpha(scale).unwrap() * 1_000.0).round();
    let scales = [Scale::Nominal, Scale::Ordinal, Scale::Interval, Scale::Ratio];
    assert_eq!(scales.map(rounded), [743.0, 815.0, 849.0, 797.0]);
}

#[test]
fn amounts_are_not_negative() {
    let ratings = Ratings::of([(1, 1, -1.0), (1, 2, 1.0), (2, 1, 2.0), (2, 2, 2.0)]);
    assert_eq!(ratings.alpha(Scale::Ratio), None);
    assert!(ratings.alpha(Scale::Interval).is_some());
}

#[test]
fn one_item_has_no_interval() {
    let ratings = Ratings::of([(1, 1, 0.0), (1, 2, 1.0), (2, 1, 0.0)]);
    assert_eq!(ratings.alpha(Scale::Nominal), Some(0.0));
    assert_eq!(ratings.alpha_interval(Scale::Nominal, &Bootstrap::default()), None);
}
