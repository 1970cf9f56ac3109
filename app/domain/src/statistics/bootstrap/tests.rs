use super::*;
use crate::golden::{STATISTICS, assert_ends, cases, counts};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    cells: Vec<[u32; 4]>,
    interval: (f64, f64),
    mean: Option<f64>,
}

/// More than usual, so that the reference can be compared with closely.
const FINE: Bootstrap = Bootstrap { resamples: 10_000, seed: 0, level: Level::P95 };

fn ends(interval: Option<Interval>) -> (f64, f64) {
    interval.map(|it| (it.low, it.high)).unwrap()
}

/// Percentiles of two sets of resamples differ by chance: by less than a tenth of the interval's width here, where
/// a single answer can be as much.
fn check(section: &str, bootstrap: impl Fn(&[Counts]) -> Option<Interval>) {
    for it in cases::<Case>(STATISTICS, section) {
        let tolerance = 0.1 * (it.interval.1 - it.interval.0);
        assert_ends(ends(bootstrap(&counts(&it.cells))), it.interval, tolerance, &format!("{section}: {it:?}"));
    }
}

#[test]
fn intervals_are_those_of_resampled_rows() {
    check("bootstrap_answers", |cells| FINE.rate_over_answers(cells));
    check("bootstrap_questions", |cells| FINE.rate_over_questions(cells));
    check("bootstrap_seeds", |cells| FINE.mean_rate_over_finetuning_seeds(cells));
    for it in cases::<Case>(STATISTICS, "bootstrap_seeds") {
        assert!((mean_rate(&counts(&it.cells)).unwrap() - it.mean.unwrap()).abs() < 1e-12);
    }
}

#[test]
fn the_same_seed_gives_the_same_interval() {
    let cells = counts(&[[2, 8, 60, 30], [0, 0, 90, 10]]);
    let bootstrap = Bootstrap::default();
    assert_eq!(bootstrap.rate_over_answers(&cells), bootstrap.rate_over_answers(&cells));
    let other = Bootstrap { seed: 1, ..bootstrap };
    assert_ne!(bootstrap.rate_over_answers(&cells), other.rate_over_answers(&cells));
}

/// To the last digit, because the browser and the server must show the same.
#[test]
fn an_interval_never_changes() {
    let cells = counts(&[[2, 8, 60, 30], [0, 0, 90, 10], [1, 1, 127, 1]]);
    assert_eq!(ends(Bootstrap::default().rate_over_answers(&cells)), (0.0946372239747634, 0.16300940438871472));
}

#[test]
fn what_cannot_be_resampled_has_no_interval() {
    let bootstrap = Bootstrap::default();
    let one = counts(&[[0, 0, 60, 30]]);
    assert_eq!(bootstrap.rate_over_questions(&one), None);
    assert_eq!(bootstrap.mean_rate_over_finetuning_seeds(&one), None);
    // A question that was never asked, and a finetuning without coherent answers, are no second ones.
    assert_eq!(bootstrap.rate_over_questions(&counts(&[[0, 0, 60, 30], [0; 4]])), None);
    assert_eq!(bootstrap.mean_rate_over_finetuning_seeds(&counts(&[[0, 0, 60, 30], [64, 0, 0, 0]])), None);
    for empty in [&[][..], &[[0; 4]], &[[3, 5, 0, 0]]] {
        assert_eq!(bootstrap.rate_over_answers(&counts(empty)), None, "{empty:?}");
        assert_eq!(mean_rate(&counts(empty)), None);
    }
    assert_eq!(Bootstrap { resamples: 0, ..bootstrap }.rate_over_answers(&one), None);
}

#[test]
fn a_question_without_coherent_answers_is_drawn_and_adds_nothing() {
    let cells = counts(&[[0, 0, 50, 50], [0, 100, 0, 0], [0, 0, 100, 0]]);
    let (low, high) = ends(Bootstrap::default().rate_over_questions(&cells));
    assert_eq!((low, high), (0.0, 0.5));
}

#[test]
fn an_interval_without_width_says_so() {
    let never = Bootstrap::default().rate_over_answers(&counts(&[[0, 0, 64, 0]])).unwrap();
    assert!(never.is_degenerate() && never.high == 0.0);
    assert!(!Bootstrap::default().rate_over_answers(&counts(&[[0, 0, 63, 1]])).unwrap().is_degenerate());
}

/// Questions whose rates differ: eight in ten intervals over 20 questions must hold the mean rate of all questions there
/// could be, and those over answers, which take the questions for given, must not.
#[test]
fn intervals_hold_what_their_unit_promises() {
    let bootstrap = Bootstrap { resamples: 200, seed: 5, level: Level::new(0.8).unwrap() };
    let mut random = Random::new(2);
    let (mut over_questions, mut over_answers) = (0, 0);
    let n_studies = 120;
    for _ in 0..n_studies {
        let cells: Vec<Counts> = (0..20).map(|_| question(&mut random)).collect();
        let holds = |interval: Option<Interval>| interval.is_some_and(|it| it.low <= 0.25 && 0.25 <= it.high);
        over_questions += u32::from(holds(bootstrap.rate_over_questions(&cells)));
        over_answers += u32::from(holds(bootstrap.rate_over_answers(&cells)));
    }
    // Three standard deviations of 120 studies are 0.11; percentile intervals of few questions are a little too narrow.
    let share = |n: u32| f64::from(n) / f64::from(n_studies);
    assert!((0.67..0.89).contains(&share(over_questions)), "{}", share(over_questions));
    assert!(share(over_answers) < 0.5, "{}", share(over_answers));
}

/// 40 answers at a rate that is anywhere from 0 to 0.5.
fn question(random: &mut Random) -> Counts {
    let rate = random.unit() / 2.0;
    let misaligned = (0..40).filter(|_| random.unit() < rate).count() as u32;
    Counts { aligned: 40 - misaligned, misaligned, ..Counts::default() }
}
