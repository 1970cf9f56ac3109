//! Draws the next token of each row from its logits, by its own uniform number.
//!
//! A draw inverts the cumulative distribution. The sums are of integers: exact in any order, so that a token without
//! probability can never be drawn and a device that adds in parallel draws the same.

use engine::{Draw, Sampling};
use tch::{Kind, Tensor};

use crate::processor::Processor;

/// What one row asks for: how to draw, and its uniform number in `[0, 1)`.
pub type Ask = (Sampling, f64);

/// Draws one token per row, `logits` `(B, V)` in f32. A row with a NaN or an infinity draws nothing.
pub fn draw(processor: Option<&Processor>, logits: &Tensor, asks: &[Ask]) -> Vec<Option<u32>> {
    match processor {
        Some(processor) => processor.draw(logits, asks),
        None => draw_at_once(logits, asks),
    }
}

fn draw_at_once(logits: &Tensor, asks: &[Ask]) -> Vec<Option<u32>> {
    let tokens = match &rows_alike(asks)[..] {
        [all] => draw_alike(logits, all),
        groups => draw_in_groups(logits, groups),
    };
    let tokens = tokens.where_scalarother(&finite(logits), NOTHING);
    let tokens = Vec::<i64>::try_from(tokens).expect("the drawn tokens are a row of integers");
    tokens.into_iter().map(|token| (token != NOTHING).then_some(token as u32)).collect()
}

/// The logits with each row's own adjustments added, `(B, V)` → `(B, V)`. The ones given stay as they are.
pub fn adjusted(logits: &Tensor, draws: &[&Draw]) -> Tensor {
    let n_tokens = logits.size()[1];
    let each = draws.iter().zip(0_i64..).flat_map(|(draw, row)| draw.adjustments.iter().map(move |it| (row, it)));
    let (places, values): (Vec<i64>, Vec<f32>) =
        each.map(|(row, (token, value))| (row * n_tokens + i64::from(*token), value)).unzip();
    if places.is_empty() {
        return logits.shallow_clone();
    }
    let upload = |values: Tensor| values.to_device(logits.device());
    let (places, values) = (upload(Tensor::from_slice(&places)), upload(Tensor::from_slice(&values)));
    logits.reshape([-1]).index_add(0, &places, &values).view([-1, n_tokens])
}

const NOTHING: i64 = -1;

/// Whether each row holds finite numbers only, `(B, V)` → `(B)`: a NaN among them becomes both extremes.
pub fn finite(logits: &Tensor) -> Tensor {
    let (lowest, highest) = logits.aminmax(-1, false);
    lowest.isfinite().logical_and(&highest.isfinite())
}

/// Rows that ask for the same sampling; mostly all do.
struct Alike {
    sampling: Sampling,
    rows: Vec<i64>,
    uniforms: Vec<f64>,
}

fn rows_alike(asks: &[Ask]) -> Vec<Alike> {
    let mut groups: Vec<Alike> = Vec::new();
    for (row, (sampling, uniform)) in asks.iter().enumerate() {
        let known = groups.iter().position(|group| group.sampling == *sampling);
        let idx = known.unwrap_or_else(|| {
            groups.push(Alike { sampling: *sampling, rows: Vec::new(), uniforms: Vec::new() });
            groups.len() - 1
        });
        groups[idx].rows.push(row as i64);
        groups[idx].uniforms.push(*uniform);
    }
    groups
}

fn draw_in_groups(logits: &Tensor, groups: &[Alike]) -> Tensor {
    let mut tokens = Tensor::empty([logits.size()[0]], (Kind::Int64, logits.device()));
    for group in groups {
        let rows = Tensor::from_slice(&group.rows).to_device(logits.device());
        let _ = tokens.index_copy_(0, &rows, &draw_alike(&logits.index_select(0, &rows), group));
    }
    tokens
}

/// The tokens of a group, `logits` `(B, V)` of its rows → `(B)`.
fn draw_alike(logits: &Tensor, group: &Alike) -> Tensor {
    let Sampling::Random { temperature, top_p, top_k } = group.sampling else { return logits.argmax(-1, false) };
    let uniforms = Tensor::from_slice(&group.uniforms).to_device(logits.device()).unsqueeze(1); // (B, 1)
    let scores = heated(logits, temperature);
    match top_k {
        Some(k) => {
            let k = i64::from(k).min(scores.size()[1]);
            draw_ranked(scores.topk(k, -1, true, true), top_p, &uniforms)
        }
        None if top_p < 1.0 => draw_ranked(scores.sort(-1, true), top_p, &uniforms),
        None => invert(&scores.softmax(-1, Kind::Float), &uniforms).squeeze_dim(1),
    }
}

/// `(logits - max) / temperature`: the largest becomes 0 first, so that no temperature, however low, overflows it.
fn heated(logits: &Tensor, temperature: f64) -> Tensor {
    let peak = logits.amax(-1, true);
    (logits - peak) / temperature.clamp(f32::MIN_POSITIVE.into(), f32::MAX.into())
}

/// Draws among scores that fall from left to right: the likeliest up to and with the one that brings the mass to
/// `top_p`. Takes scores `(B, ranks)` and the tokens they belong to.
fn draw_ranked((scores, tokens): (Tensor, Tensor), top_p: f64, uniforms: &Tensor) -> Tensor {
    let weights = scores.softmax(-1, Kind::Float);
    let mass_before = weights.cumsum(-1, Kind::Double) - &weights;
    let kept = if top_p < 1.0 { weights.masked_fill(&mass_before.ge(top_p), 0.0) } else { weights };
    tokens.gather(1, &invert(&kept, uniforms), false).squeeze_dim(1)
}

/// The first index at which the running sum of `weights` exceeds `uniform · total`.
///
/// `weights` `(B, n)`, `uniforms` `(B, 1)` → `(B, 1)`. A weight of 1 counts 2⁵², which f32 scales to exactly.
fn invert(weights: &Tensor, uniforms: &Tensor) -> Tensor {
    const ONE: f64 = (1_u64 << 52) as f64;
    let sums = (weights * ONE).to_kind(Kind::Int64).cumsum(-1, Kind::Int64);
    let n = sums.size()[1];
    let total = sums.narrow(1, n - 1, 1); // (B, 1)
    // The product may round up to the total itself, which no running sum exceeds.
    let aim = (uniforms * &total).to_kind(Kind::Int64).minimum(&(&total - 1));
    // Only a row that is not finite has no such index, and its token is thrown away.
    aim.searchsorted(&sums, false, true, "right", None::<&Tensor>).clamp_max(n - 1)
}

#[cfg(test)]
mod tests;
