//! An interval, and what has to be said of it wherever it is shown.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Where a figure may well lie. In the unit of the figure: 0 to 1 for a rate, −1 to 1 for a difference of rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Infinite only where `high` is, for a ratio to a rate that is 0.
    #[serde(deserialize_with = "unbounded")]
    pub low: f64,
    /// At least `low`. Infinite where a ratio has no upper bound.
    #[serde(deserialize_with = "unbounded")]
    pub high: f64,
    pub level: Level,
    pub method: Method,
    pub unit: Unit,
}

/// How often such intervals are to hold the true figure: above 0, below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Level(f64);

/// Why a number is no level.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("a confidence level lies between 0 and 1, and {0} does not")]
pub struct LevelError(f64);

/// How an interval was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    Wilson,
    ClopperPearson,
    Newcombe,
    LangReiczigel,
    /// Percentiles of so many resamples.
    Bootstrap {
        resamples: u32,
    },
}

/// What is taken to be drawn at random: the interval says how the figure would change with others of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Answers,
    Questions,
    FinetuningSeeds,
    /// What annotators labelled.
    Items,
}

impl Interval {
    /// `95 % Wilson interval over answers`.
    pub fn caption(&self) -> String {
        format!("{} {} interval over {}", self.level, self.method, self.unit)
    }

    /// Whether the two ends are one: nothing varied among what was resampled, which says nothing of how sure the figure
    /// is. A page had better show another interval then.
    pub fn is_degenerate(&self) -> bool {
        self.low == self.high
    }
}

impl Level {
    pub const P95: Self = Self(0.95);

    pub fn new(level: f64) -> Result<Self, LevelError> {
        if level > 0.0 && level < 1.0 { Ok(Self(level)) } else { Err(LevelError(level)) }
    }

    pub fn get(self) -> f64 {
        self.0
    }

    /// What is left out at each end.
    pub(crate) fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::P95
    }
}

/// `95 %`.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e8).round() / 1e6)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wilson => "Wilson",
            Self::ClopperPearson => "Clopper–Pearson",
            Self::Newcombe => "Newcombe",
            Self::LangReiczigel => "Lang–Reiczigel",
            Self::Bootstrap { .. } => "percentile bootstrap",
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answers => "answers",
            Self::Questions => "questions",
            Self::FinetuningSeeds => "finetuning seeds",
            Self::Items => "items",
        })
    }
}

impl TryFrom<f64> for Level {
    type Error = LevelError;

    fn try_from(level: f64) -> Result<Self, LevelError> {
        Self::new(level)
    }
}

impl From<Level> for f64 {
    fn from(level: Level) -> Self {
        level.0
    }
}

/// JSON has no infinity and says `null`.
fn unbounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests;
