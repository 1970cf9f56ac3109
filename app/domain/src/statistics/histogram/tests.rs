use super::*;
use crate::golden::{STATISTICS, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    scores: Vec<f64>,
    bins: [u32; 10],
}

#[test]
fn bins_are_those_of_numpy() {
    for it in cases::<Case>(STATISTICS, "histograms") {
        let histogram = Histogram::of(it.scores.into_iter().map(Some));
        assert_eq!(histogram, Histogram { bins: it.bins, ..Histogram::default() });
    }
}

#[test]
fn no_answer_is_lost() {
    let scores = [None, Some(f64::NAN), Some(-0.1), Some(100.1), Some(f64::INFINITY), Some(-0.0), Some(55.0)];
    let histogram = Histogram::of(scores);
    assert_eq!((histogram.unscored, histogram.outside), (3, 2));
    assert_eq!((histogram.bins[0], histogram.bins[5], histogram.bins.iter().sum::<u32>()), (1, 1, 2));
    assert_eq!(Histogram::ends(9), (90.0, 100.0));
}
