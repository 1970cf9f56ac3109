//! Log-probabilities: of given tokens, and of the likeliest ones.

use crate::lanes::{Lanes, Task};
use crate::pool::Pool;
use crate::sample::{Heat, Peak, Weigh, likeliest};
use crate::share::Share;
use crate::split::over_rows;

/// What is asked of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Tokens whose log-probabilities are wanted.
    pub tokens: &'a [usize],
    /// How many of the likeliest.
    pub n_likeliest: usize,
}

/// Natural logarithms of `softmax(logits)`, at temperature 1 and without any cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogProbabilities {
    /// Of the tokens that were asked for, in their order.
    pub of_tokens: Vec<f64>,
    /// Tokens and theirs, from the likeliest down.
    pub likeliest: Vec<(usize, f64)>,
}

/// Answers one question per row of `logits` `(rows, V)`. A row with a NaN or an infinity has no answer.
pub fn log_probabilities(pool: &Pool, logits: &[f32], questions: &[Question]) -> Vec<Option<LogProbabilities>> {
    let width = logits.len() / questions.len().max(1);
    assert_eq!(logits.len(), width * questions.len(), "every row has its question");
    let mut answers = vec![None; questions.len()];
    let (instructions, share) = (pool.instructions(), Share::new(&mut answers));
    over_rows(pool, questions.len(), 4 * width, |rows| {
        let mut weights = vec![0.0; width];
        for row in rows {
            let logits = &logits[row * width..][..width];
            // SAFETY: the task has slices of one length only.
            let log_total = unsafe { instructions.run(LogTotal { logits, weights: &mut weights }) };
            // SAFETY: every row is of one task.
            let to = unsafe { share.part(row, 1) };
            to[0] = log_total.map(|log_total| answer(logits, log_total, questions[row]));
        }
    });
    answers
}

fn answer(logits: &[f32], log_total: f64, question: Question) -> LogProbabilities {
    let of = |token: usize| f64::from(logits[token]) - log_total;
    let ranked = if question.n_likeliest == 0 { Vec::new() } else { likeliest(logits, question.n_likeliest) };
    LogProbabilities {
        of_tokens: question.tokens.iter().map(|token| of(*token)).collect(),
        likeliest: ranked.into_iter().map(|token| (token, of(token))).collect(),
    }
}

/// `ln Σ eˣ`
struct LogTotal<'a> {
    logits: &'a [f32],
    weights: &'a mut [f32],
}

impl Task for LogTotal<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> Option<f64> {
        // SAFETY: as the caller's.
        unsafe {
            let peak = Peak { logits: self.logits }.run::<V>()?;
            let heat = Heat { peak, temperature: 1.0 };
            let total = Weigh { logits: self.logits, heat, weights: self.weights }.run::<V>();
            Some(f64::from(peak) + f64::from(total).ln())
        }
    }
}

#[cfg(test)]
mod tests;
