//! What the one event stream of a page carries: a comparison whole, then its pieces.

use crate::{Answer, AnswerId, AnswerState, Comparison, Facts, FormatCheck, Wait};
use serde::{Deserialize, Serialize};

/// The first event is [`Whole`](Self::Whole), later ones are pieces; a reader whom a piece does not fit opens the stream anew.
/// So a late viewer, a reload, a lost message and a slow line need no special code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LiveEvent {
    Whole(Box<Comparison>),
    Pieces(Vec<Piece>),
    /// What each column waits for now.
    Waits(Vec<Option<Wait>>),
    /// Nothing will follow: every answer is over, or the server is going down.
    End,
}

/// What has come to one answer since the last event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub answer: AnswerId,
    /// Where `text` belongs: the bytes that the reader has already.
    pub from: u32,
    pub text: String,
    pub state: AnswerState,
    pub facts: Option<Facts>,
    pub check: Option<FormatCheck>,
}

/// The reader has missed something, so a piece cannot be joined on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

impl Piece {
    /// What `now` has beyond the `from` bytes of text that a reader has seen.
    pub fn since(now: &Answer, from: usize) -> Self {
        Self {
            answer: now.id,
            from: u32::try_from(from).expect("answers are far shorter than 4 GiB"),
            text: now.text[from..].to_owned(),
            state: now.state.clone(),
            facts: now.facts,
            check: now.check.clone(),
        }
    }

    /// Takes away what may tell which model wrote it, as [`Answer::veil`] does.
    pub fn veil(&mut self) {
        self.facts = None;
        self.state.veil();
    }

    /// Brings `answer` up to date.
    pub fn join(self, answer: &mut Answer) -> Result<(), Misfit> {
        if answer.text.len() != self.from as usize {
            return Err(Misfit);
        }
        answer.text.push_str(&self.text);
        (answer.state, answer.facts, answer.check) = (self.state, self.facts, self.check);
        Ok(())
    }
}
