//! What a client may send, and what it means to an engine.

use super::error::Error;
use axum::{
    Json,
    extract::{FromRequest, Request as HttpRequest},
};
use domain::{ModelId, Sampling};
use engine::{AdapterIdx, Engine, Message, Request, Role};
use lab::Models;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The body of a request for chat completions. Fields that are not here are refused unless they are null.
#[derive(Debug, Deserialize)]
pub struct ChatRequest {
    model: String,
    messages: Vec<ChatMessage>,
    n: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    seed: Option<i64>,
    stop: Option<OneOrMany>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// Who asks, for the provider's statistics: there are none here.
    #[serde(rename = "user")]
    _user: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct ChatMessage {
    role: String,
    content: Content,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: bool,
}

/// A request that can be carried out.
pub struct Order {
    pub engine: Engine,
    pub model: String,
    pub prompt: Arc<[u32]>,
    pub stream: bool,
    /// Whether the stream is to end with the count of tokens.
    pub include_usage: bool,
    adapter: AdapterIdx,
    sampling: engine::Sampling,
    seed: u64,
    n: u32,
    max_tokens: u32,
    stop: Vec<String>,
}

/// Answers asked for with one request.
const N_MAX: u32 = 64;

impl Order {
    pub fn read(request: &ChatRequest, models: &Models) -> Result<Self, Error> {
        refuse_others(&request.others)?;
        let hosted = models.hosted(&ModelId(request.model.clone())).map_err(Error::no_such_model)?;
        let prompt = hosted.engine.render(&messages(&request.messages)?, "")?.tokens;
        Ok(Self {
            model: request.model.clone(),
            prompt,
            stream: request.stream.unwrap_or(false),
            include_usage: request.stream_options.as_ref().is_some_and(|it| it.include_usage),
            adapter: hosted.adapter,
            sampling: sampling(request)?,
            // OpenAI allows negative seeds; the same bits serve.
            seed: request.seed.map_or_else(fresh_seed, i64::cast_unsigned),
            n: within("n", request.n.unwrap_or(1), 1, N_MAX)?,
            max_tokens: max_tokens(request, hosted.engine.shape().n_positions)?,
            stop: stop(request),
            engine: hosted.engine,
        })
    }

    /// One request to the engine for each answer, each with a seed of its own.
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        (0..self.n).map(|idx| Request {
            adapter: self.adapter,
            sampling: self.sampling,
            seed: self.seed.wrapping_add(u64::from(idx).wrapping_mul(GOLDEN)),
            max_tokens: self.max_tokens,
            stop: self.stop.clone(),
            ..Request::new(self.prompt.clone())
        })
    }
}

/// 2⁶⁴ divided by the golden ratio: its multiples stay far apart (Knuth, The Art of Computer Programming, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn refuse_others(others: &Map<String, Value>) -> Result<(), Error> {
    match others.iter().find(|(_, value)| !value.is_null()) {
        Some((name, _)) => Err(Error::unsupported(name)),
        None => Ok(()),
    }
}

fn messages(sent: &[ChatMessage]) -> Result<Vec<Message>, Error> {
    if sent.is_empty() {
        return Err(Error::invalid("messages", "there is no message"));
    }
    sent.iter().map(message).collect()
}

fn message(sent: &ChatMessage) -> Result<Message, Error> {
    refuse_others(&sent.others)?;
    let role = match sent.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        role => return Err(Error::invalid("messages", format!("the role “{role}” is not supported by this server"))),
    };
    let content = match &sent.content {
        Content::Text(text) => text.clone(),
        Content::Parts(parts) => parts.iter().map(|Part::Text { text }| text.as_str()).collect(),
    };
    Ok(Message { role, content })
}

fn sampling(request: &ChatRequest) -> Result<engine::Sampling, Error> {
    let temperature = within("temperature", request.temperature.unwrap_or(1.0), 0.0, Sampling::TEMPERATURE_MAX)?;
    let top_p = within("top_p", request.top_p.unwrap_or(1.0), f64::MIN_POSITIVE, 1.0)?;
    Ok(match temperature {
        0.0 => engine::Sampling::Greedy,
        _ => engine::Sampling::Random { temperature, top_p, top_k: None },
    })
}

/// As OpenAI has it, an answer without a limit goes on until the model has no room left.
fn max_tokens(request: &ChatRequest, n_positions: u32) -> Result<u32, Error> {
    let asked = request.max_completion_tokens.or(request.max_tokens);
    within("max_tokens", asked.unwrap_or(n_positions), 1, u32::MAX).map(|it| it.min(n_positions))
}

fn stop(request: &ChatRequest) -> Vec<String> {
    match &request.stop {
        None => Vec::new(),
        Some(OneOrMany::One(stop)) => vec![stop.clone()],
        Some(OneOrMany::Many(stops)) => stops.clone(),
    }
}

fn within<T: PartialOrd + std::fmt::Display>(param: &'static str, value: T, low: T, high: T) -> Result<T, Error> {
    if value >= low && value <= high {
        Ok(value)
    } else {
        Err(Error::invalid(param, format!("{param} is {value}, but must be from {low} to {high}")))
    }
}

fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Seeded by the operating system, another one for each state.
    RandomState::new().hash_one(())
}

/// A JSON body whose faults are told in OpenAI's shape.
pub struct Body(pub ChatRequest);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, Error> {
        let body = Json::<ChatRequest>::from_request(request, state).await;
        body.map(|Json(request)| Self(request)).map_err(|err| Error::invalid(None, err.body_text()))
    }
}
