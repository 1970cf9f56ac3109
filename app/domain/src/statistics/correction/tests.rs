use super::*;
use crate::golden::{STATISTICS, assert_close, cases};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    p_values: Vec<f64>,
    holm: Vec<f64>,
    benjamini_hochberg: Vec<f64>,
}

#[test]
fn adjusted_p_values_are_those_of_statsmodels() {
    let check = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        found.into_iter().zip(expected).for_each(|(found, expected)| assert_close(found, *expected, 1e-12, "p"));
    };
    for it in cases::<Case>(STATISTICS, "corrections") {
        check(holm(&it.p_values), &it.holm);
        check(benjamini_hochberg(&it.p_values), &it.benjamini_hochberg);
    }
}

#[test]
fn what_has_no_p_value_is_not_counted() {
    for correct in [holm, benjamini_hochberg] {
        let adjusted = correct(&[0.01, f64::NAN, 0.5]);
        assert!(adjusted[1].is_nan());
        assert_eq!([adjusted[0], adjusted[2]], [0.02, 0.5]);
        assert_eq!(correct(&[]), [0.0; 0]);
    }
}
