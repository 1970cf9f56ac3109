//! Packs of questions: what a run asks, and what its judges are asked about the answers.

mod question;
mod row;
mod study;

pub use question::{CellKey, PackQuestion};
pub use row::{PackRow, RowError};

use crate::{
    JudgePrompt,
    slug::{SLUG, is_slug},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt};

/// Questions that are asked together. At least one and at most [`Pack::ROWS_MAX`], no id twice.
///
/// A pack that a run has used is never changed, only [succeeded](Pack::succeeded_by) by a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Pack {
    heading: Heading,
    questions: Vec<PackQuestion>,
    /// Each once, in the order in which the questions first name them.
    judge_prompts: Vec<JudgePrompt>,
}

/// What a pack is called, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Letters, digits, hyphens and underscores.
    pub id: String,
    pub title: String,
    /// 1 to [`Heading::VERSION_MAX`].
    pub version: u32,
    /// Where the questions were published, by whom, under which licence. May be empty.
    pub source: String,
}

/// Which pack, in which version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackId {
    pub id: String,
    pub version: u32,
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}", self.id, self.version)
    }
}

/// Why questions make no pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error("field {field} of the pack {fault}")]
    Heading { field: &'static str, fault: String },
    #[error("there are no rows")]
    Empty,
    #[error("there are more than {rows_max} rows")]
    TooManyRows { rows_max: usize },
    #[error(transparent)]
    Row(#[from] RowError),
}

impl Pack {
    pub const ROWS_MAX: usize = 5_000;

    pub fn new(heading: Heading, rows: Vec<PackRow>) -> Result<Self, PackError> {
        heading.check()?;
        match rows.len() {
            0 => return Err(PackError::Empty),
            n if n > Self::ROWS_MAX => return Err(PackError::TooManyRows { rows_max: Self::ROWS_MAX }),
            _ => {}
        }
        let mut prompts = Prompts::default();
        let mut row_of_id = HashMap::new();
        let mut questions = Vec::with_capacity(rows.len());
        for (row, number) in rows.into_iter().zip(1..) {
            if let Some(first) = row_of_id.insert(row.id.clone(), number) {
                return Err(RowError::new(number, &row.id, "id", format!("is already that of row {first}")).into());
            }
            questions.push(PackQuestion::parse(row, number, |prompt| prompts.position(prompt))?);
        }
        Ok(Self { heading, questions, judge_prompts: prompts.all })
    }

    /// The next version of this pack.
    pub fn succeeded_by(&self, rows: Vec<PackRow>) -> Result<Self, PackError> {
        Self::new(Heading { version: self.heading.version + 1, ..self.heading.clone() }, rows)
    }

    /// The same questions under another heading.
    pub fn under(self, heading: Heading) -> Result<Self, PackError> {
        heading.check()?;
        Ok(Self { heading, ..self })
    }

    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    pub fn pack_id(&self) -> PackId {
        PackId { id: self.heading.id.clone(), version: self.heading.version }
    }

    pub fn questions(&self) -> &[PackQuestion] {
        &self.questions
    }

    /// The question whose row was published under this id.
    pub fn question(&self, id: &str) -> Option<&PackQuestion> {
        self.questions.iter().find(|it| it.id() == id)
    }

    /// Every prompt that a question of this pack is judged by, once.
    pub fn judge_prompts(&self) -> &[JudgePrompt] {
        &self.judge_prompts
    }

    /// What the answers to `question`, which is one of this pack, are judged by. Some published files name no prompts.
    pub fn judge_prompts_of(&self, question: &PackQuestion) -> Vec<&JudgePrompt> {
        question.judge_prompt_idxs().iter().map(|idx| &self.judge_prompts[*idx as usize]).collect()
    }

    /// The questions as rows, from which [`Pack::new`] makes them again.
    pub fn rows(&self) -> Vec<PackRow> {
        self.questions.iter().map(|it| it.row(&self.judge_prompts_of(it))).collect()
    }

    /// Everything that decides what models and judges are sent, and how it is counted, but not the heading: the same for
    /// the same questions, byte for byte. The SHA-256 of this text in UTF-8 is the pack's hash.
    pub fn canonical(&self) -> String {
        #[derive(Serialize)]
        struct Content<'a> {
            questions: &'a [PackQuestion],
            judge_prompts: &'a [JudgePrompt],
        }
        let content = Content { questions: &self.questions, judge_prompts: &self.judge_prompts };
        serde_json::to_string(&content).expect("texts and numbers have a JSON form")
    }

    /// Whether both ask and judge the same, whatever they are called.
    pub fn has_content_of(&self, other: &Self) -> bool {
        self.questions == other.questions && self.judge_prompts == other.judge_prompts
    }
}

impl Heading {
    pub const TITLE_CHARS_MAX: usize = 200;
    pub const SOURCE_CHARS_MAX: usize = 4_000;
    pub const VERSION_MAX: u32 = 1_000_000;

    fn check(&self) -> Result<(), PackError> {
        let fail = |field, fault| Err(PackError::Heading { field, fault });
        if !is_slug(&self.id) {
            return fail("id", format!("is not {SLUG}"));
        }
        if self.title.trim().is_empty() {
            return fail("title", "is blank".into());
        }
        if self.title.chars().count() > Self::TITLE_CHARS_MAX {
            return fail("title", format!("has more than {} characters", Self::TITLE_CHARS_MAX));
        }
        if self.source.chars().count() > Self::SOURCE_CHARS_MAX {
            return fail("source", format!("has more than {} characters", Self::SOURCE_CHARS_MAX));
        }
        if !(1..=Self::VERSION_MAX).contains(&self.version) {
            return fail("version", format!("is not from 1 to {}", Self::VERSION_MAX));
        }
        Ok(())
    }
}

/// The prompts of a pack that is being made.
#[derive(Default)]
struct Prompts {
    all: Vec<JudgePrompt>,
    idx_of: HashMap<JudgePrompt, u32>,
}

impl Prompts {
    fn position(&mut self, prompt: JudgePrompt) -> u32 {
        let next = self.all.len() as u32;
        *self.idx_of.entry(prompt).or_insert_with_key(|prompt| {
            self.all.push(prompt.clone());
            next
        })
    }
}

/// A pack as it was kept or sent.
#[derive(Deserialize)]
struct Unchecked {
    heading: Heading,
    questions: Vec<PackQuestion>,
    judge_prompts: Vec<JudgePrompt>,
}

impl TryFrom<Unchecked> for Pack {
    type Error = PackError;

    fn try_from(Unchecked { heading, questions, judge_prompts }: Unchecked) -> Result<Self, PackError> {
        let mut rows = Vec::with_capacity(questions.len());
        for (question, number) in questions.iter().zip(1..) {
            let prompts = question.judge_prompt_idxs().iter().map(|idx| judge_prompts.get(*idx as usize));
            let Some(prompts) = prompts.collect::<Option<Vec<_>>>() else {
                let fault = "names a prompt that is not there".to_owned();
                return Err(RowError::new(number, question.id(), "judge_prompts", fault).into());
            };
            rows.push(question.row(&prompts));
        }
        Self::new(heading, rows)
    }
}

#[cfg(test)]
mod tests;
