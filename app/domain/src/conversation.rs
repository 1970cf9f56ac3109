//! Conversations: the turns before a question, what a model receives of them, and where a comparison comes from.

use crate::{
    AnswerId, Beginning, Comparison, ComparisonId, Format, FormatError, OwnQuestion, Prompt, Question, SystemPrompt,
    slot_letter,
};
use serde::{Deserialize, Serialize};

/// An earlier turn: what was asked, and what each column had answered when it was asked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The comparison in which it was asked.
    pub comparison: ComparisonId,
    pub question_id: Option<String>,
    pub question_text: String,
    pub format: Format,
    /// As [`Comparison::verbatim`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<Prompt>,
    /// Only the first turn of a conversation can have one.
    pub system: Option<SystemPrompt>,
    /// Of each of the answers.
    pub beginning: Beginning,
    /// In the order of the columns that go on from them.
    pub answers: Vec<Said>,
}

/// The answer that a column's conversation goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub answer: AnswerId,
    /// Where it stands in the comparison in which it was given.
    pub column_idx: u32,
    pub sample_idx: u32,
    /// The user message that it answers, where that sample had one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the model wrote, after the turn's beginning. Hostile, as any answer.
    pub text: String,
}

/// What a comparison goes on from, where it was not asked anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It asks on: each column goes on from an answer of that comparison.
    Follows(ComparisonId),
    /// It asks the same as that comparison, and its beginning is one of the answers there.
    Edits { comparison: ComparisonId, edited: Edited },
}

/// The answer that a reviewer took as a beginning. It stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    pub answer: AnswerId,
    /// Where it stands in the comparison in which it was given.
    pub column_idx: u32,
    pub sample_idx: u32,
    pub slot: u32,
    /// None while blind.
    pub model_name: Option<String>,
    /// False where it was continued as it was.
    pub is_changed: bool,
}

/// One thing that is said in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    pub speaker: Speaker,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    System,
    User,
    Assistant,
}

/// The comparisons around one: what goes on from it, and what is revealed together with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Oldest first.
    pub follow_ups: Vec<FollowUp>,
    /// Other comparisons whose names are hidden until the names of this one are shown.
    pub n_hidden_others: u32,
    /// Answers of those that have a verdict.
    pub n_labels_others: u32,
}

/// A comparison that goes on from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    pub comparison: ComparisonId,
    /// Whether it continues an answer, and asks nothing new.
    pub is_edit: bool,
    pub title: String,
    /// Its columns, by the slots they have in the whole family.
    pub slots: Vec<u32>,
}

/// Turns that a conversation may have, the one that is being answered included.
pub const TURNS_MAX: usize = 20;

impl Comparison {
    /// What the model of a column receives, before its chat template.
    ///
    /// The system message stands over the whole conversation: the reviewer's own words, then those of the first turn's format.
    /// Each question stands as its format puts it; each answer with the beginning that it was given.
    pub fn messages(&self, column_idx: usize) -> Result<Vec<Utterance>, FormatError> {
        self.messages_of(column_idx, None)
    }

    /// The same for one sample, whose own message stands last where it has one.
    pub fn messages_of(&self, column_idx: usize, message: Option<&str>) -> Result<Vec<Utterance>, FormatError> {
        let last = prompt(self.verbatim.as_ref(), self.format, &self.question(), self.system.as_ref())?;
        let mut messages = Vec::new();
        let mut system = None;
        for (turn_idx, turn) in self.turns.iter().enumerate() {
            let said = &turn.answers[column_idx];
            let asked = prompt(turn.verbatim.as_ref(), turn.format, &turn.question(), turn.system.as_ref())?;
            if turn_idx == 0 {
                system = asked.system;
            }
            messages.push(Speaker::User.says(said.message.clone().unwrap_or(asked.user)));
            messages.push(Speaker::Assistant.says(turn.beginning.and(&said.text)));
        }
        if self.turns.is_empty() {
            system = last.system;
        }
        messages.push(Speaker::User.says(message.map_or(last.user, str::to_owned)));
        if let Some(system) = system {
            messages.insert(0, Speaker::System.says(system));
        }
        Ok(messages)
    }

    /// Whether the conversation has room for one more question; the reason against it is a sentence.
    pub fn takes_another_turn(&self) -> Result<(), String> {
        if self.turns.len() + 1 < TURNS_MAX {
            return Ok(());
        }
        Err(format!("a conversation has at most {TURNS_MAX} turns, and this one has as many"))
    }
}

impl Turn {
    /// The question as it was asked.
    pub fn question(&self) -> Question {
        as_asked(self.question_id.as_deref(), &self.question_text)
    }
}

/// What one turn sends: word for word where it says so, else what the format makes of the question.
fn prompt(
    verbatim: Option<&Prompt>,
    format: Format,
    question: &Question,
    own: Option<&SystemPrompt>,
) -> Result<Prompt, FormatError> {
    match verbatim {
        Some(verbatim) => Ok(verbatim.clone()),
        None => Ok(format.apply(question)?.under(own)),
    }
}

/// The question that was kept by these two.
pub(crate) fn as_asked(id: Option<&str>, text: &str) -> Question {
    let main = id.and_then(Question::main);
    main.unwrap_or_else(|| Question::Own(OwnQuestion::parse(text).expect("only legal questions are kept")))
}

impl Origin {
    pub fn comparison(&self) -> ComparisonId {
        match self {
            Self::Follows(comparison) | Self::Edits { comparison, .. } => *comparison,
        }
    }

    pub fn edited(&self) -> Option<&Edited> {
        match self {
            Self::Follows(_) => None,
            Self::Edits { edited, .. } => Some(edited),
        }
    }

    /// Takes away the name of the model.
    pub fn veil(&mut self) {
        if let Self::Edits { edited, .. } = self {
            edited.model_name = None;
        }
    }
}

impl Edited {
    /// Whose answer it was.
    pub fn name(&self) -> String {
        self.model_name.clone().unwrap_or_else(|| format!("slot {}", slot_letter(self.slot)))
    }
}

impl Speaker {
    fn says(self, text: impl Into<String>) -> Utterance {
        Utterance { speaker: self, text: text.into() }
    }
}

#[cfg(test)]
mod tests;
