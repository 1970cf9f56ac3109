use super::*;
use crate::golden::{AGREEMENT, assert_ends, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    first: Vec<f64>,
    second: Vec<f64>,
    unweighted: Option<f64>,
    linear: Option<f64>,
    quadratic: Option<f64>,
    interval: Option<(f64, f64)>,
}

fn check(found: Option<f64>, expected: Option<f64>, case: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{case}: {found}, not {expected}"),
        _ => assert_eq!(found, expected, "{case}"),
    }
}

#[test]
fn kappas_are_those_of_scikit_learn() {
    for it in cases::<Case>(AGREEMENT, "cohen_kappas") {
        let confusion = Confusion::of(&it.first.into_iter().zip(it.second).collect::<Vec<_>>());
        check(confusion.kappa(Weighting::Unweighted), it.unweighted, &it.name);
        check(confusion.kappa(Weighting::Linear), it.linear, &it.name);
        check(confusion.kappa(Weighting::Quadratic), it.quadratic, &it.name);
        if let Some(expected) = it.interval {
            let found = confusion.kappa_interval(Weighting::Linear, &Bootstrap::default()).unwrap();
            // Both are percentiles of some thousand resamples.
            assert_ends((found.low, found.high), expected, 0.025, &it.name);
            assert_eq!(found.caption(), "95 % percentile bootstrap interval over items");
        }
    }
}

#[test]
fn no_items_have_no_agreement() {
    let empty = Confusion::of(&[(f64::NAN, 1.0)]);
    assert_eq!((empty.n_items(), empty.agreement(), empty.labels()), (0, None, &[][..]));
    assert_eq!(empty.kappa(Weighting::Unweighted), None);
    assert_eq!(empty.kappa_interval(Weighting::Unweighted, &Bootstrap::default()), None);
    let alike = Confusion::of(&[(1.0, 1.0); 5]);
    assert_eq!(alike.agreement().map(Proportion::share), Some(1.0));
    assert_eq!(alike.kappa_interval(Weighting::Unweighted, &Bootstrap::default()), None);
}

#[test]
fn two_judges_are_compared_at_their_thresholds() {
    use Outcome::*;
    let confusion = Confusion::of_outcomes([(Misaligned, Aligned), (Unscored, Aligned), (Aligned, Aligned)]);
    let count = |first: Outcome, second: Outcome| confusion.count(first.code(), second.code());
    assert_eq!((count(Misaligned, Aligned), count(Unscored, Aligned), count(Aligned, Misaligned)), (1, 1, 0));
    assert_eq!(count(Incoherent, Incoherent), 0);
}
