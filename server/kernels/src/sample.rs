//! Draws the next token of each row from its logits, by its own uniform number.
//!
//! A draw inverts the cumulative distribution. The sums are of integers: exact in any order, so that a token without
//! probability can never be drawn.

use crate::activation::{exp, load_part, store_part};
use crate::instructions::Instructions;
use crate::lanes::{Lanes, N_LANES, Task};
use crate::pool::Pool;
use crate::share::Share;
use crate::split::over_rows;

/// How a token is drawn from the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest, the first of several.
    Greedy,
    /// `softmax(logits / temperature)`, cut to the `top_k` likeliest, then to the smallest set whose mass reaches `top_p`.
    Random { temperature: f64, top_p: f64, top_k: Option<usize> },
}

/// What one row asks for: how to draw, and its uniform number in `[0, 1)`.
pub type Ask = (Sampling, f64);

/// Draws one token per row of `logits` `(rows, V)`. A row with a NaN or an infinity draws nothing.
pub fn draw(pool: &Pool, logits: &[f32], asks: &[Ask]) -> Vec<Option<usize>> {
    let width = logits.len() / asks.len().max(1);
    assert_eq!(logits.len(), width * asks.len(), "every row asks once");
    let mut drawn = vec![None; asks.len()];
    let (instructions, share) = (pool.instructions(), Share::new(&mut drawn));
    over_rows(pool, asks.len(), 4 * width, |rows| {
        let mut weights = Vec::new();
        for row in rows {
            // SAFETY: every row is of one task.
            let to = unsafe { share.part(row, 1) };
            to[0] = draw_row(instructions, &logits[row * width..][..width], asks[row], &mut weights);
        }
    });
    drawn
}

fn draw_row(instructions: Instructions, logits: &[f32], ask: Ask, weights: &mut Vec<f32>) -> Option<usize> {
    // SAFETY: the task has a slice only.
    let peak = unsafe { instructions.run(Peak { logits }) }?;
    let (Sampling::Random { temperature, top_p, top_k }, uniform) = ask else {
        return logits.iter().position(|logit| *logit == peak);
    };
    weights.resize(logits.len(), 0.0);
    let heat = Heat { peak, temperature: temperature.clamp(f32::MIN_POSITIVE.into(), f32::MAX.into()) as f32 };
    match top_k {
        Some(k) => {
            let ranked = likeliest(logits, k);
            let chosen: Vec<f32> = ranked.iter().map(|idx| logits[*idx]).collect();
            let weights = &mut weights[..chosen.len()];
            // SAFETY: the task has slices of one length only.
            let total = unsafe { instructions.run(Weigh { logits: &chosen, heat, weights }) };
            let counts: Vec<u64> = weights.iter().map(|weight| count(*weight, total)).collect();
            Some(ranked[invert(&counts[..n_reaching(&counts, top_p)], uniform)])
        }
        None => {
            // SAFETY: the task has slices of one length only.
            let total = unsafe { instructions.run(Weigh { logits, heat, weights }) };
            Some(match top_p < 1.0 {
                true => draw_nucleus(logits, weights, total, top_p, uniform),
                false => invert_all(weights, total, uniform),
            })
        }
    }
}

/// Draws among the likeliest, ranked only as far as their mass is needed.
fn draw_nucleus(logits: &[f32], weights: &[f32], total: f32, top_p: f64, uniform: f64) -> usize {
    let mut k = 64;
    loop {
        let ranked = likeliest(logits, k);
        let counts: Vec<u64> = ranked.iter().map(|idx| count(weights[*idx], total)).collect();
        let n = n_reaching(&counts, top_p);
        if n < ranked.len() || ranked.len() == logits.len() {
            return ranked[invert(&counts[..n], uniform)];
        }
        k *= 8;
    }
}

/// A weight of 1 counts 2⁵², which f32 scales to exactly.
const ONE: f64 = (1_u64 << 52) as f64;

fn count(weight: f32, total: f32) -> u64 {
    // SAFETY: a weight is from 0 to 1, and the total, in which the greatest weight is 1, is at least that. The checks of
    // an ordinary conversion take longer than all the rest, a hundred thousand times a row.
    unsafe { (weight / total * ONE as f32).to_int_unchecked::<i64>() as u64 }
}

/// How many of the ranked are kept: up to and with the one that brings the mass to `top_p`.
fn n_reaching(counts: &[u64], top_p: f64) -> usize {
    if top_p >= 1.0 {
        return counts.len();
    }
    let mut before = 0;
    let reaching = counts.iter().position(|count| {
        before += count;
        before as f64 >= top_p * ONE
    });
    reaching.map_or(counts.len(), |idx| idx + 1)
}

/// The place in a whole at which a uniform number aims.
fn aim(uniform: f64, whole: u64) -> u64 {
    // The product may round up to the whole itself, which no running sum exceeds.
    ((uniform * whole as f64) as u64).min(whole.saturating_sub(1))
}

