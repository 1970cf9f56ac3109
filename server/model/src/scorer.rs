//! How likely tokens are, by logits as they are.

use engine::{NTop, Score};
use tch::{Kind, Tensor};

use crate::processor::Processor;
use crate::sampler::finite;

/// What is asked about one row of logits: a token's probability, and so many of the likeliest.
pub type Question = (u32, NTop);

/// One answer for each question, `logits` `(n, V)` in f32; `None` where the row has a NaN or an infinity.
///
/// `ln p = logit − ln Σ exp(logits)`
pub fn score(processor: Option<&Processor>, logits: &Tensor, questions: &[Question]) -> Vec<Option<Score>> {
    match processor {
        Some(processor) => processor.score(logits, questions),
        None => score_at_once(logits, questions),
    }
}

fn score_at_once(logits: &Tensor, questions: &[Question]) -> Vec<Option<Score>> {
    let tokens: Vec<i64> = questions.iter().map(|(token, _)| i64::from(*token)).collect();
    let tokens = Tensor::from_slice(&tokens).to_device(logits.device()).unsqueeze(1); // (n, 1)
    let logarithms = logits.logsumexp([-1], true); // (n, 1)
    let own = floats(&(logits.gather(1, &tokens, false) - &logarithms));
    let tops = tops(logits, &logarithms, questions);
    let finite = Vec::<bool>::try_from(finite(logits)).expect("one truth per row");
    let answers = own.into_iter().zip(tops).zip(finite);
    answers.map(|((logprob, top), is_finite)| is_finite.then_some(Score { logprob, top })).collect()
}

/// The likeliest tokens of each row, likeliest first, cut to what each question asks for.
fn tops(logits: &Tensor, logarithms: &Tensor, questions: &[Question]) -> Vec<Vec<(u32, f32)>> {
    let n_most = questions.iter().map(|(_, NTop(n))| i64::from(*n)).max().unwrap_or(0).min(logits.size()[1]);
    if n_most == 0 {
        return vec![Vec::new(); questions.len()];
    }
    let (values, ids) = logits.topk(n_most, -1, true, true); // (n, most)
    let ids = Vec::<i64>::try_from(ids.reshape([-1])).expect("ids are a row of integers");
    let ranked: Vec<_> = ids.into_iter().map(|id| id as u32).zip(floats(&(values - logarithms))).collect();
    let rows = ranked.chunks(n_most as usize).zip(questions);
    rows.map(|(row, (_, NTop(n)))| row[..row.len().min(usize::from(*n))].to_vec()).collect()
}

fn floats(values: &Tensor) -> Vec<f32> {
    Vec::try_from(values.to_kind(Kind::Float).reshape([-1])).expect("values are a row of numbers")
}

#[cfg(test)]
mod tests;
