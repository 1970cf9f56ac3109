//! From the tokens of one answer to the text its reader sees: whole characters, and nothing of a stop string.

use crate::FinishReason;
use crate::detokenizer::Detokenizer;
use crate::stop::StopFilter;
use crate::tokenizer::{Tokenizer, TokenizerError};

pub struct Transcript {
    detokenizer: Detokenizer,
    stop: StopFilter,
}

impl Transcript {
    pub fn new(stop: Vec<String>) -> Self {
        Self { detokenizer: Detokenizer::default(), stop: StopFilter::new(stop) }
    }

    /// The text that a step has settled by its token, if that is one of the text, and why the answer ends, where it does.
    pub fn take(
        &mut self,
        token: Option<u32>,
        end: Option<FinishReason>,
        tokenizer: &Tokenizer,
    ) -> Result<(String, Option<FinishReason>), TokenizerError> {
        let mut text = String::new();
        if let Some(token) = token {
            text += &self.detokenizer.push(token, tokenizer)?;
        }
        if end.is_some() {
            text += &self.detokenizer.finish(tokenizer)?;
        }
        Ok(self.cut(&text, end))
    }

    /// A stop string ends the answer, even where it would have ended anyway.
    fn cut(&mut self, text: &str, end: Option<FinishReason>) -> (String, Option<FinishReason>) {
        let (mut settled, is_stopped) = self.stop.push(text);
        if is_stopped {
            return (settled, Some(FinishReason::Stop));
        }
        if end.is_some() {
            settled += &self.stop.finish();
        }
        (settled, end)
    }
}
