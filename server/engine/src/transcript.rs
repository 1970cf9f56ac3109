//! From the tokens of one answer to the text its reader sees: whole characters, and nothing of a stop string.

use crate::FinishReason;
use crate::detokenizer::Detokenizer;
use crate::scheduler::Outcome;
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

    /// The text that this step has settled, and why the answer ends, where it does.
    pub fn take(
        &mut self,
        outcome: Outcome,
        tokenizer: &Tokenizer,
    ) -> Result<(String, Option<FinishReason>), TokenizerError> {
        let (mut text, end) = match outcome {
            Outcome::Token { token, end } => (self.detokenizer.push(token, tokenizer)?, end),
            Outcome::EndToken => (String::new(), Some(FinishReason::Stop)),
            Outcome::NonFinite => (String::new(), None),
        };
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
