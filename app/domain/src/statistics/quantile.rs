//! Quantiles.

/// The finite numbers among `values`, in order.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|it| it.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The value below which `share`, from 0 to 1, of the values lies, straight between the two nearest: definition 7 of
/// Hyndman and Fan (1996), which is NumPy's. `sorted` is in order; it may end in infinite values. None where it is
/// empty.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Also keeps two infinite neighbours from being subtracted.
    if below == above { Some(below) } else { Some(below + at.fract() * (above - below)) }
}

#[cfg(test)]
mod tests;
