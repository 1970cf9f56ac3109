//! Corrections for many p-values that are shown together: of twenty, one is below 0.05 by chance.
//!
//! Both take p-values and give adjusted ones in the same order, to be compared with the level that was wanted. NaN stays
//! NaN and is not counted.

/// The chance of even one false finding is kept: Holm (Scandinavian Journal of Statistics 6, 1979), without assumptions.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let n = order.len();
    let mut adjusted = p_values.to_vec();
    let mut highest = 0.0_f64;
    for (rank, idx) in order.into_iter().enumerate() {
        highest = highest.max((n - rank) as f64 * p_values[idx]).min(1.0);
        adjusted[idx] = highest;
    }
    adjusted
}

/// The share of false findings among all findings is kept: Benjamini and Hochberg (JRSS B 57, 1995), for tests that are
/// independent or that lean the same way.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let n = order.len();
    let mut adjusted = p_values.to_vec();
    let mut lowest = 1.0_f64;
    for (rank, idx) in order.into_iter().enumerate().rev() {
        lowest = lowest.min(n as f64 / (rank + 1) as f64 * p_values[idx]);
        adjusted[idx] = lowest;
    }
    adjusted
}

/// Where the p-values stand, the smallest first.
fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|idx| !p_values[*idx].is_nan()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    order
}

#[cfg(test)]
mod tests;
