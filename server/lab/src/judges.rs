//! The judges: whoever scores an answer from 0 to 100, or says a word about it. Each is asked through [`Judge`] and knows
//! nothing of runs; who asks keeps what they said.
//!
//! There are four kinds. Rules are patterns from a file; a model served here and an endpoint elsewhere are asked the
//! judge's prompt, and their score is an expectation over the numbers they might have written; people are only listed,
//! since they judge by labels. No score is ever read out of text that an answer could have brought along: a model's and an
//! endpoint's come from single tokens, or from a whole reply that is a number and nothing else.

mod catalogue;
mod numeric;
mod rules;

mod hosted;
mod numbers;

mod endpoint;

pub use catalogue::Judges;

use async_trait::async_trait;
use domain::{Format, JudgeId, JudgePrompt, Judgement};

/// Somebody who judges answers. One is asked about many at once.
#[async_trait]
pub trait Judge: Send + Sync {
    fn id(&self) -> JudgeId;

    /// How many answers it is worth asking about at the same time; at least 1.
    fn n_at_once(&self) -> usize;

    /// What it says of one answer. It tries again by itself where that helps within minutes, so a failure is one that lasts
    /// at least as long.
    async fn judge(&self, asked: &Asked) -> Result<Judgement, JudgeFailure>;
}

/// What a judge is asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    pub prompt: JudgePrompt,
    /// The whole user message that was answered, never the system prompt.
    pub question: String,
    pub answer: String,
    pub format: Format,
}

/// Why there is no judgement, as a sentence for people. It holds nothing of what was asked or replied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct JudgeFailure {
    pub reason: String,
    /// Whether the same question may succeed later, with nothing changed.
    pub is_passing: bool,
}

/// `judges.toml`, or a file that it names, cannot be used; says which, where in it, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JudgesError(String);

impl Asked {
    /// The message for a judge that reads.
    pub fn message(&self) -> String {
        self.prompt.fill(&self.question, &self.answer)
    }

    /// A judgement that is a word, or nothing at all.
    fn word(&self, word: Option<String>) -> Judgement {
        Judgement { key: self.prompt.key().to_owned(), score: None, word, numeric_mass: None }
    }
}

impl JudgeFailure {
    /// It may go away by itself.
    fn passing(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), is_passing: true }
    }

    /// Somebody has to do something about it.
    fn lasting(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), is_passing: false }
    }
}

#[cfg(test)]
mod tests;
