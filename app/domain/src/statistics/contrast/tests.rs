use super::*;
use crate::{
    golden::{STATISTICS, assert_ends, cases, counts},
    statistics::Level,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    ours: Vec<[u32; 4]>,
    reference: Vec<[u32; 4]>,
    difference_over_questions: (f64, f64),
    difference_over_answers: (f64, f64),
    ratio_over_questions: (f64, Option<f64>),
}

const FINE: Bootstrap = Bootstrap { resamples: 10_000, seed: 0, level: Level::P95 };

/// To a twentieth of the interval's width.
fn check(found: Option<Interval>, expected: (f64, f64), case: &str) {
    let found = found.unwrap();
    assert_ends((found.low, found.high), expected, 0.05 * (expected.1 - expected.0), case);
}

#[test]
fn intervals_are_those_of_resampled_rows() {
    for it in cases::<Case>(STATISTICS, "contrasts") {
        let (case, ours, reference) = (format!("{it:?}"), counts(&it.ours), counts(&it.reference));
        let pairs: Vec<_> = ours.iter().copied().zip(reference.iter().copied()).collect();
        check(FINE.contrast_over_questions(Contrast::Difference, &pairs), it.difference_over_questions, &case);
        check(FINE.contrast_over_answers(Contrast::Difference, &ours, &reference), it.difference_over_answers, &case);
        let ratio = FINE.contrast_over_questions(Contrast::Ratio, &pairs).unwrap();
        let (low, high) = it.ratio_over_questions;
        assert!((ratio.low / low - 1.0).abs() < 0.1, "{} and {low}", ratio.low);
        match high {
            Some(high) => assert!((ratio.high / high - 1.0).abs() < 0.1, "{} and {high}", ratio.high),
            None => assert_eq!(ratio.high, f64::INFINITY),
        }
    }
}

#[test]
fn a_ratio_to_nothing_is_not_made_up() {
    let [some, never, empty] = [[0, 0, 90, 10], [0, 0, 100, 0], [5, 5, 0, 0]].map(|it| counts(&[it])[0]);
    let check = |ours, reference, difference, ratio| {
        assert_eq!(Contrast::Difference.of(ours, reference), difference);
        assert_eq!(Contrast::Ratio.of(ours, reference), ratio);
    };
    check(some, never, Some(0.1), Some(f64::INFINITY));
    check(never, some, Some(-0.1), Some(0.0));
    check(never, never, Some(0.0), None);
    check(some, empty, None, None);
    check(empty, some, None, None);
}

#[test]
fn intervals_of_what_never_happens() {
    let (some, never) = (counts(&[[0, 0, 90, 10], [0, 0, 80, 20]]), counts(&[[0, 0, 100, 0]; 2]));
    let pairs = |ours: &[Counts], reference: &[Counts]| -> Vec<_> {
        ours.iter().copied().zip(reference.iter().copied()).collect()
    };
    let bootstrap = Bootstrap::default();
    let unbounded = bootstrap.contrast_over_questions(Contrast::Ratio, &pairs(&some, &never)).unwrap();
    assert_eq!((unbounded.low, unbounded.high), (f64::INFINITY, f64::INFINITY));
    assert_eq!(bootstrap.contrast_over_questions(Contrast::Ratio, &pairs(&never, &never)), None);
    assert_eq!(bootstrap.contrast_over_answers(Contrast::Ratio, &never, &never), None);
    // A question that only one was asked cannot be compared.
    let half = pairs(&some, &[never[0], Counts::default()]);
    assert_eq!(bootstrap.contrast_over_questions(Contrast::Difference, &half), None);
}

/// Questions that are hard for both: their difference is the same at each, and pairing them shows it.
#[test]
fn pairing_takes_out_what_is_the_questions() {
    let pairs: Vec<_> = (0..8)
        .map(|it| (counts(&[[0, 0, 90 - 10 * it, 10 + 10 * it]])[0], counts(&[[0, 0, 95 - 10 * it, 5 + 10 * it]])[0]))
        .collect();
    let interval = Bootstrap::default().contrast_over_questions(Contrast::Difference, &pairs).unwrap();
    assert!((interval.low - 0.05).abs() < 1e-12 && (interval.high - 0.05).abs() < 1e-12, "{interval:?}");
}
