//! What a client gets back: whole, or piece by piece. The two kinds of completion differ in the shapes of [`Wire`] alone.

use super::{
    error::{Error, ErrorBody},
    logprobs::PromptLogprobs,
    options::Delivery,
    order::Order,
};
use crate::limits::Visit;
use axum::{
    Json,
    response::{
        AppendHeaders, IntoResponse, Response,
        sse::{Event as SseEvent, KeepAlive, Sse},
    },
};
use engine::{Event, FinishReason, Generation, TokenScore};
use futures::{
    Stream, StreamExt as _,
    stream::{self, BoxStream, SelectAll},
};
use serde::Serialize;
use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};
use utoipa::ToSchema;

/// How one kind of completion writes what all have in common.
pub trait Wire: Send + 'static {
    type Choice: Serialize + ToSchema;
    type Part: Serialize;
    const ID_PREFIX: &'static str;
    const OBJECT: &'static str;
    const CHUNK_OBJECT: &'static str;
    /// The field of the request that holds the prompt.
    const PROMPT: &'static str;

    /// A whole answer.
    fn choice(&self, index: u32, answer: Answer) -> Self::Choice;
    /// What comes before anything of the answer is known.
    fn opening(&mut self, index: u32) -> Option<Self::Part>;
    /// The scores of the prompt, where they were asked for.
    fn prompt(&mut self, index: u32, scores: &[TokenScore]) -> Option<Self::Part>;
    fn piece(&mut self, index: u32, text: String, scores: &[TokenScore]) -> Self::Part;
    fn end(&mut self, index: u32, reason: &'static str) -> Self::Part;
    /// The scores of the prompt where they stand beside the choices.
    fn prompt_logprobs(&self, _answers: &[Answer]) -> Option<PromptLogprobs> {
        None
    }
}

/// An answer as far as it has come.
#[derive(Clone, Default)]
pub struct Answer {
    pub text: String,
    pub scores: Vec<TokenScore>,
    pub prompt_scores: Vec<TokenScore>,
    n_tokens: u32,
    pub finish_reason: &'static str,
}

impl Answer {
    /// Says why if the answer has failed.
    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Read(scores) => self.prompt_scores = scores,
            Event::Piece { text, mut scores, .. } => {
                self.text += &text;
                self.scores.append(&mut scores);
            }
            Event::Finished { reason, n_tokens } => {
                (self.finish_reason, self.n_tokens) = (finish_reason(reason), n_tokens);
            }
            Event::Failed(reason) => return Err(reason),
        }
        Ok(())
    }
}

fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length | FinishReason::Full => "length",
    }
}

/// What all parts of one response have in common.
#[derive(Clone, Serialize, ToSchema)]
struct Head {
    id: String,
    object: &'static str,
    /// Seconds since 1970.
    created: u64,
    model: String,
    /// The program's version, the model's files, precision and device: where it differs, so may answers of the same seed.
    system_fingerprint: String,
}

impl Head {
    fn of(order: &Order, id_prefix: &str, object: &'static str) -> Self {
        static N_REPLIES: AtomicU64 = AtomicU64::new(0);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let n = N_REPLIES.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("{id_prefix}-{:x}-{n:x}", created.as_micros()),
            object,
            created: created.as_secs(),
            model: order.model.clone(),
            system_fingerprint: order.fingerprint(),
        }
    }
}

#[derive(Clone, Copy, Serialize, ToSchema)]
struct Usage {
    /// Each prompt counted once, however many answers it has.
    prompt_tokens: u32,
    /// Tokens drawn, those that end an answer among them.
    completion_tokens: u32,
    total_tokens: u32,
}

