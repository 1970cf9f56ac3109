//! How likely a model found its tokens, in the three shapes that clients know.

use engine::{Likely, TokenScore};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _};
use utoipa::ToSchema;

/// The shape of chat completions.
#[derive(Serialize, ToSchema)]
pub struct ChatLogprobs {
    content: Vec<ChatScore>,
    /// Models refuse in their own words, which are content.
    #[schema(value_type = Option<Vec<Value>>)]
    refusal: (),
}

#[derive(Serialize, ToSchema)]
struct ChatScore {
    #[serde(flatten)]
    token: ChatToken,
    /// The likeliest tokens in this place, likeliest first.
    top_logprobs: Vec<ChatToken>,
}

#[derive(Serialize, ToSchema)]
struct ChatToken {
    /// What it writes, or `bytes:\xf0\x9f` where that is only a part of a character.
    token: String,
    /// The natural logarithm of its probability; -9999 where that is 0.
    logprob: f32,
    bytes: Vec<u8>,
}

impl ChatLogprobs {
    pub fn of(scores: &[TokenScore]) -> Self {
        let score = |it: &TokenScore| ChatScore {
            token: ChatToken::of(&it.token),
            top_logprobs: it.top.iter().map(ChatToken::of).collect(),
        };
        Self { content: scores.iter().map(score).collect(), refusal: () }
    }
}

impl ChatToken {
    fn of(likely: &Likely) -> Self {
        Self { token: written(&likely.bytes), logprob: finite(likely.logprob), bytes: likely.bytes.clone() }
    }
}

/// The shape of completions: lists of one length, an entry for each token.
#[derive(Default, Serialize, ToSchema)]
pub struct TextLogprobs {
    tokens: Vec<String>,
    /// Nothing comes before the first token of a prompt, so it has none.
    token_logprobs: Vec<Option<f32>>,
    /// The likeliest tokens in this place, and the one that stands there.
    top_logprobs: Vec<Option<BTreeMap<String, f32>>>,
    /// Where each token begins, in characters of the choice's text.
    text_offset: Vec<u32>,
}

/// How far the tokens of one text have been counted.
#[derive(Clone, Copy, Default)]
pub struct Offset {
    n_chars: u32,
}

impl Offset {
    /// The place of the next token, which writes these bytes.
    fn pass(&mut self, bytes: &[u8]) -> u32 {
        let begins_char = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
        // A token may begin in the middle of a character, and then it stands where that stands.
        let inside = bytes.first().is_some_and(|it| !begins_char(it));
        let offset = self.n_chars.saturating_sub(u32::from(inside));
        self.n_chars += bytes.iter().filter(|it| begins_char(it)).count() as u32;
        offset
    }
}

impl TextLogprobs {
    /// The first token of a prompt, which the text may not have.
    pub fn push_first(&mut self, bytes: &[u8], is_in_text: bool, offset: &mut Offset) {
        self.tokens.push(written(bytes));
        self.token_logprobs.push(None);
        self.top_logprobs.push(None);
        self.text_offset.push(if is_in_text { offset.pass(bytes) } else { 0 });
    }

    pub fn push(&mut self, scores: &[TokenScore], n_top: u8, offset: &mut Offset) {
        for score in scores {
            self.tokens.push(written(&score.token.bytes));
            self.token_logprobs.push(Some(finite(score.token.logprob)));
            self.top_logprobs.push(Some(top(score, n_top)));
            self.text_offset.push(offset.pass(&score.token.bytes));
        }
    }
}

fn top(score: &TokenScore, n_top: u8) -> BTreeMap<String, f32> {
    let likely = score.top.iter().take(n_top.into()).chain([&score.token]);
    let mut top = BTreeMap::new();
    for it in likely {
        // Two tokens can write the same; the likelier one, which comes first, is told.
        top.entry(written(&it.bytes)).or_insert(finite(it.logprob));
    }
    top
}

/// vLLM's shape for a prompt: for each token but the first, the likeliest in its place and itself, by number.
pub type PromptLogprobs = Vec<Option<BTreeMap<u32, PromptScore>>>;

#[derive(Serialize, ToSchema)]
pub struct PromptScore {
    logprob: f32,
    /// 1 for the likeliest; null beyond those that were asked for.
    rank: Option<u32>,
    decoded_token: String,
}

pub fn prompt_logprobs(scores: &[TokenScore], n_top: u8) -> PromptLogprobs {
    let of = |score: &TokenScore| {
        let top = score.top.iter().take(n_top.into()).zip(1..);
        let mut places: BTreeMap<u32, PromptScore> =
            top.map(|(it, rank)| (it.id, prompt_score(it, Some(rank)))).collect();
        places.entry(score.token.id).or_insert_with(|| prompt_score(&score.token, None));
        Some(places)
    };
    std::iter::once(None).chain(scores.iter().map(of)).collect()
}

fn prompt_score(likely: &Likely, rank: Option<u32>) -> PromptScore {
    PromptScore { logprob: finite(likely.logprob), rank, decoded_token: written(&likely.bytes) }
}

/// JSON knows no infinity; this is what OpenAI writes in its place.
fn finite(logprob: f32) -> f32 {
    if logprob.is_finite() { logprob } else { -9999.0 }
}

/// What a token writes. Two parts of characters must not look the same, as U+FFFD would.
fn written(bytes: &[u8]) -> String {
    let escaped = || {
        bytes.iter().fold("bytes:".to_owned(), |mut text, byte| {
            write!(text, "\\x{byte:02x}").expect("strings can be written to");
            text
        })
    };
    std::str::from_utf8(bytes).map_or_else(|_| escaped(), str::to_owned)
}

#[cfg(test)]
mod tests;
