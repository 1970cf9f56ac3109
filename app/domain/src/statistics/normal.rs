//! The normal distribution, as far as intervals and tests need it.

use super::Level;
use std::f64::consts::PI;

/// Below it the series converges quickly, from it on the continued fraction.
const SERIES_MAX: f64 = 1.5;

/// How many standard deviations to each side hold `level` of a normal distribution: 1.96 for 95 %.
///
/// Newton's method on [`erfc`]. The function falls and is convex right of 0, so every step from there stays left of the
/// root; it doubles the digits once it is near.
pub(crate) fn critical(level: Level) -> f64 {
    let outside = 2.0 * level.tail();
    let mut z = 0.0;
    loop {
        let density = (2.0 / PI).sqrt() * (-z * z / 2.0_f64).exp();
        let step = (erfc(z / 2.0_f64.sqrt()) - outside) / density;
        z += step;
        if step <= 1e-9 * z {
            return z;
        }
    }
}

/// `2/√π ∫ exp(−t²) dt` from `x ≥ 0` to infinity, with a relative error below 1e-13: DLMF 7.6.2 where `x` is small, else
/// the continued fraction DLMF 7.9.3 from its far end.
pub(crate) fn erfc(x: f64) -> f64 {
    if x < SERIES_MAX { 1.0 - erf_series(x) } else { erfc_fraction(x) }
}

/// `2/√π exp(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1))`, all terms positive.
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, 0.0, 0.0);
    while term > sum * f64::EPSILON / 4.0 {
        sum += term;
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// `exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))))`.
fn erfc_fraction(x: f64) -> f64 {
    // From 1.5 on, 100 steps reach the last bit.
    let fraction = (1..=100).rev().fold(x, |tail, n| x + f64::from(n) / 2.0 / tail);
    (-x * x).exp() / PI.sqrt() / fraction
}

#[cfg(test)]
mod tests;
