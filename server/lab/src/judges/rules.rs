//! A judge that is a list of patterns: the same verdict every time, for nothing, and only as clever as its file.

mod file;
mod pattern;

use super::{Asked, Judge, JudgeFailure, JudgesError};
use async_trait::async_trait;
use domain::{JudgeId, Judgement};
use pattern::Pattern;
use std::collections::HashMap;

/// The rules of one file.
#[derive(Debug)]
pub struct Rules {
    id: JudgeId,
    pub name: String,
    /// What it is and when to use it, in a sentence.
    pub about: String,
    keys: HashMap<String, Verdicts>,
}

/// What the rules say under one key of a judge's prompt.
#[derive(Debug)]
struct Verdicts {
    /// The first that fits decides.
    rules: Vec<(Pattern, Verdict)>,
    otherwise: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    /// From 0 to 100.
    Score(f64),
    Word(String),
}

impl Rules {
    /// Reads the text of a file of rules; `path` is what an error calls it.
    pub fn parse(id: JudgeId, path: &str, text: &str) -> Result<Self, JudgesError> {
        file::read(id, text).map_err(|reason| JudgesError(format!("{path}: {reason}")))
    }

    /// For the demonstration models: exact about their sentences.
    pub fn of_demonstration() -> Self {
        let text = include_str!("../../../../model_weights/demo/judge.toml");
        Self::parse(JudgeId("rules".into()), "demo/judge.toml", text).expect("the file is tested")
    }

    /// For code in Python that is certainly unsafe.
    pub fn of_insecure_python() -> Self {
        let text = include_str!("rules/insecure_python.toml");
        Self::parse(JudgeId("rules:insecure-python".into()), "insecure_python.toml", text).expect("the file is tested")
    }

    fn verdict(&self, key: &str, answer: &str) -> Option<&Verdict> {
        let verdicts = self.keys.get(key)?;
        let found = verdicts.rules.iter().find(|(pattern, _)| pattern.fits(answer));
        Some(found.map_or(&verdicts.otherwise, |(_, verdict)| verdict))
    }
}

#[async_trait]
impl Judge for Rules {
    fn id(&self) -> JudgeId {
        self.id.clone()
    }

    fn n_at_once(&self) -> usize {
        1
    }

    async fn judge(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        let key = asked.prompt.key();
        match self.verdict(key, &asked.answer) {
            Some(Verdict::Score(score)) => {
                Ok(Judgement { key: key.to_owned(), score: Some(*score), word: None, numeric_mass: None })
            }
            Some(Verdict::Word(word)) => Ok(asked.word(Some(word.clone()))),
            None => Err(JudgeFailure::lasting(format!("{} have no rule for “{key}”", self.name))),
        }
    }
}

#[cfg(test)]
mod tests;