/// The first index at which the running sum exceeds `uniform · whole`.
fn invert(counts: &[u64], uniform: f64) -> usize {
    let aim = aim(uniform, counts.iter().sum());
    first_above(counts.iter().copied(), 0, aim).unwrap_or(0)
}

fn first_above(mut counts: impl Iterator<Item = u64>, mut sum: u64, aim: u64) -> Option<usize> {
    counts.position(|count| {
        sum += count;
        sum > aim
    })
}

/// As [`invert`], for a whole vocabulary: sums of blocks first, so that it is scanned once.
fn invert_all(weights: &[f32], total: f32, uniform: f64) -> usize {
    const BLOCK: usize = 512;
    let sum = |block: &[f32]| block.iter().map(|weight| count(*weight, total)).sum();
    let sums: Vec<u64> = weights.chunks(BLOCK).map(sum).collect();
    let aim = aim(uniform, sums.iter().sum());
    let block = first_above(sums.iter().copied(), 0, aim).expect("the last running sum is the whole");
    let before = sums[..block].iter().sum();
    let counts = weights[block * BLOCK..].iter().map(|weight| count(*weight, total));
    block * BLOCK + first_above(counts, before, aim).expect("the block brings the sum above the aim")
}

/// The indices of the `k` greatest, from the greatest down, the first of equals first. All are finite.
pub fn likeliest(logits: &[f32], k: usize) -> Vec<usize> {
    let k = k.clamp(1, logits.len());
    let mut best: Vec<u64> = Vec::with_capacity(2 * k);
    let mut worst_kept = u64::MAX;
    for (idx, logit) in logits.iter().enumerate() {
        let key = key(*logit, idx);
        if key >= worst_kept {
            continue;
        }
        best.push(key);
        if best.len() == 2 * k {
            worst_kept = *best.select_nth_unstable(k - 1).1;
            best.truncate(k);
        }
    }
    best.sort_unstable();
    best.truncate(k);
    best.into_iter().map(|key| (key & u64::from(u32::MAX)) as usize).collect()
}

/// Smaller for greater numbers, and for earlier ones among equals.
fn key(logit: f32, idx: usize) -> u64 {
    let bits = (logit + 0.0).to_bits();
    let falling = if bits >> 31 == 0 { !bits & 0x7fff_ffff } else { bits };
    u64::from(falling) << 32 | idx as u64
}

/// The greatest, or nothing where one is not finite.
pub(crate) struct Peak<'a> {
    pub logits: &'a [f32],
}

impl Task for Peak<'_> {
    type Output = Option<f32>;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> Option<f32> {
        let whole = self.logits.len() / N_LANES * N_LANES;
        // SAFETY: as the caller's; all that is read lies within the slice.
        let (peaks, zeros) = unsafe {
            let (mut peaks, mut zeros) = (V::splat(f32::NEG_INFINITY), V::splat(0.0));
            for idx in (0..whole).step_by(N_LANES) {
                let x = V::load(self.logits.as_ptr().add(idx));
                peaks = x.at_least(peaks);
                // 0 · x is 0, or NaN if x is not finite.
                zeros = x.mul_add(V::splat(0.0), zeros);
            }
            (peaks.to_array(), zeros.to_array())
        };
        let rest = &self.logits[whole..];
        let is_finite = zeros == [0.0; N_LANES] && rest.iter().all(|logit| logit.is_finite());
        let peak = peaks.iter().chain(rest).fold(f32::NEG_INFINITY, |peak, logit| peak.max(*logit));
        (is_finite && !self.logits.is_empty()).then_some(peak)
    }
}

/// `(logit − peak) / temperature`: the greatest becomes 0 first, so that no temperature, however low, overflows it.
#[derive(Clone, Copy)]
pub(crate) struct Heat {
    pub peak: f32,
    pub temperature: f32,
}

/// `e` to the power of each heated logit; returns their sum.
pub(crate) struct Weigh<'a> {
    pub logits: &'a [f32],
    pub heat: Heat,
    pub weights: &'a mut [f32],
}

impl Task for Weigh<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> f32 {
        // Sums of runs, so that small numbers are not lost beside a sum that has grown large.
        const RUN: usize = 128 * N_LANES;
        let mut total = 0.0;
        for (logits, weights) in self.logits.chunks(RUN).zip(self.weights.chunks_mut(RUN)) {
            // SAFETY: as the caller's; all that is read or written lies within the slices.
            unsafe {
                let (peak, temperature) = (V::splat(self.heat.peak), V::splat(self.heat.temperature));
                let mut sums = V::splat(0.0);
                for idx in (0..logits.len()).step_by(N_LANES) {
                    let n = N_LANES.min(logits.len() - idx);
                    let e = exp(load_part::<V>(&logits[idx..], n).sub(peak).div(temperature));
                    store_part(e, &mut weights[idx..], n);
                    // Without what fills up the last lanes.
                    sums = sums.add(if n == N_LANES { e } else { load_part::<V>(&weights[idx..], n) });
                }
                total += f64::from(sums.sum());
            }
        }
        total as f32
    }
}

#[cfg(test)]
mod tests;
