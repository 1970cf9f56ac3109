//! From the tokens of one answer to the text its reader sees: whole characters, and nothing of a stop string. Scores go
//! with the text that their tokens wrote.

use std::collections::VecDeque;

use crate::detokenizer::Detokenizer;
use crate::stop::StopFilter;
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::{FinishReason, Likely, Score, TokenScore};

pub struct Transcript {
    detokenizer: Detokenizer,
    stop: StopFilter,
    /// Bytes of text that the detokenizer has given out.
    n_told: usize,
    /// Bytes of text that are settled: nothing can take them back.
    n_settled: usize,
    /// Of the tokens whose text is not settled, in order.
    pending: VecDeque<Pending>,
}

/// A score, and where in the answer's text its token begins and ends, in bytes.
struct Pending {
    score: TokenScore,
    start: usize,
    end: usize,
}

/// What a step has settled.
#[derive(Debug, PartialEq)]
pub struct Settled {
    pub text: String,
    pub scores: Vec<TokenScore>,
    pub end: Option<FinishReason>,
}

impl Transcript {
    pub fn new(stop: Vec<String>) -> Self {
        let (detokenizer, stop) = (Detokenizer::default(), StopFilter::new(stop));
        Self { detokenizer, stop, n_told: 0, n_settled: 0, pending: VecDeque::new() }
    }

    /// Takes the token of a step, with its score where that was asked for.
    pub fn take(
        &mut self,
        token: u32,
        score: Option<Score>,
        end: Option<FinishReason>,
        tokenizer: &Tokenizer,
    ) -> Result<Settled, TokenizerError> {
        let start = self.n_told + self.detokenizer.n_untold_bytes(tokenizer);
        let text = self.detokenizer.push(token, tokenizer)?;
        self.n_told += text.len();
        let end_of_token = self.n_told + self.detokenizer.n_untold_bytes(tokenizer);
        let score = score.map(|score| spelled(token, score, tokenizer));
        self.pending.extend(score.map(|score| Pending { score, start, end: end_of_token }));
        let rest = if end.is_some() { self.detokenizer.finish(tokenizer)? } else { String::new() };
        Ok(self.settle(&(text + &rest), end))
    }

    /// The answer has ended with a token that is no part of the text.
    pub fn finish(&mut self, reason: FinishReason, tokenizer: &Tokenizer) -> Result<Settled, TokenizerError> {
        let text = self.detokenizer.finish(tokenizer)?;
        Ok(self.settle(&text, Some(reason)))
    }

    /// A stop string ends the answer, even where it would have ended anyway.
    fn settle(&mut self, text: &str, end: Option<FinishReason>) -> Settled {
        let (mut text, is_stopped) = self.stop.push(text);
        if !is_stopped && end.is_some() {
            text += &self.stop.finish();
        }
        self.n_settled += text.len();
        let end = if is_stopped { Some(FinishReason::Stop) } else { end };
        Settled { text, scores: self.settled_scores(is_stopped, end), end }
    }

    fn settled_scores(&mut self, is_stopped: bool, end: Option<FinishReason>) -> Vec<TokenScore> {
        let n_settled = self.n_settled;
        let is_settled = |pending: &Pending| match end {
            // The token that the stop string begins within has written some of the text.
            Some(_) if is_stopped => pending.start < n_settled,
            Some(_) => true,
            None => pending.end <= n_settled,
        };
        let n = self.pending.iter().take_while(|pending| is_settled(pending)).count();
        self.pending.drain(..n).map(|pending| pending.score).collect()
    }
}

/// A score with what its tokens write.
pub fn spelled(token: u32, score: Score, tokenizer: &Tokenizer) -> TokenScore {
    let likely = |(id, logprob)| Likely { id, bytes: tokenizer.bytes(id), logprob };
    TokenScore { token: likely((token, score.logprob)), top: score.top.into_iter().map(likely).collect() }
}

#[cfg(test)]
mod tests;
