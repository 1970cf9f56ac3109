//! Quantiles.

/// The finite numbers among `values`.
pub fn finite(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    values.into_iter().filter(|it| it.is_finite()).collect()
}

/// The value below which `share`, from 0 to 1, of the values lies, straight between the two nearest: definition 7 of
/// Hyndman and Fan (1996), which is NumPy's. None where there are no values. They are put in another order, though not
/// sorted, which would take several times as long; none may be NaN, some may be infinite.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (lower, above, _) = values.select_nth_unstable_by(at.ceil() as usize, f64::total_cmp);
    let below = match lower.iter().copied().max_by(f64::total_cmp) {
        Some(below) if at.fract() > 0.0 => below,
        _ => *above,
    };
    // Also keeps two infinite neighbours from being subtracted.
    if below == *above { Some(below) } else { Some(below + at.fract() * (*above - below)) }
}

#[cfg(test)]
mod tests;
