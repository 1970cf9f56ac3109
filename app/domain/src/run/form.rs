//! The form that starts a run, as typed, and what it asks for.

use super::NewRun;
use crate::{
    AskError, Field, Format, JudgeId, Pack, PackQuestion, Sampling, Wrapper,
    ask::{models, sampling, seed, whole},
};
use serde::{Deserialize, Serialize};

/// The form of a new run as typed. The same fields, by the same names, stand in the page's URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunForm {
    /// Empty takes the pack's title.
    pub title: String,
    /// The id of a pack, whose newest version is taken, or `id@version`.
    pub pack: String,
    /// Ids of questions without their formats; none takes all of the pack.
    pub questions: Vec<String>,
    /// Words of formats; none takes all that the pack has.
    pub formats: Vec<String>,
    /// Words of wrappers; none asks the bare questions.
    pub wrappers: Vec<String>,
    pub models: Vec<String>,
    pub samples: String,
    pub temperature: String,
    pub top_p: String,
    pub max_tokens: String,
    /// Empty has one drawn.
    pub seed: String,
    pub judges: Vec<String>,
}

impl Default for RunForm {
    fn default() -> Self {
        let Sampling { temperature, top_p, max_tokens } = Sampling::default();
        Self {
            title: String::new(),
            pack: "main_questions".into(),
            questions: Vec::new(),
            formats: Vec::new(),
            wrappers: Vec::new(),
            models: Vec::new(),
            samples: "25".into(),
            temperature: temperature.to_string(),
            top_p: top_p.to_string(),
            max_tokens: max_tokens.to_string(),
            seed: String::new(),
            judges: Vec::new(),
        }
    }
}

impl RunForm {
    /// The form with what stands in a URL's query, given as decoded pairs; unknown names are passed over.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "title" => form.title = value,
                "pack" => form.pack = value,
                "question" => form.questions.push(value),
                "format" => form.formats.push(value),
                "wrapper" => form.wrappers.push(value),
                "model" => form.models.push(value),
                "samples" => form.samples = value,
                "temperature" => form.temperature = value,
                "top_p" => form.top_p = value,
                "max_tokens" => form.max_tokens = value,
                "seed" => form.seed = value,
                "judge" => form.judges.push(value),
                _ => {}
            }
        }
        form
    }

    /// What the URL has to say: every field that is not as at first.
    pub fn to_pairs(&self) -> Vec<(&'static str, &str)> {
        let first = Self::default();
        let fields = [
            ("title", &self.title, &first.title),
            ("pack", &self.pack, &first.pack),
            ("samples", &self.samples, &first.samples),
            ("temperature", &self.temperature, &first.temperature),
            ("top_p", &self.top_p, &first.top_p),
            ("max_tokens", &self.max_tokens, &first.max_tokens),
            ("seed", &self.seed, &first.seed),
        ];
        let lists = [
            ("question", &self.questions),
            ("format", &self.formats),
            ("wrapper", &self.wrappers),
            ("model", &self.models),
            ("judge", &self.judges),
        ];
        let changed = fields.into_iter().filter(|(_, now, first)| now != first);
        let words = lists.into_iter().flat_map(|(name, words)| words.iter().map(move |it| (name, it.as_str())));
        changed.map(|(name, now, _)| (name, now.as_str())).chain(words).collect()
    }

    /// Reads the form against the pack that it names; the first wrong field is named.
    pub fn parse(&self, pack: &Pack) -> Result<NewRun, AskError> {
        Ok(NewRun {
            title: self.title(pack)?,
            rows: self.rows(pack)?,
            wrappers: self.wrappers()?,
            models: models(&self.models)?,
            n_samples: whole(&self.samples, Field::Samples, "samples", 1..=NewRun::SAMPLES_MAX)?,
            sampling: sampling(&self.temperature, &self.top_p, &self.max_tokens)?,
            seed: seed(&self.seed)?,
            judges: each_once(&self.judges).into_iter().cloned().map(JudgeId).collect(),
            pack: pack.pack_id(),
        })
    }

    fn title(&self, pack: &Pack) -> Result<String, AskError> {
        let title = match self.title.trim() {
            "" => pack.heading().title.chars().take(NewRun::TITLE_CHARS_MAX).collect(),
            title => title.to_owned(),
        };
        if title.chars().count() > NewRun::TITLE_CHARS_MAX {
            let message = format!("a title has at most {} characters", NewRun::TITLE_CHARS_MAX);
            return Err(AskError::new(Field::Title, message));
        }
        Ok(title)
    }

    fn rows(&self, pack: &Pack) -> Result<Vec<String>, AskError> {
        let formats = self.formats.iter().map(|it| it.parse()).collect::<Result<Vec<Format>, _>>()?;
        let is_known = |id: &&String| !pack.questions().iter().any(|it| it.question_id() == **id);
        if let Some(id) = self.questions.iter().find(is_known) {
            return Err(AskError::new(Field::Question, format!("this pack has no question “{id}”")));
        }
        let is_chosen = |it: &&PackQuestion| {
            (self.questions.is_empty() || self.questions.iter().any(|id| id == it.question_id()))
                && (formats.is_empty() || formats.contains(&it.format()))
        };
        let rows: Vec<_> = pack.questions().iter().filter(is_chosen).map(|it| it.id().to_owned()).collect();
        if rows.is_empty() {
            return Err(AskError::new(Field::Format, "this pack has none of these questions in these formats"));
        }
        Ok(rows)
    }

    fn wrappers(&self) -> Result<Vec<Wrapper>, AskError> {
        let read = |word: &String| {
            word.parse().map_err(|err: crate::WrapperError| AskError::new(Field::Wrappers, err.to_string()))
        };
        let wrappers = each_once(&self.wrappers).into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(if wrappers.is_empty() { vec![Wrapper::Bare] } else { wrappers })
    }
}

fn each_once(words: &[String]) -> Vec<&String> {
    let mut each: Vec<&String> = Vec::new();
    for word in words {
        if !each.contains(&word) {
            each.push(word);
        }
    }
    each
}

#[cfg(test)]
mod tests;
