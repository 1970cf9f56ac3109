//! How likely a model found each token of a text.

use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, ops::Range};

/// The tokens of a text in order, each with how likely the model found it, before temperature and top-p.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scores(pub Vec<TokenScore>);

/// A token of a text, and what could have stood in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Likely, Vec<Likely>)", into = "(Likely, Vec<Likely>)")]
pub struct TokenScore {
    pub token: Likely,
    /// The likeliest tokens in its place, likeliest first; the token itself may be among them.
    pub top: Vec<Likely>,
}

/// A token with the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(TokenBytes, f64)", into = "(TokenBytes, f64)")]
pub struct Likely {
    pub bytes: TokenBytes,
    /// Finite and at most 0, to four decimals: more would only be noise of the arithmetic.
    logprob: f64,
}

/// What a token writes. May be a part of a character, and then it is a list of bytes on the wire, else a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct TokenBytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Text(String),
    Bytes(Vec<u8>),
}

/// A piece of a text that is shown as one: whole characters, and the tokens that write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch<'a> {
    pub text: &'a str,
    /// Several where they share a character; none where no token accounts for the text.
    pub tokens: Range<usize>,
}

/// What holds of all tokens together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSummary {
    /// At least 1.
    pub n_tokens: usize,
    /// The natural logarithm of the probability of the whole.
    pub total: f64,
    /// The first of the least likely tokens.
    pub least_idx: usize,
}

impl Likely {
    /// What is no number, or above 0 by rounding, becomes the nearest legal one.
    pub fn new(bytes: Vec<u8>, logprob: f32) -> Self {
        let logprob = if logprob.is_nan() { f64::from(f32::MIN) } else { f64::from(logprob) };
        let logprob = (logprob.clamp(Self::LOGPROB_MIN, 0.0) * 1e4).round() / 1e4;
        Self { bytes: TokenBytes(bytes), logprob }
    }

    /// Below it, nothing is told apart.
    const LOGPROB_MIN: f64 = -1e6;

    pub fn logprob(&self) -> f64 {
        self.logprob
    }

    pub fn probability(&self) -> f64 {
        self.logprob.exp()
    }
}

/// The probabilities between the classes of the heat-map, from the likeliest down.
pub const HEAT_BOUNDS: [f64; 4] = [0.5, 0.2, 0.05, 0.01];

/// The class of a probability in the heat-map: 0 for the likely, up to 4 for the least likely.
pub fn heat(probability: f64) -> usize {
    HEAT_BOUNDS.iter().filter(|bound| probability < **bound).count()
}

impl Scores {
    /// Lays the tokens over the text they wrote. The runs joined are the text, to the byte, whatever the tokens hold.
    ///
    /// Some tokenizers drop the space before the first word, bytes that make no character stand as U+FFFD, and some
    /// tokens write nothing; all of these are told from the text. Where the text cannot be accounted for any more, the
    /// rest of it is one run without tokens.
    pub fn runs<'a>(&self, text: &'a str) -> Vec<Stretch<'a>> {
        let mut layer = Layer { text, at: 0, runs: Vec::new() };
        let mut first = 0;
        while first < self.0.len() {
            first = layer.lay(self, first);
        }
        if layer.at < text.len() {
            let n_tokens = self.0.len();
            layer.runs.push(Stretch { text: &text[layer.at..], tokens: n_tokens..n_tokens });
        }
        layer.runs
    }

    /// None where there is no token.
    pub fn summary(&self) -> Option<ScoreSummary> {
        let logprob = |idx: &usize| self.0[*idx].token.logprob;
        let least_idx = (0..self.0.len()).min_by(|a, b| logprob(a).total_cmp(&logprob(b)))?;
        let total = self.0.iter().map(|it| it.token.logprob).sum();
        Some(ScoreSummary { n_tokens: self.0.len(), total, least_idx })
    }

    /// What the tokens write, joined; U+FFFD for bytes that make no character.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes(0..self.0.len())).into_owned()
    }

    fn bytes(&self, tokens: Range<usize>) -> Vec<u8> {
        self.0[tokens].iter().flat_map(|it| it.token.bytes.0.iter().copied()).collect()
    }
}

impl ScoreSummary {
    /// The mean logarithm of a token's probability.
    pub fn mean(self) -> f64 {
        self.total / self.n_tokens as f64
    }

    /// As many equally likely tokens the model would have been choosing among, on the average.
    pub fn perplexity(self) -> f64 {
        (-self.mean()).exp()
    }
}

/// How far the tokens have been laid over the text.
struct Layer<'a> {
    text: &'a str,
    at: usize,
    runs: Vec<Stretch<'a>>,
}

