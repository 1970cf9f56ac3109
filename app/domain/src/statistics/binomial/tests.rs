use super::*;
use crate::golden::{STATISTICS, assert_close, cases};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    k: u32,
    n: u32,
    p: f64,
    probability: f64,
    at_least: f64,
}

#[test]
fn probabilities_and_tails_are_those_of_scipy() {
    for it in cases::<Case>(STATISTICS, "binomial") {
        assert_close(probability(it.k, it.n, it.p), it.probability, 1e-11, &format!("{it:?}"));
        assert_close(at_least(it.k, it.n, it.p), it.at_least, 1e-10, &format!("{it:?}"));
    }
}

#[test]
fn probabilities_sum_to_one_and_to_the_tails() {
    for (n, p) in [(1, 0.5), (15, 0.3), (16, 0.3), (17, 1e-5), (300, 0.999)] {
        let mut tail = 0.0;
        for k in (0..=n).rev() {
            tail += probability(k, n, p);
            assert!((tail - at_least(k, n, p)).abs() < 1e-12, "{k} of {n} at {p}");
        }
        assert!((tail - 1.0).abs() < 1e-12);
    }
}

#[test]
fn the_inverse_takes_the_tail_back() {
    for n in [1, 2, 64, 12_800, 1_000_000] {
        for k in [1, n / 2, n].into_iter().filter(|it| *it > 0) {
            for target in [1e-9, 0.025, 0.5, 0.975] {
                let p = where_at_least(k, n, target);
                assert_close(at_least(k, n, p), target, 1e-9, &format!("{k} of {n} at {p}"));
            }
        }
    }
}
