//! What a text says otherwise than another one, word by word.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::ops::Range;

/// A text laid against a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// In reading order. What is the same and what was added make up the text, to the byte.
    pub parts: Vec<(Change, &'a str)>,
    /// Words that stand in both, in the same order.
    pub n_shared: usize,
    pub n_words: usize,
    pub n_reference_words: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Same,
    /// In the text alone.
    Added,
    /// In the reference alone.
    Removed,
}

impl<'a> Difference<'a> {
    /// What `text` says otherwise than `reference`. White space never counts as a difference.
    pub fn between(reference: &'a str, text: &'a str) -> Self {
        let (old, new) = (Words::of(reference), Words::of(text));
        let ops = capture_diff_slices(Algorithm::Myers, &old.keys, &new.keys);
        let mut difference =
            Self { parts: Vec::new(), n_shared: 0, n_words: new.n_words(), n_reference_words: old.n_words() };
        for op in ops {
            if let DiffOp::Equal { new_index, len, .. } = op {
                difference.n_shared += new.keys[new_index..new_index + len].iter().filter(|it| is_word(it)).count();
                difference.push(Change::Same, new.text(new_index..new_index + len));
                continue;
            }
            difference.push(Change::Removed, old.text(op.old_range()));
            difference.push(Change::Added, new.text(op.new_range()));
        }
        difference
    }

    /// Twice the shared words over the words of both, in per cent; None where neither has a word.
    pub fn shared_percent(&self) -> Option<f64> {
        let n_both = self.n_words + self.n_reference_words;
        (n_both > 0).then(|| 200.0 * self.n_shared as f64 / n_both as f64)
    }

    fn push(&mut self, change: Change, text: &'a str) {
        if !text.is_empty() {
            self.parts.push((change, text));
        }
    }
}

/// A text cut into words and single signs, each with the white space after it.
struct Words<'a> {
    text: &'a str,
    /// Without the white space: what is compared.
    keys: Vec<&'a str>,
    /// Where each begins, and where the last one ends.
    starts: Vec<usize>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        let mut words = Self { text, keys: Vec::new(), starts: vec![0] };
        let mut rest = text;
        while !rest.is_empty() {
            let key = &rest[..key_bytes(rest)];
            rest = rest[key.len()..].trim_start();
            words.keys.push(key);
            words.starts.push(text.len() - rest.len());
        }
        words
    }

    fn text(&self, words: Range<usize>) -> &'a str {
        &self.text[self.starts[words.start]..self.starts[words.end]]
    }

    fn n_words(&self) -> usize {
        self.keys.iter().filter(|it| is_word(it)).count()
    }
}

/// The length of the word or sign that `rest` begins with; 0 where it begins with white space, which only a text does.
fn key_bytes(rest: &str) -> usize {
    let n_letters = rest.find(|it: char| !is_letter(it)).unwrap_or(rest.len());
    let first = rest.chars().next().filter(|it| !it.is_whitespace());
    n_letters.max(first.map_or(0, char::len_utf8))
}

/// An apostrophe is a part of its word, so that `don’t` and `don't` are one word each.
fn is_letter(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '\'' | '’')
}

fn is_word(key: &str) -> bool {
    key.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;
