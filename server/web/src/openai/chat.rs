//! Chat completions: messages in, a message out.

use super::{
    error::Error,
    logprobs::{ChatLogprobs, PromptLogprobs, prompt_logprobs},
    neutral::Neutral,
    options::{Options, n_top, within},
    order::{Order, Prompt, hosted},
    reply::{Answer, Wire},
    sent::{Known, Sent},
};
use crate::limits::Limits;
use engine::{Message, NTop, Request, Role, TokenScore};
use lab::Models;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::LazyLock;
use utoipa::ToSchema;

/// The body of a request for chat completions. Null is as good as nothing; fields that are not here are refused.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the parts are read one by one, so that faults are told with the field's name")]
pub struct ChatRequest {
    #[serde(flatten)]
    own: ChatFields,
    #[serde(flatten)]
    options: Options,
    #[serde(flatten)]
    neutral: Neutral,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct ChatFields {
    #[schema(min_items = 1)]
    messages: Vec<ChatMessage>,
    /// The newer name of `max_tokens`.
    #[schema(minimum = 1)]
    max_completion_tokens: Option<u32>,
    /// Whether to tell how likely the model found each token.
    #[schema(default = false)]
    logprobs: Option<bool>,
    /// How many of the likeliest tokens are told beside it.
    #[schema(minimum = 0, maximum = 20)]
    top_logprobs: Option<u8>,
    /// Whether the last message, which is then the assistant's, is gone on with instead of answered. What comes back is
    /// what was added. Not in OpenAI's API.
    #[schema(default = false)]
    continue_final_message: Option<bool>,
    /// The opposite of `continue_final_message`, which may be given together with it. Not in OpenAI's API.
    add_generation_prompt: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct ChatMessage {
    role: Speaker,
    content: Content,
    /// Fields that clients send back with an answer, and that hold nothing.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    /// The newer name of `system`.
    Developer,
    User,
    Assistant,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text or a list of parts of the type “text”")]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Part {
    Text { text: String },
}

static KNOWN: LazyLock<Known> = LazyLock::new(Known::of::<ChatFields, Options>);

/// What was asked for, and how it is to be written.
pub fn order(sent: &Sent, models: &Models, limits: &Limits) -> Result<(Order, ChatWire), Error> {
    sent.check(&KNOWN)?;
    let (fields, options): (ChatFields, Options) = (sent.read()?, sent.read()?);
    let hosted = hosted(models, &options.model)?;
    let (messages, beginning) = fields.conversation(limits)?;
    let rendered = hosted.engine.render(&messages, &beginning).map_err(|err| Error::unrendered(&err, "messages"))?;
    let n_positions = hosted.engine.shape().n_positions;
    let request = options.request(&hosted.engine)?;
    let request = Request {
        // As OpenAI has it, an answer without a limit goes on until the model has no room left.
        max_tokens: fields.max_tokens(&options, limits)?.unwrap_or(n_positions).min(n_positions),
        score_answer: fields.score_answer()?,
        stop: request.stop.into_iter().chain(rendered.stop).collect(),
        ..request
    };
    let wire = ChatWire { logprobs: request.score_answer.is_some(), n_top_prompt: options.prompt_logprobs };
    let prompt = Prompt { text: rendered.text, tokens: rendered.tokens };
    Ok((Order::new(&options, hosted, vec![prompt], request, limits)?, wire))
}

impl ChatFields {
    /// The messages, and how the answer is to begin.
    fn conversation(&self, limits: &Limits) -> Result<(Vec<Message>, String), Error> {
        if !(1..=limits.messages_max as usize).contains(&self.messages.len()) {
            return Err(self.wrong_count(limits));
        }
        let mut messages = self.messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
        let n_bytes: usize = messages.iter().map(|it| it.content.len()).sum();
        if n_bytes > limits.prompt_bytes_max {
            let message = format!("the messages have {n_bytes} bytes, but may have {}", limits.prompt_bytes_max);
            return Err(Error::too_long("messages", message));
        }
        let beginning = match self.goes_on()? {
            true => messages.pop().expect("it was just counted").content,
            false => String::new(),
        };
        Ok((messages, beginning))
    }

    fn wrong_count(&self, limits: &Limits) -> Error {
        match self.messages.len() {
            0 => Error::invalid("messages", "there is no message"),
            n => Error::invalid("messages", format!("there are {n} messages, but may be {}", limits.messages_max)),
        }
    }

    fn goes_on(&self) -> Result<bool, Error> {
        let goes_on = self.continue_final_message.unwrap_or(false);
        if self.add_generation_prompt.is_some_and(|it| it == goes_on) {
            let message = "either the last message is gone on with or a new one is begun: add_generation_prompt is the \
                           opposite of continue_final_message";
            return Err(Error::invalid("add_generation_prompt", message));
        }
        let last = self.messages.last().map(|it| it.role);
        match (goes_on, last) {
            (true, Some(role)) if role != Speaker::Assistant => {
                let message = "continue_final_message asks for a last message by the assistant";
                Err(Error::invalid("continue_final_message", message))
            }
            // A template could not show that a conversation of nothing else has begun.
            (true, _) if self.messages.len() == 1 => {
                Err(Error::invalid("messages", "there is no message before the one to go on with"))
            }
            _ => Ok(goes_on),
        }
    }

    fn max_tokens(&self, options: &Options, limits: &Limits) -> Result<Option<u32>, Error> {
        let newer = self.max_completion_tokens;
        let newer = newer.map(|it| within("max_completion_tokens", it, 1, limits.tokens_max)).transpose()?;
        match (newer, options.max_tokens(limits)?) {
            (_, Some(0)) => Err(Error::invalid("max_tokens", "max_tokens is 0, but must be at least 1")),
            (Some(newer), Some(older)) if newer != older => {
                let message = "max_tokens is the older name of max_completion_tokens, and they differ";
                Err(Error::invalid("max_tokens", message))
            }
            (newer, older) => Ok(newer.or(older)),
        }
    }

    fn score_answer(&self) -> Result<Option<NTop>, Error> {
        match (self.logprobs.unwrap_or(false), self.top_logprobs) {
            (true, n) => n_top("top_logprobs", n.unwrap_or(0)).map(Some),
            (false, None | Some(0)) => Ok(None),
            (false, Some(_)) => Err(Error::invalid("top_logprobs", "top_logprobs go with logprobs: true only")),
        }
    }
}

fn message(sent: &ChatMessage) -> Result<Message, Error> {
    let says_something = |value: &Value| !value.is_null() && value.as_array().is_none_or(|it| !it.is_empty());
    if let Some((name, _)) = sent.others.iter().find(|(_, value)| says_something(value)) {
        return Err(Error::unsupported(&format!("messages.{name}")));
    }
    let role = match sent.role {
        Speaker::System | Speaker::Developer => Role::System,
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    let content = match &sent.content {
        Content::Text(text) => text.clone(),
        Content::Parts(parts) => parts.iter().map(|Part::Text { text }| text.as_str()).collect(),
    };
    Ok(Message { role, content })
}

/// How chat completions write an answer.
pub struct ChatWire {
    logprobs: bool,
    n_top_prompt: Option<u8>,
}

#[derive(Serialize, ToSchema)]
pub struct ChatChoice {
    index: u32,
    message: AssistantMessage,
    logprobs: Option<ChatLogprobs>,
    /// `stop` at a stop string or where the model ended, `length` where there was no room for more.
    finish_reason: &'static str,
}

#[derive(Serialize, ToSchema)]
struct AssistantMessage {
    role: &'static str,
    content: String,
    /// Models refuse in their own words, which are content.
    refusal: Option<String>,
}

#[derive(Serialize)]
pub struct ChatPart {
    index: u32,
    delta: Delta,
    logprobs: Option<ChatLogprobs>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

impl Wire for ChatWire {
    type Choice = ChatChoice;
    type Part = ChatPart;
    const ID_PREFIX: &'static str = "chatcmpl";
    const OBJECT: &'static str = "chat.completion";
    const CHUNK_OBJECT: &'static str = "chat.completion.chunk";
    const PROMPT: &'static str = "messages";

    fn choice(&self, index: u32, answer: Answer) -> ChatChoice {
        let logprobs = self.logprobs(&answer.scores);
        let message = AssistantMessage { role: "assistant", content: answer.text, refusal: None };
        ChatChoice { index, message, logprobs, finish_reason: answer.finish_reason }
    }

    fn opening(&mut self, index: u32) -> Option<ChatPart> {
        let delta = Delta { role: Some("assistant"), content: Some(String::new()) };
        Some(ChatPart { index, delta, logprobs: None, finish_reason: None })
    }

    fn prompt(&mut self, _index: u32, _scores: &[TokenScore]) -> Option<ChatPart> {
        None
    }

    fn piece(&mut self, index: u32, text: String, scores: &[TokenScore]) -> ChatPart {
        let delta = Delta { role: None, content: Some(text) };
        ChatPart { index, delta, logprobs: self.logprobs(scores), finish_reason: None }
    }

    fn end(&mut self, index: u32, reason: &'static str) -> ChatPart {
        ChatPart { index, delta: Delta::default(), logprobs: None, finish_reason: Some(reason) }
    }

    /// All answers are to the one prompt.
    fn prompt_logprobs(&self, answers: &[Answer]) -> Option<PromptLogprobs> {
        Some(prompt_logprobs(&answers.first()?.prompt_scores, self.n_top_prompt?))
    }
}

impl ChatWire {
    fn logprobs(&self, scores: &[TokenScore]) -> Option<ChatLogprobs> {
        self.logprobs.then(|| ChatLogprobs::of(scores))
    }
}
