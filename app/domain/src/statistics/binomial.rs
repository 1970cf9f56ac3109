//! The binomial distribution: its probabilities and its tails.

use std::f64::consts::PI;

/// `C(n, k) pᵏ (1−p)ⁿ⁻ᵏ` for `k ≤ n` and `p` from 0 to 1, with a relative error of about 1e-14 also for large `n`.
///
/// The saddle-point expansion of C. Loader, *Fast and accurate computation of binomial probabilities* (2000): logarithms
/// of factorials would cancel to nothing.
pub(crate) fn probability(k: u32, n: u32, p: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if k == 0 {
        return (f64::from(n) * (-p).ln_1p()).exp();
    }
    if k == n {
        return (f64::from(n) * p.ln()).exp();
    }
    if p <= 0.0 || p >= 1.0 {
        return 0.0;
    }
    let (hits, misses, all) = (f64::from(k), f64::from(n - k), f64::from(n));
    let stirling = stirling_error(n) - stirling_error(k) - stirling_error(n - k);
    let logarithm = stirling - deviance(hits, all * p) - deviance(misses, all * (1.0 - p));
    (all / (2.0 * PI * hits * misses)).sqrt() * logarithm.exp()
}

/// `P(X ≥ k)`, which is the regularized incomplete beta function `I_p(k, n−k+1)`.
///
/// DLMF 8.17.22, whose factor before the fraction is a binomial probability. The fraction converges quickly left of
/// `(a+1)/(a+b+2)`; right of it the other tail is computed.
pub(crate) fn at_least(k: u32, n: u32, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    let (a, b) = (f64::from(k), f64::from(n - k) + 1.0);
    if p > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - probability(k - 1, n, p) * p * beta_fraction(b, a, 1.0 - p);
    }
    probability(k, n, p) * (1.0 - p) * beta_fraction(a, b, p)
}

/// The `p` at which `P(X ≥ k)` is `target`, for `0 < k ≤ n`: the inverse of the regularized incomplete beta function.
///
/// Newton's method, kept between bounds that close in on the root; a step that leaves them is replaced by halving.
pub(crate) fn where_at_least(k: u32, n: u32, target: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    let mut p = f64::from(k) / f64::from(n + 1);
    for _ in 0..200 {
        let excess = at_least(k, n, p) - target;
        if excess < 0.0 {
            low = p
        } else {
            high = p
        }
        let slope = f64::from(n) * probability(k - 1, n - 1, p);
        let newton = p - excess / slope;
        let next = if newton >= low && newton <= high { newton } else { low + (high - low) / 2.0 };
        let is_done = (next - p).abs() <= 1e-12 * p;
        p = next;
        if is_done {
            break;
        }
    }
    p
}

/// `1/(1 + d₁/(1 + d₂/(1 + …)))` of DLMF 8.17.22 by the method of Lentz, as modified by Thompson and Barnett (1986).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |it: f64| if it.abs() < TINY { TINY } else { it };
    let (mut numerator, mut denominator) = (1.0_f64, 0.0_f64);
    let mut fraction = 1.0_f64;
    let mut m = 0.0;
    loop {
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let before = fraction;
        for term in [odd, even] {
            denominator = 1.0 / nonzero(1.0 + term * denominator);
            numerator = nonzero(1.0 + term / numerator);
            fraction *= numerator * denominator;
        }
        // About √(a+b) steps are needed.
        if (fraction - before).abs() <= f64::EPSILON * fraction.abs() || m > 100_000.0 {
            return 1.0 / fraction;
        }
    }
}

/// `ln n! − ln(√(2πn) (n/e)ⁿ)` for `n ≥ 1`: what Stirling's formula lacks.
fn stirling_error(n: u32) -> f64 {
    let x = f64::from(n);
    if n < 16 {
        let factorial: f64 = (1..=n).map(f64::from).product();
        return factorial.ln() - (x + 0.5) * x.ln() + x - (2.0 * PI).ln() / 2.0;
    }
    let square = x * x;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square)
        / x
}

/// `x ln(x/mean) + mean − x`, by its series where the two are close and the terms would cancel.
fn deviance(x: f64, mean: f64) -> f64 {
    let gap = x - mean;
    if gap.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - gap;
    }
    let share = gap / (x + mean);
    let (mut sum, mut power, mut odd) = (gap * share, 2.0 * x * share, 1.0);
    loop {
        power *= share * share;
        odd += 2.0;
        let next = sum + power / odd;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests;
