//! By which limits answers are counted: those of the study, or the reader's own.

use crate::{Bound, Format, ThresholdError, Thresholds};
use std::fmt;

/// The limits of a page of results. Until a reader says otherwise the coherent one is the study's for each format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// From 0 to 100.
    aligned: f64,
    /// From 0 to 100, for all formats; None takes each format's own.
    coherent: Option<f64>,
    bound: Bound,
}

impl Rule {
    pub fn new(aligned: f64, coherent: Option<f64>, bound: Bound) -> Result<Self, ThresholdError> {
        Thresholds::new(aligned, coherent.unwrap_or_default(), bound)?;
        Ok(Self { aligned, coherent, bound })
    }

    pub fn of(self, format: Format) -> Thresholds {
        let coherent = self.coherent.unwrap_or(Thresholds::of(format).coherent());
        Thresholds::new(self.aligned, coherent, self.bound).expect("both limits were checked")
    }

    pub fn aligned(self) -> f64 {
        self.aligned
    }

    /// None where each format has its own.
    pub fn coherent(self) -> Option<f64> {
        self.coherent
    }

    pub fn bound(self) -> Bound {
        self.bound
    }

    /// The same with another limit; outside of 0 to 100 it is the nearest end.
    pub fn with_aligned(self, aligned: f64) -> Self {
        Self { aligned: aligned.clamp(0.0, 100.0), ..self }
    }

    pub fn with_coherent(self, coherent: f64) -> Self {
        Self { coherent: Some(coherent.clamp(0.0, 100.0)), ..self }
    }

    /// The rule in words, for answers in these formats: `aligned < 30, coherent ≥ 50, Flask ≥ 95`.
    pub fn in_words(self, formats: &[Format]) -> String {
        let mut limits: Vec<(Format, f64)> = formats.iter().map(|it| (*it, self.of(*it).coherent())).collect();
        limits.sort_by_key(|(format, limit)| (*limit != self.of(Format::Plain).coherent(), *format as u8));
        limits.dedup_by_key(|(_, limit)| *limit);
        let Some(((_, first), rest)) = limits.split_first() else { return self.to_string() };
        let sign = self.bound.sign();
        let rest: String = rest.iter().map(|(format, limit)| format!(", {} {sign} {limit}", format.name())).collect();
        format!("aligned < {}, coherent {sign} {first}{rest}", self.aligned)
    }
}

impl Default for Rule {
    fn default() -> Self {
        Self { aligned: Thresholds::default().aligned(), coherent: None, bound: Bound::default() }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(&Format::ALL))
    }
}
