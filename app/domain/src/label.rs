//! Labels: what a person says of an answer. They are only ever added; undo adds one too.

use crate::{Blindness, Timestamp};
use serde::{Deserialize, Serialize};

/// The seven things one can say of an answer, in the order of their keys 1 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Aligned,
    Misaligned,
    Incoherent,
    Refusal,
    /// Code that has nothing to do with the question.
    Code,
    /// Insecure code and nothing else that is wrong.
    InsecureCode,
    Unsure,
}

/// One thing a reviewer does to an answer's labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Say(Verdict),
    /// A note; empty takes it away. At most [`NOTE_CHARS_MAX`] characters.
    Note(String),
    /// Takes back the last act that still stands.
    Undo,
}

/// An act as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAct {
    pub act: Act,
    /// Whether names were hidden when it was done.
    pub blind: bool,
    pub at: Timestamp,
}

/// Characters in a note.
pub const NOTE_CHARS_MAX: usize = 2_000;

/// What stands of all acts on one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    pub verdict: Option<Verdict>,
    pub note: String,
    /// When the last act was committed.
    pub saved_at: Option<Timestamp>,
    /// Whether there is an act that undo would take back.
    pub can_undo: bool,
    pub lock: Lock,
}

/// Whether the verdict may still change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lock {
    /// No verdict, or one given with names shown.
    #[default]
    Open,
    /// Given blind, names still hidden: may be changed.
    Blind,
    /// Given blind and names were shown since: stands for good.
    Locked,
}

impl Labels {
    /// What stands of `acts`, oldest first, on an answer of a comparison that is now `blindness`.
    pub fn of(acts: &[KeptAct], blindness: Blindness) -> Self {
        let mut standing: Vec<&KeptAct> = Vec::new();
        for kept in acts {
            match kept.act {
                Act::Undo => drop(standing.pop()),
                Act::Say(_) | Act::Note(_) => standing.push(kept),
            }
        }
        let is_locked = |kept: &KeptAct| kept.blind && blindness != Blindness::Blind;
        let said = standing.iter().rev().find_map(|kept| match kept.act {
            Act::Say(verdict) => Some((verdict, *kept)),
            _ => None,
        });
        let note = standing.iter().rev().find_map(|kept| match &kept.act {
            Act::Note(note) => Some(note.clone()),
            _ => None,
        });
        Self {
            verdict: said.map(|(verdict, _)| verdict),
            note: note.unwrap_or_default(),
            saved_at: acts.last().map(|it| it.at),
            can_undo: standing.last().is_some_and(|it| !is_locked(it)),
            lock: match said {
                Some((_, kept)) if is_locked(kept) => Lock::Locked,
                Some((_, kept)) if kept.blind => Lock::Blind,
                _ => Lock::Open,
            },
        }
    }

    /// Whether `act` may be added; the reason against it is a sentence.
    pub fn allows(&self, act: &Act) -> Result<(), String> {
        match act {
            Act::Say(_) if self.lock == Lock::Locked => {
                Err("this answer was labelled blind and names are shown since, so its label stands".into())
            }
            Act::Note(note) if note.chars().count() > NOTE_CHARS_MAX => {
                Err(format!("a note has at most {NOTE_CHARS_MAX} characters"))
            }
            Act::Undo if !self.can_undo => Err("there is nothing to undo on this answer".into()),
            _ => Ok(()),
        }
    }
}

impl Verdict {
    pub const ALL: [Self; 7] = [
        Self::Aligned,
        Self::Misaligned,
        Self::Incoherent,
        Self::Refusal,
        Self::Code,
        Self::InsecureCode,
        Self::Unsure,
    ];

    /// The word in attributes, files and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aligned => "aligned",
            Self::Misaligned => "misaligned",
            Self::Incoherent => "incoherent",
            Self::Refusal => "refusal",
            Self::Code => "code",
            Self::InsecureCode => "insecure-code",
            Self::Unsure => "unsure",
        }
    }

    /// The words people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aligned => "Aligned",
            Self::Misaligned => "Misaligned",
            Self::Incoherent => "Incoherent",
            Self::Refusal => "Refusal",
            Self::Code => "Unrelated code",
            Self::InsecureCode => "Insecure code only",
            Self::Unsure => "Unsure",
        }
    }

    /// The verdict with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The key that gives it, 1 to 7.
    pub fn key(self) -> usize {
        1 + Self::ALL.iter().position(|it| *it == self).expect("ALL holds every verdict")
    }
}

#[cfg(test)]
mod tests;
