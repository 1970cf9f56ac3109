//! Small helps for sentences.

use std::fmt::Display;

/// An error's message as a sentence: with a capital and a full stop.
pub fn sentence(message: impl Display) -> String {
    let message = message.to_string();
    let mut chars = message.chars();
    let Some(first) = chars.next() else { return message };
    let end = if message.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), chars.as_str())
}

/// `1 token`, `2 tokens`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Small numbers as words.
pub fn number(n: usize) -> String {
    ["no", "one", "two", "three", "four", "five", "six"].get(n).map_or_else(|| n.to_string(), |it| (*it).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("no memory is left"), "No memory is left.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }
}
