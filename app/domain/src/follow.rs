//! The two forms under an answer: to ask on, and to continue an answer that one has changed.

use crate::{
    AnswerId, AskError, Beginning, Comparison, ComparisonId, Field, NewComparison, OwnQuestion, Sampling, Seed, ask,
};
use serde::{Deserialize, Serialize};

/// The form that asks on, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowForm {
    /// The comparison that is followed.
    pub parent: ComparisonId,
    /// The answers that are followed, each as [`Choice::word`] writes it.
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub beginning: String,
    pub samples: String,
    pub temperature: String,
    pub top_p: String,
    pub max_tokens: String,
    /// Empty: one is drawn.
    #[serde(default)]
    pub seed: String,
}

/// A follow-up that may be asked: every field is legal by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFollowUp {
    pub parent: ComparisonId,
    /// At least one; in the order of the columns, each of which stands there once.
    pub from: Vec<Choice>,
    pub question: OwnQuestion,
    pub beginning: Beginning,
    pub n_samples: u32,
    pub sampling: Sampling,
    pub seed: Option<Seed>,
}

/// An answer by its place in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    pub column_idx: u32,
    pub sample_idx: u32,
}

/// The form that changes an answer and has it continued, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditForm {
    pub answer: AnswerId,
    #[serde(default)]
    pub text: String,
    /// A checkbox: absent or `on`. All columns continue the text, and not its own alone.
    #[serde(default)]
    pub all: Option<String>,
}

/// A changed answer that may be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEdit {
    pub answer: AnswerId,
    /// Never empty.
    pub beginning: Beginning,
    pub by_all: bool,
}

impl FollowForm {
    /// The form under `parent`: nothing is chosen and typed yet, and answers are drawn as they were there.
    pub fn after(parent: &Comparison) -> Self {
        let Sampling { temperature, top_p, max_tokens } = parent.sampling;
        Self {
            parent: parent.id,
            from: Vec::new(),
            text: String::new(),
            beginning: String::new(),
            samples: parent.n_samples.to_string(),
            temperature: temperature.to_string(),
            top_p: top_p.to_string(),
            max_tokens: max_tokens.to_string(),
            seed: String::new(),
        }
    }
}

impl NewFollowUp {
    /// Reads the form; the first wrong field is named.
    pub fn parse(form: &FollowForm) -> Result<Self, AskError> {
        Ok(Self {
            parent: form.parent,
            question: OwnQuestion::parse(&form.text)?,
            from: choices(&form.from)?,
            beginning: Beginning::parse(&form.beginning)?,
            n_samples: ask::whole(&form.samples, Field::Samples, "samples", 1..=NewComparison::SAMPLES_MAX)?,
            sampling: ask::sampling(&form.temperature, &form.top_p, &form.max_tokens)?,
            seed: ask::seed(&form.seed)?,
        })
    }
}

fn choices(words: &[String]) -> Result<Vec<Choice>, AskError> {
    let wrong = |message: String| AskError::new(Field::Columns, message);
    let read = |word: &String| Choice::parse(word).ok_or_else(|| wrong(format!("“{word}” names no answer")));
    let mut choices = words.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    choices.sort_unstable();
    choices.dedup();
    if choices.is_empty() {
        return Err(wrong("choose at least one column with a finished answer".into()));
    }
    match choices.windows(2).find(|pair| pair[0].column_idx == pair[1].column_idx) {
        Some(pair) => Err(wrong(format!("choose one answer of column {}, not several", pair[0].column_idx + 1))),
        None => Ok(choices),
    }
}

impl Choice {
    /// `2-1` for the first sample of the second column.
    pub fn word(self) -> String {
        format!("{}-{}", self.column_idx + 1, self.sample_idx + 1)
    }

    fn parse(word: &str) -> Option<Self> {
        let (column, sample) = word.split_once('-')?;
        let idx = |number: &str| number.parse::<u32>().ok()?.checked_sub(1);
        Some(Self { column_idx: idx(column)?, sample_idx: idx(sample)? })
    }
}

impl NewEdit {
    /// Reads the form; what is wrong with the text is told.
    pub fn parse(form: &EditForm) -> Result<Self, AskError> {
        let beginning = Beginning::parse(&form.text)?;
        if beginning.is_empty() {
            return Err(AskError::new(Field::Beginning, "leave at least one character to be continued"));
        }
        Ok(Self { answer: form.answer, beginning, by_all: form.all.is_some() })
    }
}

#[cfg(test)]
mod tests;
