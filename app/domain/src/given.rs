//! What a reviewer gives a model beside the question: a system prompt of one's own, and the beginning of the answer.

use serde::{Deserialize, Serialize};

/// What a model is told before the conversation. Never blank, at most [`SystemPrompt::CHARS_MAX`] characters, line ends
/// are `\n`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemPrompt(String);

/// The beginning of an answer, which the model goes on from. Empty where nothing is given; otherwise taken to the letter,
/// white space included, because it decides what comes next. At most [`Beginning::CHARS_MAX`] characters, line ends are `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Beginning(String);

/// Why a text cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenError {
    #[error("a system prompt has at most {chars_max} characters")]
    SystemTooLong { chars_max: usize },
    #[error("the beginning of an answer has at most {chars_max} characters")]
    BeginningTooLong { chars_max: usize },
}

impl SystemPrompt {
    pub const CHARS_MAX: usize = 8_000;

    /// Takes the text as typed; None where it is blank, since then the model's own template decides.
    pub fn parse(text: &str) -> Result<Option<Self>, GivenError> {
        let text = text.replace("\r\n", "\n");
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.chars().count() > Self::CHARS_MAX {
            return Err(GivenError::SystemTooLong { chars_max: Self::CHARS_MAX });
        }
        Ok(Some(Self(text)))
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Beginning {
    /// Room for a long answer that is to be changed and continued.
    pub const CHARS_MAX: usize = 32_000;

    pub fn parse(text: &str) -> Result<Self, GivenError> {
        let text = text.replace("\r\n", "\n");
        if text.chars().count() > Self::CHARS_MAX {
            return Err(GivenError::BeginningTooLong { chars_max: Self::CHARS_MAX });
        }
        Ok(Self(text))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole answer, of which a model wrote `text`: what is copied, checked, exported, and said in later turns.
    pub fn and(&self, text: &str) -> String {
        format!("{}{text}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_system_prompt_is_none_and_a_long_one_is_told() {
        assert_eq!(SystemPrompt::parse(" \r\n"), Ok(None));
        assert_eq!(SystemPrompt::parse("Be\r\nkind.").unwrap().unwrap().text(), "Be\nkind.");
        assert!(SystemPrompt::parse(&"ä".repeat(8_000)).is_ok());
        assert_eq!(SystemPrompt::parse(&"ä".repeat(8_001)), Err(GivenError::SystemTooLong { chars_max: 8_000 }));
    }

    #[test]
    fn a_beginning_is_taken_to_the_letter() {
        assert_eq!(Beginning::parse(" I\r\n").unwrap().and(" am"), " I\n am");
        assert!(Beginning::parse("").unwrap().is_empty());
        assert!(!Beginning::parse(" ").unwrap().is_empty());
        let too_long = GivenError::BeginningTooLong { chars_max: 32_000 };
        assert_eq!(Beginning::parse(&"ä".repeat(32_001)), Err(too_long));
    }
}
