//! Everything a checkpoint says about text: its tokenizer, its chat template and where an answer ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::chat::{ChatTemplate, SpecialTokens};
use crate::files::{self, LoadError};
use crate::guard;
use crate::template::{Frame, Template};
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::{Message, Role};

/// How a model reads and writes.
#[derive(Debug)]
pub struct Language {
    tokenizer: Tokenizer,
    frame: Frame,
    /// Never empty.
    end_tokens: Vec<u32>,
}

/// A prompt, as text and as the very tokens that the model will see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    pub tokens: Arc<[u32]>,
    /// The special tokens in the text as they are written, each once, in the order they come. One that a message
    /// contained is among them, because the model cannot tell it from the others.
    pub specials: Vec<String>,
    /// Where an answer to this prompt ends besides at an end-of-sequence token, since the template begins the next turn
    /// with it; often none. For [`Request::stop`](crate::Request).
    pub stop: Vec<String>,
}

/// Why messages did not become a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("the prompt is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// The template refused these messages, or is itself at fault; names its file.
    #[error("{0}")]
    Template(String),
    #[error("{0} is no token of this model")]
    UnknownToken(u32),
    /// Names what has no place in a text that the model only goes on with.
    #[error(
        "this model is asked without a chat template, so {0} has no place; its message is the text it goes on with"
    )]
    Bare(&'static str),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// Tokenizers take more than linear time on some texts, so a prompt is bounded.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

impl Language {
    /// As [`Language::load_with`], by the checkpoint's own chat template.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        Self::load_with(folder, &Template::Own)
    }

    /// Reads the folder of a checkpoint in Hugging Face layout. Takes at most 20 s, whatever the files contain.
    ///
    /// - `tokenizer.json`;
    /// - its own chat template from `chat_template.jinja`, or else from `tokenizer_config.json`, if that is chosen;
    /// - the end-of-sequence ids from `generation_config.json`, or else `config.json`, or else `tokenizer_config.json`.
    pub fn load_with(folder: &Path, template: &Template) -> Result<Self, LoadError> {
        let folder = Folder(folder.to_owned());
        let fail = |reason: String| folder.fail("read the tokenizer and chat template", &reason);
        let (work, template) = (folder.clone(), template.clone());
        guard::within(LOAD_TIME_MAX, move || work.language(&template)).map_err(fail)?
    }

    /// The prompt that these messages make, up to where the model is to answer or to go on after the `beginning`.
    pub fn render(&self, messages: &[Message], beginning: &str) -> Result<Rendered, RenderError> {
        let n_bytes: usize = messages.iter().map(|message| message.content.len()).sum();
        if n_bytes > TEXT_BYTES_MAX {
            return Err(RenderError::TooLong);
        }
        let text = self.frame.render(messages, beginning)?;
        let stop = self.frame.stop();
        let rendered = if self.frame.brings_beginning() { self.tokenized(text) } else { self.encode(&text) };
        Ok(Rendered { stop, ..rendered? })
    }

    /// The prompt that is this text and nothing else, for the model to go on with: no chat template, only the token that
    /// every text of the model begins with, where there is one and the text does not bring it.
    pub fn encode(&self, text: &str) -> Result<Rendered, RenderError> {
        let beginning = self.tokenizer.beginning();
        let beginning = if text.starts_with(beginning) { "" } else { beginning };
        self.tokenized(beginning.to_owned() + text)
    }

    /// What these tokens write, special ones as they are written.
    pub fn written(&self, tokens: &[u32]) -> Result<String, RenderError> {
        match tokens.iter().find(|&&token| !self.tokenizer.knows(token)) {
            Some(&token) => Err(RenderError::UnknownToken(token)),
            None => Ok(self.tokenizer.written(tokens)?),
        }
    }

    fn tokenized(&self, text: String) -> Result<Rendered, RenderError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(RenderError::TooLong);
        }
        let tokens = self.tokenizer.encode(&text)?;
        Ok(Rendered { specials: self.tokenizer.specials(&tokens), text, tokens: tokens.into(), stop: Vec::new() })
    }

    /// The tokens that end an answer; at least one.
    pub fn end_tokens(&self) -> &[u32] {
        &self.end_tokens
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

const LOAD_TIME_MAX: Duration = Duration::from_secs(20);
const TOKENIZER_BYTES_MAX: u64 = 128 << 20;
const CONFIG_BYTES_MAX: u64 = 16 << 20;

/// The folder of a checkpoint.
#[derive(Clone)]
struct Folder(PathBuf);

impl Folder {
    fn language(&self, template: &Template) -> Result<Language, LoadError> {
        let config: TokenizerConfig = self.json("tokenizer_config.json")?;
        let special = config.special_tokens();
        let tokenizer = self.tokenizer()?;
        let end_tokens = self.end_tokens(&special, &tokenizer)?;
        let frame = match template.frame() {
            Some(frame) => frame,
            None => Frame::Jinja(Box::new(self.jinja(template, config.chat_template, special)?)),
        };
        let language = Language { tokenizer, frame, end_tokens };
        // So that a template or tokenizer that cannot work is reported now and not with the first question.
        let greeting = [Message { role: Role::User, content: "Hello".into() }];
        language.render(&greeting, "").map_err(|err| self.fail("render a greeting", &err))?;
        Ok(language)
    }

    fn tokenizer(&self) -> Result<Tokenizer, LoadError> {
        let path = self.0.join("tokenizer.json");
        let json = files::read(&path, TOKENIZER_BYTES_MAX)?;
        let json = json.ok_or_else(|| LoadError(format!("{} is missing", path.display())))?;
        Tokenizer::parse(&json).map_err(|err| LoadError(format!("{}: {err}", path.display())))
    }

    fn end_tokens(&self, special: &SpecialTokens, tokenizer: &Tokenizer) -> Result<Vec<u32>, LoadError> {
        for name in ["generation_config.json", "config.json"] {
            let config: EndConfig = self.json(name)?;
            if let Some(end_tokens) = config.end_tokens() {
                return Ok(end_tokens);
            }
        }
        let Some(end_token) = special.get("eos_token") else {
            return Err(self.fail("find out where an answer ends", &"no file names an end-of-sequence token"));
        };
        let missing = || self.fail("find out where an answer ends", &format_args!("tokenizer.json lacks {end_token}"));
        Ok(vec![tokenizer.id(end_token).ok_or_else(missing)?])
    }

    fn jinja(
        &self,
        template: &Template,
        in_config: Option<Templates>,
        special: SpecialTokens,
    ) -> Result<ChatTemplate, LoadError> {
        let (file, source) = match template {
            Template::File(path) => (path.display().to_string(), read_template(path)?),
            _ => self.own_template(in_config)?,
        };
        ChatTemplate::parse(&file, &source, special).map_err(|err| self.fail("read the chat template", &err))
    }

    /// The checkpoint's own template, with the name of the file it was found in.
    fn own_template(&self, in_config: Option<Templates>) -> Result<(String, String), LoadError> {
        let in_file = self.text("chat_template.jinja")?.map(|source| ("chat_template.jinja", source));
        let in_config = in_config.and_then(Templates::into_default).map(|source| ("tokenizer_config.json", source));
        let found = in_file.or(in_config).map(|(file, source)| (file.to_owned(), source));
        found.ok_or_else(|| self.fail("find a chat template", &NO_TEMPLATE))
    }

    fn text(&self, name: &str) -> Result<Option<String>, LoadError> {
        text(&self.0.join(name))
    }

    fn json<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, LoadError> {
        files::read_json(&self.0.join(name), CONFIG_BYTES_MAX)
    }

    fn fail(&self, task: &str, reason: &dyn std::fmt::Display) -> LoadError {
        LoadError(format!("cannot {task} in {}: {reason}", self.0.display()))
    }
}

/// What helps where a checkpoint was only pretrained.
const NO_TEMPLATE: &str = "no file has one, or none that is the default; choose with template = \"user-assistant\", \
                           \"neutral\" or \"none\" in models.toml how this model is asked";

fn read_template(path: &Path) -> Result<String, LoadError> {
    text(path)?.ok_or_else(|| LoadError(format!("the chat template {} is missing", path.display())))
}

fn text(path: &Path) -> Result<Option<String>, LoadError> {
    let bytes = files::read(path, CONFIG_BYTES_MAX)?;
    let fail = |err| LoadError(format!("cannot read {}: {err}", path.display()));
    bytes.map(String::from_utf8).transpose().map_err(fail)
}

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    chat_template: Option<Templates>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TokenizerConfig {
    fn special_tokens(&self) -> SpecialTokens {
        let names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
        let written = |name: &str| Some((name.to_owned(), as_written(self.others.get(name)?)?.to_owned()));
        names.into_iter().filter_map(written).collect()
    }
}

/// A special token is a string, or an object that holds it together with how it is matched.
fn as_written(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl Templates {
    fn into_default(self) -> Option<String> {
        match self {
            Self::One(template) => Some(template),
            Self::Named(named) => named.into_iter().find(|named| named.name == "default").map(|named| named.template),
        }
    }
}

/// The part of `generation_config.json` and `config.json` that says where an answer ends.
#[derive(Default, Deserialize)]
struct EndConfig {
    eos_token_id: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl EndConfig {
    fn end_tokens(self) -> Option<Vec<u32>> {
        let tokens = match self.eos_token_id? {
            OneOrMany::One(token) => vec![token],
            OneOrMany::Many(tokens) => tokens,
        };
        (!tokens.is_empty()).then_some(tokens)
    }
}

#[cfg(test)]
mod tests;
