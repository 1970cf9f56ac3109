use super::*;
use crate::golden::{STATISTICS, assert_ends, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    scores: Vec<f64>,
    mean: f64,
    interval: (f64, f64),
}

#[test]
fn means_and_intervals_are_those_of_numpy() {
    let bootstrap = Bootstrap { resamples: 10_000, ..Bootstrap::default() };
    for it in cases::<Case>(STATISTICS, "means") {
        assert!((mean(&it.scores).unwrap() - it.mean).abs() < 1e-12);
        let found = bootstrap.mean_over_answers(&it.scores).unwrap();
        // In points of a scale from 0 to 100.
        assert_ends((found.low, found.high), it.interval, 0.8, "scores");
    }
}

#[test]
fn unscored_answers_have_no_part_in_a_mean() {
    assert_eq!(mean(&[f64::NAN, 10.0, 20.0]), Some(15.0));
    assert_eq!(mean(&[f64::NAN]), None);
    assert_eq!(Bootstrap::default().mean_over_answers(&[f64::NAN, 10.0]), None);
    let constant = Bootstrap::default().mean_over_answers(&[10.0, 10.0]).unwrap();
    assert!(constant.is_degenerate());
}

#[test]
fn a_question_is_drawn_with_all_its_scores() {
    let bootstrap = Bootstrap::default();
    let questions = [vec![0.0; 3], vec![100.0], vec![f64::NAN]];
    let interval = bootstrap.mean_over_questions(&questions).unwrap();
    assert_eq!((interval.low, interval.high, interval.unit), (0.0, 100.0, Unit::Questions));
    assert_eq!(bootstrap.mean_over_questions(&questions[1..]), None);
}
