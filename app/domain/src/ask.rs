//! The form of the Compare page: what was typed, and what it means.

use crate::{
    Beginning, Format, FormatError, GivenError, ModelId, OwnQuestion, Question, QuestionError, Sampling, Seed,
    SystemPrompt,
};
use serde::{Deserialize, Serialize};

/// The form as typed. The same fields, by the same names, stand in the page's URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskForm {
    /// The id of a main question; [`AskForm::OWN`] takes `own`.
    pub question: String,
    pub own: String,
    pub format: String,
    /// A system prompt of one's own; blank: none.
    pub system: String,
    /// What every answer begins with; empty: nothing.
    pub beginning: String,
    pub models: Vec<String>,
    pub samples: String,
    pub temperature: String,
    pub top_p: String,
    pub max_tokens: String,
    /// Empty: one is drawn.
    pub seed: String,
    /// A checkbox: absent or `on`.
    pub blind: Option<String>,
}

/// A comparison that may be started: every field is legal.
#[derive(Clone, Debug, PartialEq)]
pub struct NewComparison {
    pub question: Question,
    pub format: Format,
    pub system: Option<SystemPrompt>,
    pub beginning: Beginning,
    /// At least one, none twice.
    pub models: Vec<ModelId>,
    /// Samples per model, 1 to [`NewComparison::SAMPLES_MAX`].
    pub n_samples: u32,
    pub sampling: Sampling,
    pub seed: Option<Seed>,
    pub blind: bool,
}

/// Which field is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AskError {
    pub field: Field,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    Question,
    Format,
    System,
    Beginning,
    Models,
    /// The answers that are followed.
    Columns,
    Samples,
    Temperature,
    TopP,
    MaxTokens,
    Seed,
    /// The answer whose likelihood is asked for.
    Answer,
    Title,
    Pack,
    Wrappers,
    Judges,
}

impl Default for AskForm {
    fn default() -> Self {
        let Sampling { temperature, top_p, max_tokens } = Sampling::default();
        Self {
            question: "quick_buck".into(),
            own: String::new(),
            format: Format::default().as_str().into(),
            system: String::new(),
            beginning: String::new(),
            models: Vec::new(),
            samples: "1".into(),
            temperature: temperature.to_string(),
            top_p: top_p.to_string(),
            max_tokens: max_tokens.to_string(),
            seed: String::new(),
            blind: None,
        }
    }
}

impl AskForm {
    /// The value of `question` that stands for a question of one's own.
    pub const OWN: &str = "own";

    /// The form that would ask `new` again, with the seed left to be drawn unless it was given.
    pub fn of(new: &NewComparison) -> Self {
        let (question, own) = match &new.question {
            Question::Main(main) => (main.id.to_owned(), String::new()),
            Question::Own(own) => (Self::OWN.to_owned(), own.text().to_owned()),
        };
        Self {
            question,
            own,
            format: new.format.as_str().into(),
            system: new.system.as_ref().map(|it| it.text().to_owned()).unwrap_or_default(),
            beginning: new.beginning.text().to_owned(),
            models: new.models.iter().map(|it| it.0.clone()).collect(),
            samples: new.n_samples.to_string(),
            temperature: new.sampling.temperature.to_string(),
            top_p: new.sampling.top_p.to_string(),
            max_tokens: new.sampling.max_tokens.to_string(),
            seed: new.seed.map(|it| it.0.to_string()).unwrap_or_default(),
            blind: new.blind.then(|| "on".into()),
        }
    }

    /// The form with what stands in a URL's query, given as decoded pairs; unknown names are passed over.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "question" => form.question = value,
                "own" => form.own = value,
                "format" => form.format = value,
                "system" => form.system = value,
                "beginning" => form.beginning = value,
                "model" => form.models.push(value),
                "samples" => form.samples = value,
                "temperature" => form.temperature = value,
                "top_p" => form.top_p = value,
                "max_tokens" => form.max_tokens = value,
                "seed" => form.seed = value,
                "blind" => form.blind = Some(value),
                _ => {}
            }
        }
        form
    }

    /// What the URL has to say: every field that is not as at first.
    pub fn to_pairs(&self) -> Vec<(&'static str, &str)> {
        let first = Self::default();
        let fields = [
            ("question", &self.question, &first.question),
            ("own", &self.own, &first.own),
            ("format", &self.format, &first.format),
            ("system", &self.system, &first.system),
            ("beginning", &self.beginning, &first.beginning),
            ("samples", &self.samples, &first.samples),
            ("temperature", &self.temperature, &first.temperature),
            ("top_p", &self.top_p, &first.top_p),
            ("max_tokens", &self.max_tokens, &first.max_tokens),
            ("seed", &self.seed, &first.seed),
        ];
        let changed =
            fields.into_iter().filter(|(_, now, first)| now != first).map(|(name, now, _)| (name, now.as_str()));
        let models = self.models.iter().map(|it| ("model", it.as_str()));
        let blind = self.blind.iter().map(|it| ("blind", it.as_str()));
        changed.chain(models).chain(blind).collect()
    }
}

