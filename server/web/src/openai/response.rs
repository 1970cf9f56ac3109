//! What a client gets back.

use super::{
    error::{Error, ErrorBody},
    request::Order,
};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use domain::ModelCard;
use engine::{Event, FinishReason, Generation};
use futures::{Stream, StreamExt as _, stream, stream::SelectAll};
use serde::Serialize;
use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Serialize)]
pub struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

impl ModelList {
    pub fn of(cards: impl Iterator<Item = ModelCard>) -> Self {
        let model = |card: ModelCard| Model { id: card.id.0, object: "model", created: 0, owned_by: "plumbline" };
        Self { object: "list", data: cards.map(model).collect() }
    }
}

/// What all parts of one response have in common.
#[derive(Clone, Serialize)]
pub struct Reply {
    id: String,
    created: u64,
    model: String,
    #[serde(skip)]
    n_prompt_tokens: u32,
    #[serde(skip)]
    include_usage: bool,
}

#[derive(Serialize)]
pub struct Completion {
    #[serde(flatten)]
    reply: Reply,
    object: &'static str,
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Serialize)]
struct Choice {
    index: usize,
    message: AssistantMessage,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct AssistantMessage {
    role: &'static str,
    content: String,
    refusal: (),
}

#[derive(Clone, Copy, Serialize)]
struct Usage {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
}

#[derive(Serialize)]
struct Chunk {
    #[serde(flatten)]
    reply: Reply,
    object: &'static str,
    choices: Vec<ChunkChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct ChunkChoice {
    index: usize,
    delta: Delta,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

impl Reply {
    pub fn begin(order: &Order) -> Self {
        static N_REPLIES: AtomicU64 = AtomicU64::new(0);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let n = N_REPLIES.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("chatcmpl-{:x}-{n:x}", created.as_micros()),
            created: created.as_secs(),
            model: order.model.clone(),
            n_prompt_tokens: u32::try_from(order.prompt.len()).expect("the engine has taken this prompt"),
            include_usage: order.include_usage,
        }
    }

    /// The whole response, once every answer has ended.
    pub async fn collect(self, generations: Vec<Generation>) -> Result<Completion, Error> {
        let (mut choices, mut completion_tokens) = (Vec::new(), 0);
        for (index, mut generation) in generations.into_iter().enumerate() {
            let mut content = String::new();
            let finish_reason = loop {
                match generation.next().await.expect("an end always comes before none") {
                    Event::Prompt(_) => {}
                    Event::Piece { text, .. } => content.push_str(&text),
                    Event::Finished { reason, n_tokens } => {
                        completion_tokens += n_tokens;
                        break finish_reason(reason);
                    }
                    Event::Failed(reason) => return Err(Error::failed(reason)),
                }
            };
            let message = AssistantMessage { role: "assistant", content, refusal: () };
            choices.push(Choice { index, message, logprobs: (), finish_reason });
        }
        let usage = self.usage(completion_tokens);
        Ok(Completion { reply: self, object: "chat.completion", choices, usage })
    }

    fn usage(&self, completion_tokens: u32) -> Usage {
        let prompt_tokens = self.n_prompt_tokens;
        Usage { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
    }

    fn chunk(&self, index: usize, delta: Delta, finish_reason: Option<&'static str>) -> Chunk {
        let choice = ChunkChoice { index, delta, logprobs: (), finish_reason };
        Chunk { reply: self.clone(), object: "chat.completion.chunk", choices: vec![choice], usage: None }
    }
}

fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length | FinishReason::Full => "length",
    }
}

/// The response as it comes: for each answer its role, its pieces, its end; then the usage if asked for; then `[DONE]`.
pub fn stream(
    reply: Reply,
    generations: Vec<Generation>,
) -> Sse<axum::response::sse::KeepAliveStream<impl Stream<Item = Result<SseEvent, Infallible>>>> {
    let n_answers = generations.len();
    let opening = reply.clone();
    let roles = (0..n_answers).map(move |index| {
        let role = Delta { role: Some("assistant"), content: Some(String::new()) };
        data(&opening.chunk(index, role, None))
    });
    let answers: SelectAll<_> =
        generations.into_iter().enumerate().map(|(index, it)| Box::pin(events(index, it))).collect();
    let pieces =
        answers.scan(Progress { reply, n_running: n_answers, n_tokens: 0, failed: false }, |progress, event| {
            let chunks = progress.advance(event);
            std::future::ready((!progress.failed || !chunks.is_empty()).then(|| stream::iter(chunks)))
        });
    let done = stream::iter([SseEvent::default().data("[DONE]")]);
    let all = stream::iter(roles).chain(pieces.flatten()).chain(done);
    Sse::new(all.map(Ok)).keep_alive(KeepAlive::default())
}

fn events(index: usize, generation: Generation) -> impl Stream<Item = (usize, Event)> {
    stream::unfold(generation, move |mut generation| async move {
        let event = generation.next().await?;
        Some(((index, event), generation))
    })
}

struct Progress {
    reply: Reply,
    n_running: usize,
    n_tokens: u32,
    failed: bool,
}

impl Progress {
    fn advance(&mut self, (index, event): (usize, Event)) -> Vec<SseEvent> {
        if self.failed {
            return Vec::new();
        }
        match event {
            Event::Prompt(_) => Vec::new(),
            Event::Piece { text, .. } => {
                vec![data(&self.reply.chunk(index, Delta { content: Some(text), ..Delta::default() }, None))]
            }
            Event::Finished { reason, n_tokens } => self.finish(index, reason, n_tokens),
            Event::Failed(reason) => {
                self.failed = true;
                vec![data(&ErrorBody { error: Error::failed(reason) })]
            }
        }
    }

    fn finish(&mut self, index: usize, reason: FinishReason, n_tokens: u32) -> Vec<SseEvent> {
        self.n_running -= 1;
        self.n_tokens += n_tokens;
        let mut chunks = vec![data(&self.reply.chunk(index, Delta::default(), Some(finish_reason(reason))))];
        if self.n_running == 0 && self.reply.include_usage {
            let usage = Some(self.reply.usage(self.n_tokens));
            let object = "chat.completion.chunk";
            chunks.push(data(&Chunk { reply: self.reply.clone(), object, choices: Vec::new(), usage }));
        }
        chunks
    }
}

fn data(value: &impl Serialize) -> SseEvent {
    SseEvent::default().json_data(value).expect("chunks serialize")
}
