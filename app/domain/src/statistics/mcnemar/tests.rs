use super::*;
use crate::golden::{STATISTICS, assert_close, cases};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    first_only: u32,
    second_only: u32,
    exact: f64,
    chi_square: f64,
}

#[test]
fn p_values_are_those_of_statsmodels() {
    for it in cases::<Case>(STATISTICS, "mcnemar_tests") {
        let test = McNemar { first_only: it.first_only, second_only: it.second_only, ..McNemar::default() };
        assert_close(test.exact(), it.exact, 1e-10, &format!("{it:?}"));
        assert_close(test.chi_square(), it.chi_square, 1e-10, &format!("{it:?}"));
    }
}

#[test]
fn no_difference_is_no_evidence() {
    for n in [0, 1, 50] {
        let test = McNemar { first_only: n, second_only: n, both: 5, ..McNemar::default() };
        assert_eq!((test.exact(), test.chi_square()), (1.0, 1.0));
    }
}

#[test]
fn only_pairs_of_coherent_answers_count() {
    use Outcome::*;
    let test = McNemar::of([
        (Misaligned, Aligned),
        (Misaligned, Misaligned),
        (Aligned, Misaligned),
        (Aligned, Aligned),
        (Misaligned, Incoherent),
        (Unscored, Misaligned),
    ]);
    assert_eq!(test, McNemar { both: 1, first_only: 1, second_only: 1, neither: 1, left_out: 2 });
}
