//! A comparison: one question in one format, asked of several models, several times each.

use crate::{
    Beginning, Format, FormatCheck, Labels, ModelId, NewComparison, Origin, Prompt, Question, Role, Sampling, Seed,
    SystemPrompt, Timestamp, Turn, conversation::as_asked,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComparisonId(pub i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnswerId(pub i64);

/// A comparison as one person may see it: while it is blind, nothing in here tells which model is which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub id: ComparisonId,
    /// The authors' id of a main question; none for one's own.
    pub question_id: Option<String>,
    pub question_text: String,
    pub format: Format,
    /// What was sent word for word, where that is not what the format makes of the question: in a cell of a run whose row is
    /// worded or wrapped in its own way, and wherever such a one is asked again. There is no `system` beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<Prompt>,
    /// A reviewer's own. Only the first turn of a conversation can have one.
    pub system: Option<SystemPrompt>,
    /// What every answer begins with, given and not written by a model.
    pub beginning: Beginning,
    pub sampling: Sampling,
    pub n_samples: u32,
    pub seed: Seed,
    pub blindness: Blindness,
    pub created_at: Timestamp,
    /// None where it was asked anew.
    pub origin: Option<Origin>,
    /// What was said before, oldest first.
    pub turns: Vec<Turn>,
    /// In the order chosen; in an order drawn at random where the comparison is or was blind.
    pub columns: Vec<Column>,
}

/// Whether names are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blindness {
    /// Names were shown from the start.
    Open,
    /// Names, roles, hashes and timing stay on the server.
    Blind,
    /// It was blind; labels given before this moment are locked.
    Revealed(Timestamp),
}

/// One model's answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The place of this model in the whole family of a conversation, also where only some of its columns go on.
    pub slot: u32,
    /// None while blind.
    pub model: Option<ColumnModel>,
    /// What this column's model received. None where it never could be asked, or where it would tell which model it is.
    pub prompt: Option<RenderedPrompt>,
    /// In sample order.
    pub answers: Vec<Answer>,
    /// Why none is begun yet, where it is not just their turn. Known while the comparison runs; none while blind.
    #[serde(default)]
    pub wait: Option<Wait>,
}

/// What a column waits for: its model is not in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// A sentence for people.
    pub reason: String,
    /// How far it is, from 0 to 100, where that is known.
    pub percent: Option<u8>,
}

/// Which model a column holds, as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnModel {
    pub id: ModelId,
    pub name: String,
    pub role: Role,
    pub about: String,
    /// SHA-256 over the model's files, in hexadecimal. Empty where the model could not be asked.
    pub hash: String,
    pub device: String,
    pub precision: String,
    /// Version of the engine that answered.
    pub engine: String,
}

/// The very text that was tokenized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedPrompt {
    pub text: String,
    pub n_tokens: u32,
    /// The special tokens that occur in `text` and were encoded as such.
    pub specials: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub id: AnswerId,
    pub state: AnswerState,
    /// The user message, where this sample had one of its own: drawn by a wrapper, or another wording of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the model wrote, after the beginning that was given. Hostile: shown as text, never as markup, never run.
    pub text: String,
    /// None while blind, and before the first token.
    pub facts: Option<Facts>,
    /// None until the answer has ended.
    pub check: Option<FormatCheck>,
    pub labels: Labels,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerState {
    /// Not begun.
    Waiting,
    Writing,
    Finished(Finish),
    /// Ended by an error, told in a sentence. What was written is kept.
    Failed(String),
    /// The server stopped before the answer was finished. It can be continued.
    CutOff,
}

/// Why a finished answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// It reached the most tokens it may have.
    Length,
    /// The model has no room for more positions.
    Full,
    /// A reviewer stopped it.
    Stopped,
}

/// What was measured about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub seed: u64,
    pub n_tokens: u32,
    /// Time from asking to the first token, in milliseconds.
    pub first_token_ms: u32,
    /// Time from the first token to the last so far, in milliseconds.
    pub writing_ms: u32,
}

impl Comparison {
    /// The question as it was asked.
    pub fn question(&self) -> Question {
        as_asked(self.question_id.as_deref(), &self.question_text)
    }

    /// Whether a finished answer, its beginning included, kept the form it was asked for. `message` is its own, where it has one.
    pub fn check(&self, message: Option<&str>, answer: &str) -> FormatCheck {
        match message.or(self.verbatim.as_ref().map(|it| it.user.as_str())) {
            Some(message) => self.format.check_message(message, answer),
            None => self.format.check(&self.question(), answer),
        }
    }

