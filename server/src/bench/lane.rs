//! The lanes of the benchmark: what is asked for in each, and in which unit it is told.

use clap::ValueEnum;
use serde::Serialize;
use std::fmt;

/// One kind of work. The names are those of BENCHMARKS.md, where other programs do the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// One answer of 256 tokens.
    OneStream,
    /// The base and three adapters together, 256 tokens each.
    FourVariants,
    /// Four answers of the base, 128 tokens each, of four prompts.
    #[value(name = "rows-4")]
    #[serde(rename = "rows-4")]
    Rows4,
    #[value(name = "rows-8")]
    #[serde(rename = "rows-8")]
    Rows8,
    #[value(name = "rows-16")]
    #[serde(rename = "rows-16")]
    Rows16,
    #[value(name = "rows-32")]
    #[serde(rename = "rows-32")]
    Rows32,
    /// A hundred answers to one prompt, 128 tokens each.
    #[value(name = "samples-100")]
    #[serde(rename = "samples-100")]
    Samples100,
    /// How likely the model finds eight answers of 100 tokens to one prompt.
    Scoring,
    /// The first token of one answer.
    FirstTokenOne,
    /// The first tokens of the base and three adapters, until the last of them is there.
    FirstTokenFour,
}

/// A lane spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Work {
    pub n_rows: u32,
    /// Whether the rows are of the base and its first three adapters in turn, or all of the base.
    pub has_variants: bool,
    /// Whether all rows have one prompt, or each its own.
    pub shares_prompt: bool,
    pub prompt_tokens: u32,
    /// Of each answer, drawn or given.
    pub new_tokens: u32,
    pub unit: Unit,
}

/// What is told of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// New tokens of all rows in a second, from asking to the last token.
    #[serde(rename = "tokens/s")]
    TokensPerSecond,
    /// The same, from the first token on: the prompt is left out.
    #[serde(rename = "tokens/s after the first")]
    TokensPerSecondAfterFirst,
    /// Tokens of the given answers in a second; the prompt is read and not counted.
    #[serde(rename = "scored tokens/s")]
    ScoredTokensPerSecond,
    /// Seconds from asking until every row has its first token.
    #[serde(rename = "s")]
    Seconds,
}

/// Tokens of every prompt.
pub const PROMPT_TOKENS: u32 = 64;

impl Lane {
    /// The work of this lane with answers cut to one part in `shorten`.
    pub fn work(self, shorten: u32) -> Work {
        let base = Work {
            n_rows: 1,
            has_variants: false,
            shares_prompt: false,
            prompt_tokens: PROMPT_TOKENS,
            new_tokens: (256 / shorten).max(2),
            unit: Unit::TokensPerSecond,
        };
        let rows = |n_rows| Work { n_rows, new_tokens: (128 / shorten).max(2), ..base };
        let variants = Work { n_rows: N_VARIANTS, has_variants: true, shares_prompt: true, ..base };
        let first = |work| Work { new_tokens: 1, unit: Unit::Seconds, ..work };
        match self {
            Self::OneStream => Work { unit: Unit::TokensPerSecondAfterFirst, ..base },
            Self::FourVariants => variants,
            Self::Rows4 => rows(4),
            Self::Rows8 => rows(8),
            Self::Rows16 => rows(16),
            Self::Rows32 => rows(32),
            Self::Samples100 => Work { shares_prompt: true, ..rows(100) },
            Self::Scoring => {
                Work { n_rows: 8, shares_prompt: true, new_tokens: 100, unit: Unit::ScoredTokensPerSecond, ..base }
            }
            Self::FirstTokenOne => first(base),
            Self::FirstTokenFour => first(variants),
        }
    }

    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The base and its first three adapters.
const N_VARIANTS: u32 = 4;

impl Work {
    /// The same with few rows and tokens: enough to load what is loaded on first use.
    pub fn warm_up(&self) -> Self {
        const N_MAX: u32 = 8;
        Self { n_rows: self.n_rows.min(N_MAX), new_tokens: self.new_tokens.min(N_MAX), ..*self }
    }

    pub fn n_adapters(&self) -> u32 {
        if self.has_variants { N_VARIANTS - 1 } else { 0 }
    }

    pub fn n_positions(&self) -> u32 {
        self.prompt_tokens + self.new_tokens
    }
}

impl Unit {
    /// How much of the best possible value was reached: of seconds, fewer are better.
    pub fn share(self, value: f64, best: f64) -> f64 {
        if self == Self::Seconds { best / value } else { value / best }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokensPerSecond => "tokens/s",
            Self::TokensPerSecondAfterFirst => "tokens/s after the first",
            Self::ScoredTokensPerSecond => "scored tokens/s",
            Self::Seconds => "s",
        })
    }
}