impl Usage {
    fn new(prompt_tokens: u32, completion_tokens: u32) -> Self {
        Self { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Completion<C: ToSchema> {
    #[serde(flatten)]
    head: Head,
    choices: Vec<C>,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_logprobs: Option<PromptLogprobs>,
}

#[derive(Serialize)]
struct Chunk<P> {
    #[serde(flatten)]
    head: Head,
    choices: Vec<P>,
    /// Where usage was asked for: null in all but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
}

/// Asks the engine, and responds as the order says. A client that leaves ends its answers within one step.
pub async fn respond<W: Wire>(order: &Order, wire: W, mut visit: Visit) -> Result<Response, Error> {
    let engine = &order.hosted.engine;
    let retry_after_s = || visit.door().retry_after_s(engine.load());
    let refused = |err| Error::refused(&err, W::PROMPT, retry_after_s());
    let generations = order.requests().map(|it| engine.generate(it)).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    visit.is_being_answered();
    let events = Events::new(generations, visit);
    match order.delivery {
        Delivery::Whole => Ok(Json(collect(order, wire, events).await?).into_response()),
        Delivery::Stream { include_usage } => Ok(follow(Writer::new(order, wire, include_usage), events)),
    }
}

/// What happens to the answers of one request, as it happens, each with its index.
struct Events {
    events: SelectAll<BoxStream<'static, (u32, Event)>>,
    /// Holds the client's places until all of it has been told.
    _visit: Visit,
}

impl Events {
    fn new(generations: Vec<Generation>, visit: Visit) -> Self {
        let events = (0..).zip(generations).map(|(index, it)| events(index, it).boxed()).collect();
        Self { events, _visit: visit }
    }

    async fn next(&mut self) -> Option<(u32, Event)> {
        self.events.next().await
    }
}

fn events(index: u32, generation: Generation) -> impl Stream<Item = (u32, Event)> + Send {
    stream::unfold(generation, move |mut generation| async move {
        let event = generation.next().await?;
        Some(((index, event), generation))
    })
}

/// The whole response, once every answer has ended. One that fails ends the others: there is no choice to put it into.
async fn collect<W: Wire>(order: &Order, wire: W, mut events: Events) -> Result<Completion<W::Choice>, Error> {
    let mut answers = vec![Answer::default(); order.n_answers() as usize];
    while let Some((index, event)) = events.next().await {
        answers[index as usize].take(event).map_err(|reason| failed(index, order.n_answers(), &reason))?;
    }
    let n_tokens = answers.iter().map(|it| it.n_tokens).sum();
    Ok(Completion {
        head: Head::of(order, W::ID_PREFIX, W::OBJECT),
        usage: Usage::new(order.n_prompt_tokens(), n_tokens),
        prompt_logprobs: wire.prompt_logprobs(&answers),
        choices: (0..).zip(answers).map(|(index, answer)| wire.choice(index, answer)).collect(),
    })
}

fn failed(index: u32, n_answers: u32, reason: &str) -> Error {
    Error::failed(match n_answers {
        1 => format!("the answer failed: {reason}"),
        _ => format!("answer {} of {n_answers} failed: {reason}", index + 1),
    })
}

/// The response as it comes: for each answer its opening, its pieces, its end; then the usage if asked for; then `[DONE]`.
fn follow<W: Wire>(mut writer: Writer<W>, events: Events) -> Response {
    let openings = writer.openings();
    let pieces = stream::unfold(Some((writer, events)), |going_on| async move {
        let (mut writer, mut events) = going_on?;
        let (index, event) = events.next().await?;
        let (chunks, has_failed) = writer.write(index, event);
        // Dropping the events ends the answers that are left.
        Some((stream::iter(chunks), (!has_failed).then_some((writer, events))))
    });
    let done = stream::iter([SseEvent::default().data("[DONE]")]);
    let all = stream::iter(openings).chain(pieces.flatten()).chain(done).map(Ok::<_, Infallible>);
    // Proxies that collect a response before they send it on would make a stream of it no longer.
    let unbuffered = AppendHeaders([("x-accel-buffering", "no"), ("cache-control", "no-store")]);
    (unbuffered, Sse::new(all).keep_alive(KeepAlive::default())).into_response()
}

struct Writer<W> {
    head: Head,
    wire: W,
    include_usage: bool,
    n_answers: u32,
    n_running: u32,
    n_prompt_tokens: u32,
    n_tokens: u32,
}

impl<W: Wire> Writer<W> {
    fn new(order: &Order, wire: W, include_usage: bool) -> Self {
        let n_answers = order.n_answers();
        let head = Head::of(order, W::ID_PREFIX, W::CHUNK_OBJECT);
        let n_prompt_tokens = order.n_prompt_tokens();
        Self { head, wire, include_usage, n_answers, n_running: n_answers, n_prompt_tokens, n_tokens: 0 }
    }

    fn openings(&mut self) -> Vec<SseEvent> {
        let parts: Vec<_> = (0..self.n_answers).filter_map(|index| self.wire.opening(index)).collect();
        parts.into_iter().map(|part| self.chunk(part)).collect()
    }

    /// The events that tell this, and whether it was the failure after which nothing comes.
    fn write(&mut self, index: u32, event: Event) -> (Vec<SseEvent>, bool) {
        let part = match event {
            Event::Read(scores) => self.wire.prompt(index, &scores),
            Event::Piece { text, scores, .. } => Some(self.wire.piece(index, text, &scores)),
            Event::Finished { reason, n_tokens } => return (self.finish(index, reason, n_tokens), false),
            Event::Failed(reason) => {
                let error = failed(index, self.n_answers, &reason);
                return (vec![data(&ErrorBody { error })], true);
            }
        };
        (part.map(|it| self.chunk(it)).into_iter().collect(), false)
    }

    fn finish(&mut self, index: u32, reason: FinishReason, n_tokens: u32) -> Vec<SseEvent> {
        self.n_running -= 1;
        self.n_tokens += n_tokens;
        let end = self.wire.end(index, finish_reason(reason));
        let mut chunks = vec![self.chunk(end)];
        if self.n_running == 0 && self.include_usage {
            let usage = Some(Some(Usage::new(self.n_prompt_tokens, self.n_tokens)));
            chunks.push(data(&Chunk { head: self.head.clone(), choices: Vec::<W::Part>::new(), usage }));
        }
        chunks
    }

    fn chunk(&self, part: W::Part) -> SseEvent {
        data(&Chunk { head: self.head.clone(), choices: vec![part], usage: self.include_usage.then_some(None) })
    }
}

fn data(value: &impl Serialize) -> SseEvent {
    SseEvent::default().json_data(value).expect("chunks serialize")
}