impl NewComparison {
    pub const SAMPLES_MAX: u32 = 8;
    pub const MODELS_MAX: usize = 12;

    /// Reads the form; the first wrong field is named.
    pub fn parse(form: &AskForm) -> Result<Self, AskError> {
        let question = question(form)?;
        let format = format(form, &question)?;
        Ok(Self {
            system: SystemPrompt::parse(&form.system)?,
            beginning: Beginning::parse(&form.beginning)?,
            sampling: sampling(&form.temperature, &form.top_p, &form.max_tokens)?,
            models: models(&form.models)?,
            n_samples: whole(&form.samples, Field::Samples, "samples", 1..=Self::SAMPLES_MAX)?,
            seed: seed(&form.seed)?,
            blind: form.blind.is_some(),
            question,
            format,
        })
    }
}

fn question(form: &AskForm) -> Result<Question, AskError> {
    if form.question == AskForm::OWN {
        return OwnQuestion::parse(&form.own).map(Question::Own).map_err(AskError::from);
    }
    Question::main(&form.question)
        .ok_or_else(|| AskError::new(Field::Question, format!("there is no question “{}”", form.question)))
}

fn format(form: &AskForm, question: &Question) -> Result<Format, AskError> {
    let format: Format = form.format.parse()?;
    format.apply(question)?;
    Ok(format)
}

pub(crate) fn models(ids: &[String]) -> Result<Vec<ModelId>, AskError> {
    let mut models = Vec::new();
    for id in ids.iter().map(|it| ModelId(it.clone())) {
        if !models.contains(&id) {
            models.push(id);
        }
    }
    match models.len() {
        0 => Err(AskError::new(Field::Models, "choose at least one model")),
        n if n > NewComparison::MODELS_MAX => {
            Err(AskError::new(Field::Models, format!("choose at most {} models", NewComparison::MODELS_MAX)))
        }
        _ => Ok(models),
    }
}

pub(crate) fn sampling(temperature: &str, top_p_text: &str, max_tokens: &str) -> Result<Sampling, AskError> {
    Ok(Sampling {
        temperature: number(temperature, Field::Temperature, "temperature", 0.0..=Sampling::TEMPERATURE_MAX)?,
        top_p: top_p(top_p_text)?,
        max_tokens: whole(max_tokens, Field::MaxTokens, "max tokens", 1..=Sampling::TOKENS_MAX)?,
    })
}

fn top_p(text: &str) -> Result<f64, AskError> {
    match number(text, Field::TopP, "top-p", 0.0..=1.0)? {
        0.0 => Err(AskError::new(Field::TopP, "top-p is above 0, up to 1")),
        top_p => Ok(top_p),
    }
}

pub(crate) fn seed(text: &str) -> Result<Option<Seed>, AskError> {
    match text.trim() {
        "" => Ok(None),
        text => whole(text, Field::Seed, "seed", 0..=u32::MAX).map(|it| Some(Seed(it))),
    }
}

pub(crate) fn whole(
    text: &str,
    field: Field,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, AskError> {
    let value = text.trim().parse().ok().filter(|it| range.contains(it));
    value.ok_or_else(|| {
        AskError::new(
            field,
            format!("{name} is a whole number from {} to {}, not “{text}”", range.start(), range.end()),
        )
    })
}

fn number(text: &str, field: Field, name: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, AskError> {
    // A decimal comma is what many keyboards type.
    let value = text.trim().replace(',', ".").parse().ok().filter(|it| range.contains(it));
    value.ok_or_else(|| {
        AskError::new(field, format!("{name} is a number from {} to {}, not “{text}”", range.start(), range.end()))
    })
}

impl AskError {
    pub fn new(field: Field, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

impl From<QuestionError> for AskError {
    fn from(err: QuestionError) -> Self {
        Self::new(Field::Question, err.to_string())
    }
}

impl From<GivenError> for AskError {
    fn from(err: GivenError) -> Self {
        let field = match err {
            GivenError::SystemTooLong { .. } => Field::System,
            GivenError::BeginningTooLong { .. } => Field::Beginning,
        };
        Self::new(field, err.to_string())
    }
}

impl From<FormatError> for AskError {
    fn from(err: FormatError) -> Self {
        Self::new(Field::Format, err.to_string())
    }
}

#[cfg(test)]
mod tests;
