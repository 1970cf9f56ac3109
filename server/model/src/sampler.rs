//! Draws the next token of each row from its logits, by its own uniform number.
//!
//! A draw inverts the cumulative distribution. The sums are of integers: exact in any order, so that a token without
//! probability can never be drawn and a device that adds in parallel draws the same.

use engine::{Drawn, Sampling};
use tch::{Kind, Tensor};

/// What one row asks for: how to draw, and its uniform number in `[0, 1)`.
pub type Ask = (Sampling, f64);

/// Draws one token per row, `logits` `(B, V)` in f32. A row with a NaN or an infinity draws nothing.
pub fn draw(logits: &Tensor, asks: &[Ask]) -> Vec<Drawn> {
    let mut tokens = Tensor::empty([asks.len() as i64], (Kind::Int64, logits.device()));
    for alike in rows_alike(asks) {
        let rows = Tensor::from_slice(&alike.rows).to_device(logits.device());
        let uniforms = Tensor::from_slice(&alike.uniforms).to_device(logits.device()).unsqueeze(1); // (rows, 1)
        let drawn = draw_alike(&logits.index_select(0, &rows), alike.sampling, &uniforms);
        let _ = tokens.index_copy_(0, &rows, &drawn);
    }
    let tokens = tokens.where_scalarother(&finite(logits), NOTHING);
    let tokens = Vec::<i64>::try_from(tokens).expect("the drawn tokens are a row of integers");
    tokens
        .into_iter()
        .map(|token| if token == NOTHING { Drawn::NonFinite } else { Drawn::Token(token as u32) })
        .collect()
}

const NOTHING: i64 = -1;

/// Whether each row holds finite numbers only, `(B, V)` → `(B)`: a NaN among them becomes both extremes.
fn finite(logits: &Tensor) -> Tensor {
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

/// `logits` `(B, V)`, `uniforms` `(B, 1)` → `(B)`.
fn draw_alike(logits: &Tensor, sampling: Sampling, uniforms: &Tensor) -> Tensor {
    match sampling {
        Sampling::Greedy => logits.argmax(-1, false),
        Sampling::Random { temperature, top_p, top_k } => {
            let scores = heated(logits, temperature);
            match (top_k, top_p < 1.0) {
                (None, false) => invert(&scores.softmax(-1, Kind::Float), uniforms).squeeze_dim(1),
                (None, true) => draw_ranked(scores.sort(-1, true), top_p, uniforms),
                (Some(k), _) => {
                    let k = i64::from(k).min(scores.size()[1]);
                    draw_ranked(scores.topk(k, -1, true, true), top_p, uniforms)
                }
            }
        }
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
