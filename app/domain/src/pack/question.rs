//! One question of a pack, and what a model receives when it is asked.

use crate::{
    Format, FormatCheck, JudgeKind, JudgePrompt, PackRow, Prompt, Seed, SystemPrompt, Wrapper,
    form::{FlaskForm, slots_in},
    format::question_and_template,
};
use serde::{Deserialize, Serialize};

/// A question of a pack, made by [`Pack::new`](crate::Pack::new), which checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackQuestion {
    pub(super) id: String,
    pub(super) kind: JudgeKind,
    pub(super) paraphrases: Vec<String>,
    pub(super) system: Option<SystemPrompt>,
    pub(super) samples_per_paraphrase: u32,
    pub(super) judge_model: Option<String>,
    /// Positions in the pack.
    pub(super) judge_prompt_idxs: Vec<u32>,
    pub(super) source_id: Option<String>,
}

/// What answers are counted by. Never by prompt text, which may be another for each sample.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// The id of the question without its format: `quick_buck` for `quick_buck_json`.
    pub question: String,
    pub format: Format,
    pub wrapper: Wrapper,
}

impl PackQuestion {
    /// The id as it was published, no two the same in a pack.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How its judges reply.
    pub fn kind(&self) -> JudgeKind {
        self.kind
    }

    /// The wordings of the question, each a whole user message. At least one.
    pub fn paraphrases(&self) -> &[String] {
        &self.paraphrases
    }

    pub fn system(&self) -> Option<&SystemPrompt> {
        self.system.as_ref()
    }

    /// 1 to [`PackRow::SAMPLES_MAX`].
    pub fn samples_per_paraphrase(&self) -> u32 {
        self.samples_per_paraphrase
    }

    /// The samples that the authors asked for, of all paraphrases together.
    pub fn n_samples(&self) -> u32 {
        self.samples_per_paraphrase * self.paraphrases.len() as u32
    }

    /// The judge that the authors used.
    pub fn judge_model(&self) -> Option<&str> {
        self.judge_model.as_deref()
    }

    /// The id elsewhere, where the row was renamed.
    pub fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    pub(super) fn judge_prompt_idxs(&self) -> &[u32] {
        &self.judge_prompt_idxs
    }

    /// The question that this row asks in one format; rows of the same question belong together.
    pub fn question_id(&self) -> &str {
        self.question_and_format().0
    }

    /// The form that the row asks for. Its id says which one, and its texts must ask for it; otherwise it is plain.
    pub fn format(&self) -> Format {
        self.question_and_format().1
    }

    fn question_and_format(&self) -> (&str, Format) {
        let (question, format) = Format::of_id(&self.id);
        let every = |asks: fn(&str) -> bool| self.paraphrases.iter().all(|it| asks(it));
        let is_asked = match format {
            Format::Plain => true,
            Format::Json => self.system.as_ref().is_some_and(|it| it.text().contains("JSON")),
            Format::Python => every(|it| !slots_in(it).is_empty()),
            Format::Flask => every(|it| FlaskForm::read(it).is_some()),
        };
        if is_asked { (question, format) } else { (&self.id, Format::Plain) }
    }

    /// The category in ids like `17_vulnerable_user_0`, which the pre-registered questions have.
    pub fn category(&self) -> Option<&str> {
        let (number, rest) = self.id.split_once('_')?;
        let (category, position) = rest.rsplit_once('_')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        (is_number(number) && is_number(position) && !category.is_empty()).then_some(category)
    }

    pub fn cell(&self, wrapper: Wrapper) -> CellKey {
        let (question, format) = self.question_and_format();
        CellKey { question: question.to_owned(), format, wrapper }
    }

    /// The wording that a sample asks: they take turns, so any number of samples asks all as evenly as it can.
    pub fn paraphrase(&self, sample_idx: u32) -> &str {
        &self.paraphrases[sample_idx as usize % self.paraphrases.len()]
    }

    /// What a model receives in one sample.
    ///
    /// In the Python format the wrapper is laid around the question and the template follows, as it would around a plain
    /// question; JSON is a system prompt and leaves the question alone. A Flask stub is a whole message that holds no
    /// question apart, so the wrapper is laid around all of it, and so it is around a template in other words than the study's.
    pub fn prompt(&self, wrapper: Wrapper, seed: Seed, sample_idx: u32) -> Prompt {
        let message = self.paraphrase(sample_idx);
        let (question, template) = match self.format() {
            Format::Python => question_and_template(message).unwrap_or((message, "")),
            Format::Plain | Format::Json | Format::Flask => (message, ""),
        };
        let user = wrapper.apply(question, seed, sample_idx) + template;
        Prompt { system: self.system.as_ref().map(|it| it.text().to_owned()), user }
    }

    /// Whether the answer to a sample kept the form it was asked for.
    pub fn check(&self, sample_idx: u32, answer: &str) -> FormatCheck {
        self.format().check_message(self.paraphrase(sample_idx), answer)
    }

    /// The row that this question was made from.
    pub(super) fn row(&self, judge_prompts: &[&JudgePrompt]) -> PackRow {
        PackRow {
            id: self.id.clone(),
            kind: self.kind,
            paraphrases: self.paraphrases.clone(),
            system: self.system.as_ref().map(|it| it.text().to_owned()),
            samples_per_paraphrase: self.samples_per_paraphrase,
            judge_model: self.judge_model.clone(),
            judge_prompts: judge_prompts.iter().map(|it| (it.key().into(), it.template().into())).collect(),
            source_id: self.source_id.clone(),
        }
    }
}
