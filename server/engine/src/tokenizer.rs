//! Text ↔ tokens, by the `tokenizer.json` of a checkpoint.
//!
//! The file comes with the model and may be malformed or hostile, so a panic inside the library is an error here.

use std::collections::HashSet;

use crate::guard;

#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    special: HashSet<u32>,
    /// Whether tokens like `<0x0A>` stand for single bytes.
    has_byte_tokens: bool,
    /// The special tokens that every text of this model begins with, as they are written; often none.
    beginning: String,
}

/// The tokenizer could not do its work; a sentence says what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenizerError(String);

impl Tokenizer {
    /// Reads the text of a `tokenizer.json`.
    pub fn parse(json: &[u8]) -> Result<Self, TokenizerError> {
        let mut inner = guarded("read the tokenizer", || tokenizers::Tokenizer::from_bytes(json))?;
        // Settings of a training script, which would silently shorten or lengthen prompts.
        guarded("read the tokenizer", || inner.with_truncation(None).map(drop))?;
        inner.with_padding(None);
        let special = inner.get_added_tokens_decoder().into_iter().filter(|(_, token)| token.special);
        let decoder = serde_json::to_string(&inner.get_decoder());
        let has_byte_tokens = decoder.is_ok_and(|decoder| decoder.contains(r#""ByteFallback""#));
        let beginning = guarded("read the tokenizer", || beginning(&inner))?;
        Ok(Self { special: special.map(|(id, _)| id).collect(), has_byte_tokens, beginning, inner })
    }

    /// The tokens of a text. Special tokens written in it become those tokens; none are added around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        guarded("encode a text", || Ok(self.inner.encode_fast(text, false)?.get_ids().to_vec()))
    }

    /// The text of these tokens, special ones left out.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        guarded("decode tokens", || self.inner.decode(tokens, true))
    }

    /// Whether the token can show in a text: it is in the vocabulary and not special.
    pub fn is_visible(&self, token: u32) -> bool {
        !self.special.contains(&token) && self.inner.id_to_token(token).is_some()
    }

    /// Whether the token stands for one byte, to be read together with its neighbours.
    pub fn is_byte(&self, token: u32) -> bool {
        self.has_byte_tokens && self.inner.id_to_token(token).is_some_and(|token| is_byte_name(&token))
    }

    /// The special tokens among these as they are written, each once, in the order they come.
    pub fn specials(&self, tokens: &[u32]) -> Vec<String> {
        let mut seen = HashSet::new();
        let special = tokens.iter().filter(|&token| self.special.contains(token) && seen.insert(*token));
        special.filter_map(|&token| self.inner.id_to_token(token)).collect()
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// What every text of this model begins with, `<s>` for example; often empty. A chat template writes it itself.
    pub fn beginning(&self) -> &str {
        &self.beginning
    }
}

/// What the tokenizer would put before a text. What it would put behind one ends a text, and ours go on.
fn beginning(inner: &tokenizers::Tokenizer) -> tokenizers::Result<String> {
    let (alone, framed) = (inner.encode_fast("a", false)?, inner.encode_fast("a", true)?);
    let (alone, framed) = (alone.get_ids(), framed.get_ids());
    let n_before = (0..framed.len()).find(|&start| framed[start..].starts_with(alone)).unwrap_or(0);
    Ok(framed[..n_before].iter().filter_map(|&token| inner.id_to_token(token)).collect())
}

fn is_byte_name(token: &str) -> bool {
    token.len() == 6 && token.starts_with("<0x") && token.ends_with('>')
}

fn guarded<T>(task: &str, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, TokenizerError> {
    // The work only reads, or builds something new that is dropped when it fails.
    let fail = |reason: &dyn std::fmt::Display| TokenizerError(format!("cannot {task}: {reason}"));
    guard::caught(work).map_err(|panic| fail(&panic))?.map_err(|err| fail(&err))
}

#[cfg(test)]
mod tests;
