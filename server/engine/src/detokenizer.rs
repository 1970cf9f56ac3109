//! Tokens to text while they come: never half a character, and in the end the same text as decoding all of them at once.
//!
//! A token has no text of its own: a character may take several, and some tokenizers drop the space before the first
//! word. So a window is decoded, the tokens last told and those not yet told, and what the former make is cut off.

use crate::tokenizer::{Tokenizer, TokenizerError};

#[derive(Debug, Default)]
pub struct Detokenizer {
    /// Tokens whose text is out, kept as context, then those whose text is not.
    window: Vec<u32>,
    n_told: usize,
}

impl Detokenizer {
    /// The text that is settled by this token, which may be none yet.
    pub fn push(&mut self, token: u32, tokenizer: &Tokenizer) -> Result<String, TokenizerError> {
        if !tokenizer.is_visible(token) {
            return Ok(String::new());
        }
        self.window.push(token);
        // A run of byte tokens is decoded as a whole, so what it means is known when it has ended.
        if tokenizer.is_byte(token) {
            return Ok(String::new());
        }
        let text = self.untold(tokenizer)?;
        if text.is_empty() || text.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        self.window.drain(..self.n_told);
        self.n_told = self.window.len();
        Ok(text)
    }

    /// The text held back, when no more tokens will come. A character that was never completed becomes U+FFFD.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String, TokenizerError> {
        let text = self.untold(tokenizer)?;
        *self = Self::default();
        Ok(text)
    }

    /// How long the text of the tokens held back is, as far as can be told before it is whole.
    pub fn n_untold_bytes(&self, tokenizer: &Tokenizer) -> usize {
        self.window[self.n_told..].iter().map(|&token| tokenizer.bytes(token).len()).sum()
    }

    fn untold(&self, tokenizer: &Tokenizer) -> Result<String, TokenizerError> {
        let told = tokenizer.decode(&self.window[..self.n_told])?;
        let mut all = tokenizer.decode(&self.window)?;
        // A decoder that rewrites what it made of earlier tokens cannot be told in pieces; its rewriting is left out.
        let n_told = all.floor_char_boundary(told.len());
        Ok(all.split_off(n_told))
    }
}

#[cfg(test)]
mod tests;
