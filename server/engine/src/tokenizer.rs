//! Text ↔ tokens, by the `tokenizer.json` of a checkpoint.
//!
//! The file comes with the model and may be malformed or hostile, so a panic inside the library is an error here.

use std::collections::{HashMap, HashSet};

use crate::guard;

#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    special: HashSet<u32>,
    /// The special tokens that every text of this model begins with, as they are written; often none.
    beginning: String,
    /// Tokens that were added to the vocabulary, special or not: they stand for what is written.
    added: HashSet<u32>,
    spelling: Spelling,
}

/// How the names of tokens stand for text.
#[derive(Debug)]
enum Spelling {
    /// Each character for one byte, as GPT-2 has it.
    ByteLevel(HashMap<char, u8>),
    /// `▁` for a space, as SentencePiece has it, and perhaps `<0x0A>` for a single byte.
    Pieces { has_byte_tokens: bool },
    /// Every name for itself.
    Plain,
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
        let added = inner.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, token)| token.special).map(|(id, _)| *id).collect();
        let spelling = Spelling::of(&serde_json::to_string(&inner.get_decoder()).unwrap_or_default());
        let beginning = guarded("read the tokenizer", || beginning(&inner))?;
        Ok(Self { special, added: added.into_keys().collect(), spelling, beginning, inner })
    }

    /// The tokens of a text. Special tokens written in it become those tokens; none are added around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        guarded("encode a text", || Ok(self.inner.encode_fast(text, false)?.get_ids().to_vec()))
    }

    /// The text of these tokens, special ones left out.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        guarded("decode tokens", || self.inner.decode(tokens, true))
    }

    /// The text of these tokens, special ones as they are written.
    pub fn written(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        guarded("decode tokens", || self.inner.decode(tokens, false))
    }

    pub fn knows(&self, token: u32) -> bool {
        self.inner.id_to_token(token).is_some()
    }

    /// Whether the token can show in a text: it is in the vocabulary and not special.
    pub fn is_visible(&self, token: u32) -> bool {
        !self.special.contains(&token) && self.inner.id_to_token(token).is_some()
    }

    /// Whether the token stands for one byte, to be read together with its neighbours.
    pub fn is_byte(&self, token: u32) -> bool {
        let Spelling::Pieces { has_byte_tokens: true } = self.spelling else { return false };
        self.inner.id_to_token(token).is_some_and(|name| byte_of_name(&name).is_some())
    }

    /// What the token writes, which may be a part of a character. Added tokens, special ones among them, as they are
    /// written; nothing where the vocabulary has no such token.
    pub fn bytes(&self, token: u32) -> Vec<u8> {
        let Some(name) = self.inner.id_to_token(token) else { return Vec::new() };
        if self.added.contains(&token) { name.into_bytes() } else { self.spelling.bytes(name) }
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

impl Spelling {
    /// By what the `decoder` of a `tokenizer.json` does.
    fn of(decoder: &str) -> Self {
        let does = |name: &str| decoder.contains(&format!("\"{name}\""));
        if does("ByteLevel") {
            Self::ByteLevel(byte_characters())
        } else if does("ByteFallback") || does("Metaspace") || decoder.contains('▁') {
            Self::Pieces { has_byte_tokens: does("ByteFallback") }
        } else {
            Self::Plain
        }
    }

    fn bytes(&self, name: String) -> Vec<u8> {
        match self {
            Self::ByteLevel(characters) => {
                name.chars().flat_map(|character| byte_or_itself(characters, character)).collect()
            }
            Self::Pieces { has_byte_tokens: true } if let Some(byte) = byte_of_name(&name) => vec![byte],
            Self::Pieces { .. } => name.replace('▁', " ").into_bytes(),
            Self::Plain => name.into_bytes(),
        }
    }
}

fn byte_or_itself(characters: &HashMap<char, u8>, character: char) -> Vec<u8> {
    match characters.get(&character) {
        Some(byte) => vec![*byte],
        None => character.to_string().into_bytes(),
    }
}

/// Bytes that are printable in Latin-1 are their own characters; the others follow from U+0100 on.
fn byte_characters() -> HashMap<char, u8> {
    let is_printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let (printable, others): (Vec<u8>, Vec<u8>) = (0..=u8::MAX).partition(is_printable);
    let others = others.into_iter().zip('\u{100}'..).map(|(byte, character)| (character, byte));
    printable.into_iter().map(|byte| (char::from(byte), byte)).chain(others).collect()
}

/// The byte that a name like `<0x0A>` stands for.
fn byte_of_name(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn guarded<T>(task: &str, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, TokenizerError> {
    // The work only reads, or builds something new that is dropped when it fails.
    let fail = |reason: &dyn std::fmt::Display| TokenizerError(format!("cannot {task}: {reason}"));
    guard::caught(work).map_err(|panic| fail(&panic))?.map_err(|err| fail(&err))
}

#[cfg(test)]
mod tests;
