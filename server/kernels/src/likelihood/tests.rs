use super::*;
use crate::testing::{Chance, pools};

#[test]
fn log_probabilities_are_those_of_the_formula() {
    let mut chance = Chance(1);
    for pool in pools() {
        for n_tokens in [1, 5, 1000, 20_000] {
            let logits: Vec<f32> = chance.normals(3 * n_tokens).into_iter().map(|x| 5.0 * x).collect();
            let tokens = [0, n_tokens / 2, n_tokens - 1];
            let answers = log_probabilities(&pool, &logits, &[Question { tokens: &tokens, n_likeliest: 4 }; 3]);
            for (logits, answer) in logits.chunks(n_tokens).zip(answers) {
                let answer = answer.unwrap();
                let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
                let of = |token: usize| f64::from(logits[token]) - total.ln();
                for (token, found) in tokens.iter().zip(&answer.of_tokens) {
                    assert!((found - of(*token)).abs() < 1e-6, "{found} instead of {}", of(*token));
                }
                assert_eq!(answer.likeliest.len(), n_tokens.min(4));
                assert!(answer.likeliest.iter().all(|(token, found)| (found - of(*token)).abs() < 1e-6));
                assert!(answer.likeliest.is_sorted_by(|left, right| left.1 >= right.1));
                let best = logits.iter().copied().fold(f32::MIN, f32::max);
                assert_eq!(logits[answer.likeliest[0].0], best);
            }
        }
    }
}

#[test]
fn a_row_that_is_not_finite_has_no_answer_and_spoils_no_other() {
    for pool in pools() {
        let question = Question { tokens: &[1], n_likeliest: 0 };
        let answers = log_probabilities(&pool, &[0.0, 0.0, 1.0, f32::NAN, 0.0, 0.0], &[question; 3]);
        assert_eq!(answers[1], None);
        for answer in [&answers[0], &answers[2]] {
            assert!((answer.as_ref().unwrap().of_tokens[0] + 2.0_f64.ln()).abs() < 1e-7);
        }
    }
}