    /// The form's content that would ask the same anew; None while it is blind, since that names the models, and where it
    /// goes on from another comparison or was sent word for word, since a form holds neither.
    pub fn again(&self) -> Option<NewComparison> {
        if self.origin.is_some() || self.verbatim.is_some() {
            return None;
        }
        let models =
            self.columns.iter().map(|it| it.model.as_ref().map(|model| model.id.clone())).collect::<Option<_>>()?;
        Some(NewComparison {
            question: self.question(),
            format: self.format,
            system: self.system.clone(),
            beginning: self.beginning.clone(),
            models,
            n_samples: self.n_samples,
            sampling: self.sampling,
            seed: None,
            blind: self.blindness != Blindness::Open,
        })
    }

    /// The comparison without whatever would tell which model is which, as long as it is blind.
    ///
    /// Prompts are shown only where all are the same: a chat template of its own would give a model away. So would the
    /// wording of a failure, and that a model is being loaded. What goes on from another comparison shows none: there a
    /// column may stand alone.
    pub fn as_seen(mut self) -> Self {
        if !self.is_blind() {
            return self;
        }
        if let Some(origin) = &mut self.origin {
            origin.veil();
        }
        let same_prompt = self.origin.is_none() && self.columns.windows(2).all(|pair| pair[0].prompt == pair[1].prompt);
        for column in &mut self.columns {
            (column.model, column.wait) = (None, None);
            if !same_prompt {
                column.prompt = None;
            }
            for answer in &mut column.answers {
                answer.veil();
            }
        }
        self
    }

    pub fn is_blind(&self) -> bool {
        self.blindness == Blindness::Blind
    }

    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.columns.iter().flat_map(|it| &it.answers)
    }

    pub fn answer_mut(&mut self, id: AnswerId) -> Option<&mut Answer> {
        self.columns.iter_mut().flat_map(|it| &mut it.answers).find(|it| it.id == id)
    }

    /// Whether any answer is still to come without anyone's doing.
    pub fn is_running(&self) -> bool {
        self.answers().any(|it| !it.state.is_over())
    }
}

impl Answer {
    /// Takes away what may tell which model wrote it: timing, counts, and the wording of a failure.
    pub fn veil(&mut self) {
        self.facts = None;
        self.state.veil();
    }
}

impl AnswerState {
    /// Takes away the wording of a failure, which may tell which model it was.
    pub fn veil(&mut self) {
        if let Self::Failed(reason) = self {
            *reason = "this model could not answer; the reason is shown when names are".into();
        }
    }

    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Writing)
    }

    /// Whether there is something to be said of the answer: one that was cut off or failed is left out of every rate.
    pub fn takes_label(&self) -> bool {
        matches!(self, Self::Writing | Self::Finished(_))
    }
}

impl Finish {
    /// The word in the database and in exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Full => "full",
            Self::Stopped => "stopped",
        }
    }

    /// The finish with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Stop, Self::Length, Self::Full, Self::Stopped].into_iter().find(|it| it.as_str() == word)
    }
}

impl Facts {
    /// Tokens per second after the first one; None before the second.
    pub fn tokens_per_second(&self) -> Option<f64> {
        (self.n_tokens > 1 && self.writing_ms > 0)
            .then(|| f64::from(self.n_tokens - 1) * 1_000.0 / f64::from(self.writing_ms))
    }

    /// Tokens per second of answers that were asked at the same time, from asking to the last token so far.
    pub fn tokens_per_second_together(all: impl IntoIterator<Item = Self>) -> Option<f64> {
        let (mut n_tokens, mut longest_ms) = (0_u32, 0_u32);
        for facts in all {
            n_tokens += facts.n_tokens;
            longest_ms = longest_ms.max(facts.first_token_ms + facts.writing_ms);
        }
        (longest_ms > 0).then(|| f64::from(n_tokens) * 1_000.0 / f64::from(longest_ms))
    }
}

/// The name of a blind slot: W, X, Y, Z, then V, U, T and so on. No role has one of the first four as its letter, and
/// no digit is used, so that a slot can be read neither as a role nor as a label's key.
pub fn slot_letter(slot: u32) -> char {
    "WXYZVUTRQPNM".chars().nth(slot as usize).unwrap_or('?')
}