impl<'a> Layer<'a> {
    /// Lays the fewest tokens from `first` on that write whole characters; returns the one after them.
    fn lay(&mut self, scores: &Scores, first: usize) -> usize {
        let n_tokens = scores.0.len();
        for end in first + 1..=n_tokens.min(first + SHARED_MAX) {
            if let Some(n_bytes) = self.written(&scores.bytes(first..end), end == n_tokens) {
                self.push(n_bytes, first..end);
                return end;
            }
        }
        // It left nothing in the text.
        self.push(0, first..first + 1);
        first + 1
    }

    /// How much of the text these bytes wrote; None where they end within a character or are not what stands there.
    fn written(&self, bytes: &[u8], is_end: bool) -> Option<usize> {
        if ends_within_character(bytes) && !is_end {
            return None;
        }
        let rest = &self.text[self.at..];
        let is_first = self.runs.iter().all(|it| it.text.is_empty());
        let spaceless = || bytes.strip_prefix(b" ").filter(|_| is_first);
        decoded(rest, bytes).or_else(|| decoded(rest, spaceless()?))
    }

    fn push(&mut self, n_bytes: usize, tokens: Range<usize>) {
        self.runs.push(Stretch { text: &self.text[self.at..self.at + n_bytes], tokens });
        self.at += n_bytes;
    }
}

/// Tokens that are tried together for one character. Four bytes are the most it has; a few more where it is broken.
const SHARED_MAX: usize = 8;

/// Whether more bytes could make a character of the last ones.
fn ends_within_character(bytes: &[u8]) -> bool {
    let last = bytes.utf8_chunks().last();
    last.is_some_and(|it| std::str::from_utf8(it.invalid()).is_err_and(|err| err.error_len().is_none()))
}

/// How many bytes of `rest` stand for `bytes`; None where they do not.
fn decoded(rest: &str, bytes: &[u8]) -> Option<usize> {
    let (mut at, mut n_broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            at += replaced(&rest[at..], n_broken)?;
            rest[at..].strip_prefix(chunk.valid())?;
            (at, n_broken) = (at + chunk.valid().len(), 0);
        }
        n_broken += chunk.invalid().len();
    }
    Some(at + replaced(&rest[at..], n_broken)?)
}

/// The bytes of the U+FFFD that stand for so many broken ones: some decoders write one for each, some fewer.
fn replaced(rest: &str, n_broken: usize) -> Option<usize> {
    let n = rest.chars().take(n_broken).take_while(|it| *it == char::REPLACEMENT_CHARACTER).count();
    (n > 0 || n_broken == 0).then_some(n * char::REPLACEMENT_CHARACTER.len_utf8())
}

impl TokenBytes {
    /// The token as it can be seen: white space and control characters as signs, bytes that are no character as numbers.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for chunk in self.0.utf8_chunks() {
            chunk.valid().chars().for_each(|it| show(it, &mut shown));
            chunk.invalid().iter().for_each(|it| write!(shown, "<{it:02X}>").expect("a text takes any text"));
        }
        if shown.is_empty() { "∅".into() } else { shown }
    }

    /// Whether it holds bytes that are only a part of a character.
    pub fn is_partial(&self) -> bool {
        std::str::from_utf8(&self.0).is_err()
    }
}

fn show(char: char, shown: &mut String) {
    match char {
        ' ' => shown.push('␣'),
        '\n' => shown.push('↵'),
        '\r' => shown.push('␍'),
        '\t' => shown.push('⇥'),
        // Also what turns the direction of a line, or joins and parts words unseen.
        it if it.is_control() || it.is_whitespace() || is_unseen(it) => {
            write!(shown, "<U+{:04X}>", u32::from(it)).expect("a text takes any text");
        }
        it => shown.push(it),
    }
}

fn is_unseen(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl From<Wire> for TokenBytes {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Text(text) => Self(text.into_bytes()),
            Wire::Bytes(bytes) => Self(bytes),
        }
    }
}

impl From<TokenBytes> for Wire {
    fn from(bytes: TokenBytes) -> Self {
        String::from_utf8(bytes.0).map_or_else(|err| Self::Bytes(err.into_bytes()), Self::Text)
    }
}

impl From<(TokenBytes, f64)> for Likely {
    fn from((bytes, logprob): (TokenBytes, f64)) -> Self {
        Self { bytes, logprob: logprob.clamp(Self::LOGPROB_MIN, 0.0) }
    }
}

impl From<Likely> for (TokenBytes, f64) {
    fn from(likely: Likely) -> Self {
        (likely.bytes, likely.logprob)
    }
}

impl From<(Likely, Vec<Likely>)> for TokenScore {
    fn from((token, top): (Likely, Vec<Likely>)) -> Self {
        Self { token, top }
    }
}

impl From<TokenScore> for (Likely, Vec<Likely>) {
    fn from(score: TokenScore) -> Self {
        (score.token, score.top)
    }
}

#[cfg(test)]
mod tests;
