//! What a page of results shows: all of it stands in the URL, so that a link shows the same.

use super::Rule;
use crate::{Bound, CellKey, Format, JudgeId, ModelId, Wrapper};

/// Whose scores, by which limits, with which interval, of what. Empty lists take all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsQuery {
    pub judge: Option<JudgeId>,
    pub interval: IntervalChoice,
    pub rule: Rule,
    pub models: Vec<ModelId>,
    /// Ids of questions.
    pub questions: Vec<String>,
    pub formats: Vec<Format>,
    pub wrappers: Vec<Wrapper>,
}

/// Which interval stands beside a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IntervalChoice {
    #[default]
    Wilson,
    Exact,
    BootstrapAnswers,
    BootstrapQuestions,
}

impl IntervalChoice {
    pub const ALL: [Self; 4] = [Self::Wilson, Self::Exact, Self::BootstrapAnswers, Self::BootstrapQuestions];

    /// The word in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wilson => "wilson",
            Self::Exact => "exact",
            Self::BootstrapAnswers => "answers",
            Self::BootstrapQuestions => "questions",
        }
    }

    /// The name people choose it by, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wilson => "Wilson over answers",
            Self::Exact => "exact over answers",
            Self::BootstrapAnswers => "bootstrap over answers",
            Self::BootstrapQuestions => "bootstrap over questions",
        }
    }

    /// What it takes to be drawn anew, as a caption says it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Wilson => {
                "95 % Wilson interval over answers; answers to one question resemble each other, so read it as the lower limit of doubt."
            }
            Self::Exact => {
                "95 % exact interval (Clopper–Pearson) over answers; answers to one question resemble each other, so read it as the lower limit of doubt."
            }
            Self::BootstrapAnswers => {
                "95 % percentile bootstrap over answers, 2,000 resamples: other answers to these questions."
            }
            Self::BootstrapQuestions => {
                "95 % percentile bootstrap over questions, 2,000 resamples: other questions like these."
            }
        }
    }
}

impl ResultsQuery {
    pub fn shows_model(&self, id: &ModelId) -> bool {
        self.models.is_empty() || self.models.contains(id)
    }

    pub fn shows_cell(&self, key: &CellKey) -> bool {
        (self.questions.is_empty() || self.questions.contains(&key.question))
            && (self.formats.is_empty() || self.formats.contains(&key.format))
            && (self.wrappers.is_empty() || self.wrappers.contains(&key.wrapper))
    }

    /// What stands in a URL's query, given as decoded pairs; what is unknown or not legal is passed over.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut query = Self::default();
        let (mut aligned, mut coherent, mut bound) = (query.rule.aligned(), None, Bound::default());
        for (name, value) in pairs {
            match name.as_str() {
                "judge" => query.judge = Some(JudgeId(value)),
                "interval" => {
                    let named = IntervalChoice::ALL.into_iter().find(|it| it.as_str() == value);
                    query.interval = named.unwrap_or_default();
                }
                "aligned" => aligned = value.parse().unwrap_or(aligned),
                "coherent" => coherent = value.parse().ok(),
                "bound" => bound = value.parse().unwrap_or_default(),
                "model" => query.models.push(ModelId(value)),
                "question" => query.questions.push(value),
                "format" => query.formats.extend(value.parse::<Format>().ok()),
                "wrapper" => query.wrappers.extend(value.parse::<Wrapper>().ok()),
                _ => {}
            }
        }
        query.rule = Rule::new(aligned, coherent, bound).unwrap_or_default();
        query
    }

    /// What the URL has to say: all that is not as at first.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let first = Rule::default();
        let mut pairs = Vec::new();
        pairs.extend(self.judge.iter().map(|it| ("judge", it.0.clone())));
        if self.interval != IntervalChoice::default() {
            pairs.push(("interval", self.interval.as_str().into()));
        }
        if self.rule.aligned() != first.aligned() {
            pairs.push(("aligned", self.rule.aligned().to_string()));
        }
        pairs.extend(self.rule.coherent().map(|it| ("coherent", it.to_string())));
        if self.rule.bound() != first.bound() {
            pairs.push(("bound", self.rule.bound().as_str().into()));
        }
        pairs.extend(self.models.iter().map(|it| ("model", it.0.clone())));
        pairs.extend(self.questions.iter().map(|it| ("question", it.clone())));
        pairs.extend(self.formats.iter().map(|it| ("format", it.as_str().into())));
        pairs.extend(self.wrappers.iter().map(|it| ("wrapper", it.as_str().into())));
        pairs
    }
}
