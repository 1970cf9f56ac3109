//! How two judges' scores of the same answers go together.

/// The scores of answers that both judges gave a finite number.
pub fn scored_pairs(pairs: impl IntoIterator<Item = (Option<f64>, Option<f64>)>) -> Vec<(f64, f64)> {
    let finite = |score: Option<f64>| score.filter(|it| it.is_finite());
    pairs.into_iter().filter_map(|(first, second)| finite(first).zip(finite(second))).collect()
}

/// Pearson's r, from −1 to 1, of finite numbers: how nearly they lie on a line. None where there are fewer than two
/// pairs, or one side does not vary.
pub fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / n;
    let (first_mean, second_mean) = (mean(|it| it.0), mean(|it| it.1));
    let (mut first, mut second, mut both) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (dx, dy) = (x - first_mean, y - second_mean);
        first += dx * dx;
        second += dy * dy;
        both += dx * dy;
    }
    let varies = |side: fn(&(f64, f64)) -> f64| pairs.iter().any(|it| side(it) != side(&pairs[0]));
    (varies(|it| it.0) && varies(|it| it.1)).then(|| (both / (first.sqrt() * second.sqrt())).clamp(-1.0, 1.0))
}

/// Spearman's ρ, from −1 to 1: Pearson's r of the ranks, equal scores sharing the mean of theirs. How nearly the judges
/// put the answers in the same order. None as for [`pearson`].
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let first = ranks(pairs.iter().map(|it| it.0));
    let second = ranks(pairs.iter().map(|it| it.1));
    pearson(&first.into_iter().zip(second).collect::<Vec<_>>())
}

/// From 1; equal values share the mean of their ranks.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|idx| ranks[*idx] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests;
