//! A rendered prompt, taken apart so that everything in it can be seen.

use crate::RenderedPrompt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptPart<'a> {
    /// A special token, as it is written.
    Special(&'a str),
    Text(&'a str),
    LineEnd,
}

impl RenderedPrompt {
    /// The whole text in order.
    pub fn parts(&self) -> Vec<PromptPart<'_>> {
        let mut parts = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((start, special)) = self.first_special(rest) {
            text_parts(&rest[..start], &mut parts);
            parts.push(PromptPart::Special(&rest[start..start + special]));
            rest = &rest[start + special..];
        }
        text_parts(rest, &mut parts);
        parts
    }

    /// Where the first special token of `text` begins, and its length; of several at one place the longest.
    fn first_special(&self, text: &str) -> Option<(usize, usize)> {
        let found =
            self.specials.iter().filter(|it| !it.is_empty()).filter_map(|it| Some((text.find(it.as_str())?, it.len())));
        found.min_by_key(|(start, length)| (*start, usize::MAX - length))
    }
}

fn text_parts<'a>(text: &'a str, parts: &mut Vec<PromptPart<'a>>) {
    for (idx, line) in text.split('\n').enumerate() {
        if idx > 0 {
            parts.push(PromptPart::LineEnd);
        }
        if !line.is_empty() {
            parts.push(PromptPart::Text(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_tokens_and_line_ends_stand_out() {
        let prompt = RenderedPrompt {
            text: "<|im|>user\nHi <|im|end|>\n\n".into(),
            n_tokens: 7,
            specials: vec!["<|im|".into(), "<|im|>".into(), "<|im|end|>".into()],
        };
        let parts = prompt.parts();
        assert_eq!(
            parts,
            [
                PromptPart::Special("<|im|>"),
                PromptPart::Text("user"),
                PromptPart::LineEnd,
                PromptPart::Text("Hi "),
                PromptPart::Special("<|im|end|>"),
                PromptPart::LineEnd,
                PromptPart::LineEnd,
            ]
        );
    }
}
