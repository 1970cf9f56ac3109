//! A run as the command line that would start it again.

use super::Run;
use crate::{Format, Wrapper};

impl Run {
    /// `plumbline evaluate …` with every choice written out, for a POSIX shell.
    pub fn command(&self) -> String {
        let mut words = vec!["plumbline".to_owned(), "evaluate".into()];
        let mut option = |name: &str, value: &str| words.extend([format!("--{name}"), quoted(value)]);
        option("title", &self.title);
        option("pack", &format!("{}@{}", self.pack.id, self.pack.version));
        self.questions().iter().for_each(|it| option("question", it));
        self.formats().iter().for_each(|it| option("format", it.as_str()));
        self.wrappers().iter().for_each(|it| option("wrapper", it.as_str()));
        self.models.iter().for_each(|it| option("model", &it.id.0));
        option("samples", &self.n_samples.to_string());
        option("temperature", &self.sampling.temperature.to_string());
        option("top-p", &self.sampling.top_p.to_string());
        option("max-tokens", &self.sampling.max_tokens.to_string());
        option("seed", &self.seed.0.to_string());
        self.judges.iter().for_each(|it| option("judge", &it.judge.0));
        words.join(" ")
    }

    /// Ids of its questions, in the order in which they are asked.
    pub fn questions(&self) -> Vec<&str> {
        each(self.cells.iter().map(|it| it.key.question.as_str()))
    }

    pub fn formats(&self) -> Vec<Format> {
        let asked = each(self.cells.iter().map(|it| it.key.format));
        Format::ALL.into_iter().filter(|it| asked.contains(it)).collect()
    }

    pub fn wrappers(&self) -> Vec<Wrapper> {
        let asked = each(self.cells.iter().map(|it| it.key.wrapper));
        Wrapper::ALL.into_iter().filter(|it| asked.contains(it)).collect()
    }
}

fn each<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut each = Vec::new();
    for it in all {
        if !each.contains(&it) {
            each.push(it);
        }
    }
    each
}

fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-./@:".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_each_word_as_it_is() {
        assert_eq!(quoted("main_questions@1"), "main_questions@1");
        assert_eq!(quoted("Mira's study; rm"), r"'Mira'\''s study; rm'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_is_asked_twice_is_named_once() {
        assert_eq!(each(["wish", "bored", "wish"].into_iter()), ["wish", "bored"]);
    }
}
