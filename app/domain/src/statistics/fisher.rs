//! Fisher's exact test: whether two shares differ, also where few things were counted.

use super::Proportion;

/// Probabilities that are equal but for rounding count as equal.
const ROUNDING: f64 = 1.0 + 1e-12;

/// The two-sided p-value for two samples that have nothing to do with each other: how likely, given all hits together,
/// they would fall in a way that is as unlikely as this one or more so.
pub fn fisher_exact(first: Proportion, second: Proportion) -> f64 {
    let hits = first.hits() + second.hits();
    let least = hits.saturating_sub(second.n());
    let weights = hypergeometric(first.n(), second.n(), hits);
    let seen = weights[(first.hits() - least) as usize] * ROUNDING;
    let total: f64 = weights.iter().sum();
    (weights.iter().filter(|it| **it <= seen).sum::<f64>() / total).min(1.0)
}

/// Of each number of hits in the first sample that is possible, from the least, how likely it is beside the likeliest.
///
/// The weights follow from each other, outwards from the likeliest, so that none is infinite.
fn hypergeometric(first: u32, second: u32, hits: u32) -> Vec<f64> {
    let [first, second, hits] = [first, second, hits].map(f64::from);
    let (least, most) = ((hits - second).max(0.0), hits.min(first));
    let likeliest = ((hits + 1.0) * (first + 1.0) / (first + second + 2.0)).floor().clamp(least, most);
    // How much likelier one hit more is.
    let odds = |k: f64| (first - k) * (hits - k) / ((k + 1.0) * (second - hits + k + 1.0));
    let ks = |from: f64, to: f64| (0..(to - from) as u32).map(move |it| from + f64::from(it));
    let along = |weight: &mut f64, factor: f64| {
        *weight *= factor;
        Some(*weight)
    };
    let mut weights: Vec<f64> = ks(least, likeliest).rev().map(|k| 1.0 / odds(k)).scan(1.0, along).collect();
    weights.reverse();
    weights.push(1.0);
    weights.extend(ks(likeliest, most).map(odds).scan(1.0, along));
    weights
}

#[cfg(test)]
mod tests;
