use super::*;
use crate::{
    golden::{AGREEMENT, assert_ends, cases},
    statistics::Random,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    reported: (u32, u32),
    sensitivity: (u32, u32),
    specificity: (u32, u32),
    level: Level,
    rate: f64,
    interval: Option<(f64, f64)>,
}

fn judge((found, bad): (u32, u32), (passed, good): (u32, u32)) -> Validity {
    Validity { true_positive: found, false_negative: bad - found, false_positive: good - passed, true_negative: passed }
}

#[test]
fn corrected_rates_are_those_of_the_formulas() {
    for it in cases::<Case>(AGREEMENT, "corrected_rates") {
        let (case, judge) = (format!("{it:?}"), judge(it.sensitivity, it.specificity));
        let reported = Proportion::new(it.reported.0, it.reported.1).unwrap();
        assert!((judge.corrected(reported).unwrap() - it.rate).abs() < 1e-12, "{case}");
        let found = judge.corrected_interval(reported, it.level);
        match it.interval {
            Some(expected) => assert_ends(found.map(|it| (it.low, it.high)).unwrap(), expected, 1e-12, &case),
            None => assert_eq!(found, None, "{case}"),
        }
    }
}

/// 23 of 150 by a test that finds 96 % and passes 89 %: 5.1 %, as in the manual of the R package epiR.
#[test]
fn the_manual_is_met() {
    let rate = judge((96, 100), (89, 100)).corrected(Proportion::new(23, 150).unwrap()).unwrap();
    assert_eq!((rate * 1_000.0).round(), 51.0);
}

#[test]
fn a_judge_that_cannot_tell_corrects_nothing() {
    let reported = Proportion::new(30, 100).unwrap();
    let check = |validity: Validity| {
        assert_eq!(validity.corrected(reported), None);
        assert_eq!(validity.corrected_interval(reported, Level::P95), None);
    };
    check(judge((10, 20), (10, 20)));
    check(judge((5, 20), (10, 20)));
    // Nothing is known of how it judges one of the kinds.
    check(judge((0, 0), (10, 20)));
    check(judge((10, 20), (0, 0)));
}

#[test]
fn a_single_answer_is_too_few_for_an_interval() {
    let (judge, reported) = (judge((1, 1), (60, 200)), Proportion::new(90, 100).unwrap());
    assert!(judge.corrected(reported).is_some());
    assert_eq!(judge.corrected_interval(reported, Level::P95), None);
}

#[test]
fn pairs_fall_into_four_places() {
    let validity = Validity::of([(true, true), (true, false), (false, true), (false, false), (false, false)]);
    assert_eq!(validity.sensitivity().map(Proportion::share), Some(0.5));
    assert_eq!(validity.specificity().map(Proportion::share), Some(2.0 / 3.0));
    assert_eq!((validity.true_positive, validity.false_positive), (1, 1));
}

/// 1,000 studies in which 15 % are bad and the judge finds 80 % of these and passes 95 % of the others.
#[test]
fn intervals_hold_the_true_rate_as_often_as_they_say() {
    let mut random = Random::new(9);
    let mut drawn = |n: u32, share: f64| (0..n).filter(|_| random.unit() < share).count() as u32;
    let n_studies = 1_000;
    let mut n_held = 0;
    for _ in 0..n_studies {
        let judge = judge((drawn(50, 0.8), 50), (drawn(100, 0.95), 100));
        let reported = Proportion::new(drawn(300, 0.15 * 0.8 + 0.85 * 0.05), 300).unwrap();
        let interval = judge.corrected_interval(reported, Level::P95).unwrap();
        n_held += u32::from(interval.low <= 0.15 && 0.15 <= interval.high);
    }
    // Three standard deviations are 0.02. An interval that took the judge for known would hold it about 0.8 of the time.
    let share = f64::from(n_held) / f64::from(n_studies);
    assert!((0.93..0.985).contains(&share), "{share}");
}
