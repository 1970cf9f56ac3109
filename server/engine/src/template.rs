//! Which way the turns of a conversation become a prompt: by the checkpoint's own chat template, or by another that the
//! operator chose, since a pretrained model has none, or one that it was never trained on.

use std::fmt;
use std::path::PathBuf;

use crate::chat::ChatTemplate;
use crate::{Message, RenderError, Role};

/// What the operator chooses for a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Template {
    /// The checkpoint's own.
    #[default]
    Own,
    /// `User: …`, an empty line, `Assistant:`.
    UserAssistant,
    /// `User_1: …`, an empty line, `User_2:`: nobody in it is an assistant.
    Neutral,
    /// The message is the text that the model goes on with.
    None,
    /// A Jinja template in this file.
    File(PathBuf),
}

impl Template {
    /// The choices that have a word; anything else names a file.
    const WORDS: [(&str, Self); 4] =
        [("own", Self::Own), ("user-assistant", Self::UserAssistant), ("neutral", Self::Neutral), ("none", Self::None)];

    /// The choice of this word, or the file of that name.
    pub fn named(name: &str) -> Self {
        let word = Self::WORDS.into_iter().find(|(word, _)| *word == name);
        word.map_or_else(|| Self::File(name.into()), |(_, template)| template)
    }

    pub(crate) fn frame(&self) -> Option<Frame> {
        match self {
            Self::Own | Self::File(_) => None,
            Self::UserAssistant => Some(Frame::Speakers(Speakers { user: "User", assistant: "Assistant" })),
            Self::Neutral => Some(Frame::Speakers(Speakers { user: "User_1", assistant: "User_2" })),
            Self::None => Some(Frame::Bare),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::WORDS.iter().find(|(_, template)| template == self) {
            Some((word, _)) => f.write_str(word),
            None => match self {
                Self::File(path) => path.display().fmt(f),
                _ => unreachable!("every choice but a file has its word"),
            },
        }
    }
}

/// What stands around messages in a prompt.
#[derive(Debug)]
pub enum Frame {
    Jinja(Box<ChatTemplate>),
    Speakers(Speakers),
    Bare,
}

/// Who speaks, written before each turn. A system prompt is a paragraph before them all.
#[derive(Clone, Copy, Debug)]
pub struct Speakers {
    user: &'static str,
    assistant: &'static str,
}

impl Frame {
    /// The text up to where the assistant is to answer, or to go on after the `beginning`.
    pub fn render(&self, messages: &[Message], beginning: &str) -> Result<String, RenderError> {
        match self {
            Self::Jinja(template) => Ok(template.render(messages)? + beginning),
            Self::Speakers(speakers) => Ok(speakers.render(messages, beginning)),
            Self::Bare => Ok(bare(messages)?.to_owned() + beginning),
        }
    }

    /// Whether the frame writes the token itself that every text of the model begins with.
    pub fn brings_beginning(&self) -> bool {
        matches!(self, Self::Jinja(_))
    }

    /// Where an answer ends, because the next turn begins: these models seldom end it themselves.
    pub fn stop(&self) -> Vec<String> {
        match self {
            Self::Speakers(Speakers { user, .. }) => vec![format!("\n{user}:")],
            Self::Jinja(_) | Self::Bare => Vec::new(),
        }
    }
}

impl Speakers {
    fn render(self, messages: &[Message], beginning: &str) -> String {
        let paragraphs: String = messages.iter().map(|it| self.paragraph(it) + "\n\n").collect();
        let space = if beginning.is_empty() || beginning.starts_with(char::is_whitespace) { "" } else { " " };
        format!("{paragraphs}{}:{space}{beginning}", self.assistant)
    }

    fn paragraph(self, message: &Message) -> String {
        // An answer that such a model wrote begins with the space behind its name.
        let content = message.content.trim();
        match message.role {
            Role::System => content.to_owned(),
            Role::User => format!("{}: {content}", self.user),
            Role::Assistant => format!("{}: {content}", self.assistant),
        }
    }
}

fn bare(messages: &[Message]) -> Result<&str, RenderError> {
    match messages {
        [Message { role: Role::User, content }] => Ok(content),
        _ if messages.iter().any(|it| it.role == Role::System) => Err(RenderError::Bare("a system prompt")),
        _ => Err(RenderError::Bare("a conversation")),
    }
}

#[cfg(test)]
mod tests;
