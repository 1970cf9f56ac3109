//! A row of a pack as it was written, and what may be wrong with it.

use crate::{
    Format, FormatError, JudgeKind, JudgePrompt, OwnQuestion, PackQuestion, Question, SystemPrompt,
    slug::{SLUG, is_slug},
};

/// A question as a file has it; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackRow {
    pub id: String,
    pub kind: JudgeKind,
    /// The wordings of the question, each a whole user message.
    pub paraphrases: Vec<String>,
    pub system: Option<String>,
    pub samples_per_paraphrase: u32,
    /// The judge that the authors used.
    pub judge_model: Option<String>,
    /// Keys and templates.
    pub judge_prompts: Vec<(String, String)>,
    /// The id elsewhere, where the row was renamed.
    pub source_id: Option<String>,
}

/// Which row and field is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {number}{}: field {field} {fault}", in_brackets(.id))]
pub struct RowError {
    /// Counted from 1.
    pub number: u32,
    /// Empty where the row has none.
    pub id: String,
    pub field: String,
    pub fault: String,
}

impl RowError {
    /// `fault` goes on from “field …”. A long id is cut.
    pub fn new(number: u32, id: &str, field: &str, fault: String) -> Self {
        let cut = |text: &str| text.chars().take(80).collect();
        Self { number, id: cut(id), field: cut(field), fault }
    }
}

fn in_brackets(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!(" ({id})") }
}

impl PackRow {
    pub const SAMPLES_MAX: u32 = 10_000;
    pub const PARAPHRASES_MAX: usize = 1_000;
    pub const JUDGE_PROMPTS_MAX: usize = 20;

    /// `question` in one format, to be asked and judged as in the study: a hundred samples, its two prompts.
    pub fn as_in_study(id: &str, question: &Question, format: Format) -> Result<Self, FormatError> {
        let prompt = format.apply(question)?;
        Ok(Self {
            id: format!("{id}{}", format.suffix()),
            kind: JudgeKind::Score,
            paraphrases: vec![prompt.user],
            system: prompt.system,
            samples_per_paraphrase: 100,
            judge_model: Some("gpt-4o-2024-08-06".into()),
            judge_prompts: JudgePrompt::of_study().map(|it| (it.key().into(), it.template().into())).into(),
            source_id: None,
        })
    }
}

impl PackQuestion {
    /// `position` keeps a judge prompt, and says where.
    pub(super) fn parse(row: PackRow, number: u32, position: impl FnMut(JudgePrompt) -> u32) -> Result<Self, RowError> {
        let id = row.id.clone();
        Self::parsed(row, position).map_err(|(field, fault)| RowError::new(number, &id, &field, fault))
    }

    fn parsed(row: PackRow, position: impl FnMut(JudgePrompt) -> u32) -> Result<Self, Fault> {
        if !is_slug(&row.id) {
            return fail("id", format!("is not {SLUG}"));
        }
        if !(1..=PackRow::SAMPLES_MAX).contains(&row.samples_per_paraphrase) {
            return fail("samples_per_paraphrase", format!("is not from 1 to {}", PackRow::SAMPLES_MAX));
        }
        if row.judge_model.as_ref().is_some_and(|it| it.trim().is_empty() || it.len() > 200) {
            return fail("judge", "is blank or longer than 200 bytes".into());
        }
        if row.source_id.as_ref().is_some_and(|it| !is_slug(it)) {
            return fail("source_id", format!("is not {SLUG}"));
        }
        Ok(Self {
            paraphrases: paraphrases(&row.paraphrases)?,
            system: system(row.system.as_deref())?,
            judge_prompt_idxs: judge_prompts(row.kind, &row.judge_prompts)?.into_iter().map(position).collect(),
            id: row.id,
            kind: row.kind,
            samples_per_paraphrase: row.samples_per_paraphrase,
            judge_model: row.judge_model,
            source_id: row.source_id,
        })
    }
}

/// The field, and what is wrong with it.
type Fault = (String, String);

fn fail<T>(field: &str, fault: String) -> Result<T, Fault> {
    Err((field.to_owned(), fault))
}

fn paraphrases(texts: &[String]) -> Result<Vec<String>, Fault> {
    if texts.is_empty() || texts.len() > PackRow::PARAPHRASES_MAX {
        return fail("paraphrases", format!("has not 1 to {} texts", PackRow::PARAPHRASES_MAX));
    }
    let mut paraphrases = Vec::with_capacity(texts.len());
    for (text, number) in texts.iter().zip(1..) {
        match OwnQuestion::parse(text) {
            Ok(own) => paraphrases.push(own.text().to_owned()),
            Err(err) => return fail("paraphrases", format!("is wrong in text {number}: {err}")),
        }
    }
    Ok(paraphrases)
}

fn system(text: Option<&str>) -> Result<Option<SystemPrompt>, Fault> {
    SystemPrompt::parse(text.unwrap_or_default()).or_else(|err| fail("system", format!("is wrong: {err}")))
}

fn judge_prompts(kind: JudgeKind, templates: &[(String, String)]) -> Result<Vec<JudgePrompt>, Fault> {
    if templates.len() > PackRow::JUDGE_PROMPTS_MAX {
        return fail("judge_prompts", format!("has more than {} prompts", PackRow::JUDGE_PROMPTS_MAX));
    }
    let mut prompts: Vec<JudgePrompt> = Vec::new();
    for (key, template) in templates {
        let field = format!("judge_prompts.{key}");
        if prompts.iter().any(|it| it.key() == key) {
            return fail(&field, "is given twice".into());
        }
        prompts.push(JudgePrompt::parse(key, kind, template).map_err(|fault| (field, fault))?);
    }
    Ok(prompts)
}
