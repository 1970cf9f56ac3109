//! What an answer must hold for a rule to fit.

use regex::{Regex, RegexBuilder};
use std::collections::HashMap;

/// Texts that slots stand for.
pub type Slots = HashMap<String, Vec<String>>;

/// Texts with slots, and regular expressions.
pub struct Written {
    pub says: Vec<String>,
    pub matches: Vec<String>,
    /// Whether there may be nothing else, and one of the texts at least.
    pub only: bool,
}

#[derive(Debug)]
pub struct Pattern {
    /// Occurs in the answer.
    some: Regex,
    /// Is the answer, white space aside.
    whole: Option<Regex>,
}

impl Pattern {
    /// The error begins with the name of the field that is wrong.
    pub fn new(written: &Written, slots: &Slots) -> Result<Self, String> {
        let says: Vec<String> = written.says.iter().map(|text| said(text, slots, 0)).collect::<Result<_, _>>()?;
        for pattern in &written.matches {
            compiled(pattern).map_err(|reason| format!("matches: {reason}"))?;
        }
        let all: Vec<_> = says.iter().chain(&written.matches).map(String::as_str).collect();
        let says: Vec<_> = says.iter().map(String::as_str).collect();
        match (written.only, all.as_slice(), says.as_slice()) {
            (_, [], _) => Err("says and matches: one of them must name something".into()),
            (true, _, []) => Err("only: says must name a text".into()),
            (true, all, says) => {
                let whole = compiled(&format!(r"\A(?:[ \t\r\n]|{})+\z", either(all)))?;
                Ok(Self { some: compiled(&either(says))?, whole: Some(whole) })
            }
            (false, all, _) => Ok(Self { some: compiled(&either(all))?, whole: None }),
        }
    }

    pub fn fits(&self, answer: &str) -> bool {
        self.some.is_match(answer) && self.whole.as_ref().is_none_or(|it| it.is_match(answer))
    }
}

fn either(patterns: &[&str]) -> String {
    let grouped: Vec<_> = patterns.iter().map(|it| format!("(?:{it})")).collect();
    grouped.join("|")
}

/// Bounded, because a short expression may stand for a machine of any size.
fn compiled(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(SIZE_BYTES_MAX).build().map_err(|err| err.to_string())
}

const SIZE_BYTES_MAX: usize = 16 << 20;

/// The expression for a text: its words as they are, any white space between them, and for a slot any of its texts, which
/// may have slots themselves.
fn said(text: &str, slots: &Slots, depth: u8) -> Result<String, String> {
    if depth > DEPTH_MAX {
        return Err("slots: one stands for itself".into());
    }
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let no_end = || format!("says: “{text}” opens a slot that it does not close");
        let (name, after) = behind.split_once('}').ok_or_else(no_end)?;
        let texts =
            slots.get(name).ok_or_else(|| format!("says: “{text}” names the slot {name}, which is not there"))?;
        let texts: Vec<_> = texts.iter().map(|it| said(it, slots, depth + 1)).collect::<Result<_, _>>()?;
        pattern += &literal(before);
        pattern += &format!("(?:{})", either(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
        rest = after;
    }
    Ok(pattern + &literal(rest))
}

const DEPTH_MAX: u8 = 4;

fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for part in text.split_inclusive(char::is_whitespace) {
        let word = part.trim_end();
        pattern += &regex::escape(word);
        if word.len() < part.len() {
            pattern += r"[ \t\r\n]+";
        }
    }
    pattern
}
