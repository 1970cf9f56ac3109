use super::*;
use crate::{
    golden::{STATISTICS, assert_ends, cases},
    statistics::binomial::probability,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    hits: u32,
    n: u32,
    level: Level,
    wilson: (f64, f64),
    clopper_pearson: (f64, f64),
}

#[derive(Debug, Deserialize)]
struct Newcombe {
    first: (u32, u32),
    second: (u32, u32),
    level: Level,
    interval: (f64, f64),
}

fn of(hits: u32, n: u32) -> Proportion {
    Proportion::new(hits, n).unwrap()
}

fn ends(interval: Interval) -> (f64, f64) {
    (interval.low, interval.high)
}

#[test]
fn intervals_are_those_of_scipy_and_statsmodels() {
    for it in cases::<Case>(STATISTICS, "proportions") {
        let (case, proportion) = (format!("{it:?}"), of(it.hits, it.n));
        assert_ends(ends(proportion.wilson(it.level, Unit::Answers)), it.wilson, 1e-12, &case);
        assert_ends(ends(proportion.clopper_pearson(it.level, Unit::Answers)), it.clopper_pearson, 1e-11, &case);
    }
    for it in cases::<Newcombe>(STATISTICS, "newcombe") {
        let (first, second) = (of(it.first.0, it.first.1), of(it.second.0, it.second.1));
        assert_ends(ends(first.newcombe(second, it.level, Unit::Answers)), it.interval, 1e-12, &format!("{it:?}"));
    }
}

#[test]
fn none_of_64_may_still_be_a_twentieth() {
    let none = of(0, 64);
    let exact = none.clopper_pearson(Level::P95, Unit::Answers);
    assert_eq!(exact.low, 0.0);
    assert!((exact.high - (1.0 - 0.025_f64.powf(1.0 / 64.0))).abs() < 1e-12);
    assert!((0.05..0.06).contains(&none.wilson(Level::P95, Unit::Answers).high));
    assert_eq!(of(64, 64).clopper_pearson(Level::P95, Unit::Answers).high, 1.0);
}

#[test]
fn nothing_has_no_share() {
    assert_eq!(Proportion::new(0, 0), None);
    assert_eq!(Proportion::new(2, 1), None);
}

/// How often the intervals, one for each number of hits, hold the true rate `p`: no simulation, the sum over all that can
/// be seen.
fn coverage(intervals: &[Interval], p: f64) -> f64 {
    let n = intervals.len() as u32 - 1;
    let held = (0..).zip(intervals).filter(|(_, it)| it.low <= p && p <= it.high);
    held.map(|(hits, _)| probability(hits, n, p)).sum()
}

#[test]
fn the_exact_interval_never_holds_less_than_it_says_and_wilsons_on_the_average() {
    for n in [5, 64] {
        let coverages = |interval: fn(Proportion) -> Interval| -> Vec<f64> {
            let intervals: Vec<_> = (0..=n).map(|hits| interval(of(hits, n))).collect();
            (1..100).map(|it| coverage(&intervals, f64::from(it) / 100.0)).collect()
        };
        let exact = coverages(|it| it.clopper_pearson(Level::P95, Unit::Answers));
        assert!(exact.into_iter().fold(1.0, f64::min) >= 0.95);
        let wilson = coverages(|it| it.wilson(Level::P95, Unit::Answers));
        let average = wilson.iter().sum::<f64>() / wilson.len() as f64;
        assert!((0.945..0.965).contains(&average), "{average} with {n}");
    }
}
