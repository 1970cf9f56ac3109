//! What the rest of the house holds of an engine: a handle to ask for answers, and one stream of events per answer.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::counts::{Counters, Counts};
use crate::desk::Desk;
use crate::worker::{self, Command, Order};
use crate::{AdapterIdx, Language, Message, NTop, RenderError, Rendered, Runner, RunnerShape, Sampling};

/// A running engine. Cheap to clone; once the last clone is gone it finishes the answers in hand and ends.
#[derive(Clone)]
pub struct Engine {
    language: Arc<Language>,
    shape: RunnerShape,
    commands: mpsc::Sender<Command>,
    desk: Arc<Desk>,
    counters: Arc<Counters>,
}

impl Engine {
    /// Gives the runner a thread of its own, which sleeps until somebody asks.
    pub fn start(runner: impl Runner, language: Language) -> Self {
        let language = Arc::new(language);
        let shape = runner.shape();
        let (desk, counters) = (Arc::new(Desk::new(shape.n_slots)), Arc::new(Counters::default()));
        let (commands, inbox) = mpsc::channel(desk.n_places());
        worker::spawn(
            runner,
            worker::Office { language: language.clone(), desk: desk.clone(), counters: counters.clone() },
            inbox,
        );
        Self { language, shape, commands, desk, counters }
    }

    /// The prompt that these messages make, by the model's own chat template, up to and with the given beginning of the
    /// answer, which may be empty. Works for a millisecond, longer where the messages are long.
    pub fn render(&self, messages: &[Message], beginning: &str) -> Result<Rendered, RenderError> {
        self.language.render(messages, beginning)
    }

    /// The prompt that is this text and nothing else, for the model to go on with; see [`Language::encode`].
    pub fn encode(&self, text: &str) -> Result<Rendered, RenderError> {
        self.language.encode(text)
    }

    /// What these tokens write, special ones as they are written. Refuses a number that is no token of this model.
    pub fn written(&self, tokens: &[u32]) -> Result<String, RenderError> {
        self.language.written(tokens)
    }

    /// What one token writes, which may be a part of a character.
    pub fn bytes(&self, token: u32) -> Vec<u8> {
        self.language.tokenizer().bytes(token)
    }

    /// The tokens that end an answer; at least one.
    pub fn end_tokens(&self) -> &[u32] {
        self.language.end_tokens()
    }

    /// Asks for an answer. Never waits: where too many wait already, it says [`Refused::Busy`] at once.
    pub fn generate(&self, request: Request) -> Result<Generation, Refused> {
        check(&request, self.shape)?;
        let place = self.desk.take_place(request.priority).ok_or(Refused::Busy)?;
        let (events, listener) = mpsc::channel(n_events_max(&request, self.shape));
        let order = Order { request, events, place, asked_at: Instant::now() };
        // The inbox has as many seats as there are places, so it can be closed but not full.
        self.commands.try_send(Command::Generate(Box::new(order))).map_err(|_| Refused::Stopped)?;
        Ok(Generation { events: listener, has_ended: false })
    }

    /// How much there is to do right now.
    pub fn load(&self) -> Load {
        self.desk.load()
    }

    /// What has been done since the engine was started.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Whether the thread has died. It outlives failed steps and panics, so this means that the runner could not even be
    /// reset.
    pub fn has_stopped(&self) -> bool {
        self.commands.is_closed()
    }

    /// Whether both handles are of one engine.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.desk, &other.desk)
    }

    /// Tells when the engine and all it held are gone, and does not keep it alive.
    pub fn life(&self) -> EngineLife {
        EngineLife(Arc::downgrade(&self.desk))
    }

    /// The room the runner behind this engine has.
    pub fn shape(&self) -> RunnerShape {
        self.shape
    }
}

/// Whether an engine is still there: some handle of it, an answer in hand, or its runner.
#[derive(Clone)]
pub struct EngineLife(Weak<Desk>);

impl EngineLife {
    /// The runner is dropped, and what it held is free.
    pub fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Answers of one priority that may wait for a slot before the next one is refused.
pub(crate) const N_WAITING_MAX: usize = 256;

/// What to answer, and how. [`Request::new`] has the defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Never empty, and never longer than a slot of the runner.
    ///
    /// Requests for the same adapter that hold the same allocation are samples of one prompt: it is fed once, and they
    /// share what the runner has cached of it. Nobody else does. One whose prompt is to be scored is fed by itself.
    pub prompt: Arc<[u32]>,
    /// What stands behind the prompt and is given too, as an answer that is to be scored: fed for this request alone,
    /// while the prompt before it is shared. Together they are never longer than a slot.
    pub given: Arc<[u32]>,
    pub adapter: AdapterIdx,
    pub sampling: Sampling,
    pub penalties: Penalties,
    /// Added to the logits of these tokens before everything else, from −100 to 100; each token at most once.
    pub logit_bias: Arc<[(u32, f32)]>,
    /// Fixes every draw of the answer, whatever else is in the batch.
    pub seed: u64,
    /// The end-of-sequence token counts. 0 where only the prompt is to be scored, and then no answer is drawn.
    pub max_tokens: u32,
    /// The answer ends before the first of these; at most 32 of at most 1024 bytes, none empty.
    pub stop: Vec<String>,
    /// Whether an end-of-sequence token is a token like any other, so that answers have a known length.
    pub ignore_end: bool,
    /// How likely the model finds each token of the answer.
    pub score_answer: Option<NTop>,
    /// How likely the model finds each token of the prompt, from its second on. Nothing is given behind such a prompt.
    pub score_prompt: Option<NTop>,
    /// How likely the model finds each of the given tokens; at least one is given then.
    pub score_given: Option<NTop>,
    pub priority: Priority,
}

impl Request {
    /// The likeliest answer, of any length, by the bare base.
    pub fn new(prompt: impl Into<Arc<[u32]>>) -> Self {
        Self {
            prompt: prompt.into(),
            given: Arc::default(),
            adapter: AdapterIdx::default(),
            sampling: Sampling::Greedy,
            penalties: Penalties::default(),
            logit_bias: Arc::default(),
            seed: 0,
            max_tokens: u32::MAX,
            stop: Vec::new(),
            ignore_end: false,
            score_answer: None,
            score_prompt: None,
            score_given: None,
            priority: Priority::default(),
        }
    }
}

/// What tokens lose that the answer holds already, as OpenAI defines it: `logit − presence − count · frequency`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// From −2 to 2.
    pub presence: f64,
    /// From −2 to 2.
    pub frequency: f64,
}

/// Who goes first where not all can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody is watching.
    #[default]
    Interactive,
    /// Part of a large run, which waits while there is anything else. A quarter of the slots, and at least one of
    /// several, is not for these, so that whoever is watching need not wait until a long answer ends.
    Bulk,
}

/// Why a request was not taken on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the engine is busy: {N_WAITING_MAX} answers are waiting already")]
    Busy,
    /// What is given behind the prompt is counted with it.
    #[error("the prompt has {n_tokens} tokens, but the model was given room for {n_positions}")]
    PromptTooLong { n_tokens: u32, n_positions: u32 },
    /// The request breaks one of the rules that stand beside its fields; says which.
    #[error("{0}")]
    Invalid(&'static str),
    #[error("the engine has stopped")]
    Stopped,
}

fn check(request: &Request, shape: RunnerShape) -> Result<(), Refused> {
    let n_tokens = u32::try_from(request.prompt.len() + request.given.len()).unwrap_or(u32::MAX);
    if n_tokens > shape.n_positions {
        return Err(Refused::PromptTooLong { n_tokens, n_positions: shape.n_positions });
    }
    let biased: Vec<u32> = request.logit_bias.iter().map(|(token, _)| *token).collect();
    let rules = [
        (!request.prompt.is_empty(), "the prompt is empty"),
        (is_vocabulary(&request.prompt, shape), "the prompt has a token that is not in the model's vocabulary"),
        (is_vocabulary(&request.given, shape), "a given token is not in the model's vocabulary"),
        (request.score_prompt.is_none() || request.given.is_empty(), "behind a prompt that is scored nothing is given"),
        (request.score_given.is_none() || !request.given.is_empty(), "nothing is given that could be scored"),
        (request.adapter.0 <= shape.n_adapters, "the model has no such adapter"),
        (
            request.max_tokens > 0 || request.score_prompt.is_some() || request.score_given.is_some(),
            "max_tokens is 0 and nothing is to be scored",
        ),
        (is_legal(request.sampling), "temperature, top_p or top_k is out of range"),
        (are_penalties(request.penalties), "a penalty is not between -2 and 2"),
        (are_biases(&request.logit_bias), "a logit bias is not between -100 and 100"),
        (is_vocabulary(&biased, shape), "a logit bias names a token that is not in the model's vocabulary"),
        (are_distinct(&biased), "a logit bias names a token twice"),
        (are_legal(&request.stop), "the stop strings are too many, too long or empty"),
        (
            [request.score_answer, request.score_prompt, request.score_given].into_iter().all(is_n_top),
            "more than 20 likeliest tokens are asked for",
        ),
    ];
    match rules.into_iter().find(|(is_kept, _)| !is_kept) {
        Some((_, broken)) => Err(Refused::Invalid(broken)),
        None => Ok(()),
    }
}

fn is_legal(sampling: Sampling) -> bool {
    match sampling {
        Sampling::Greedy => true,
        Sampling::Random { temperature, top_p, top_k } => {
            temperature > 0.0 && temperature.is_finite() && top_p > 0.0 && top_p <= 1.0 && top_k != Some(0)
        }
    }
}

fn is_vocabulary(tokens: &[u32], shape: RunnerShape) -> bool {
    tokens.iter().all(|token| *token < shape.vocabulary_size)
}

fn are_distinct(tokens: &[u32]) -> bool {
    let mut seen = HashSet::new();
    tokens.iter().all(|token| seen.insert(token))
}

fn are_penalties(Penalties { presence, frequency }: Penalties) -> bool {
    (-2.0..=2.0).contains(&presence) && (-2.0..=2.0).contains(&frequency)
}

fn are_biases(logit_bias: &[(u32, f32)]) -> bool {
    logit_bias.iter().all(|(_, bias)| (-100.0..=100.0).contains(bias))
}

fn is_n_top(n_top: Option<NTop>) -> bool {
    n_top.is_none_or(|NTop(n)| n <= NTop::MAX)
}

/// Every token is compared with every beginning of every stop string, so these are bounded.
fn are_legal(stop: &[String]) -> bool {
    stop.len() <= 32 && stop.iter().all(|stop| !stop.is_empty() && stop.len() <= 1024)
}

/// Room for every event an answer can have, so that a slow reader never holds up the engine.
fn n_events_max(request: &Request, shape: RunnerShape) -> usize {
    // The scores of what was read, one piece per token, and the end. An answer cannot be longer than its slot.
    request.max_tokens.min(shape.n_positions) as usize + 2
}

/// The answer to one request, as it comes. Dropping it ends the work on it within one step.
#[derive(Debug)]
pub struct Generation {
    events: mpsc::Receiver<Event>,
    has_ended: bool,
}

impl Generation {
    /// The next event, or `None` after [`Event::Finished`] or [`Event::Failed`], one of which always comes.
    ///
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Event> {
        if self.has_ended {
            return None;
        }
        let event = self.events.recv().await;
        Some(self.note(event))
    }

    /// [`next`](Self::next) for code outside of an async runtime.
    pub fn blocking_next(&mut self) -> Option<Event> {
        if self.has_ended {
            return None;
        }
        let event = self.events.blocking_recv();
        Some(self.note(event))
    }

    fn note(&mut self, event: Option<Event>) -> Event {
        let event = event.unwrap_or_else(|| Event::Failed("the engine stopped in the middle of the answer".into()));
        self.has_ended = matches!(event, Event::Finished { .. } | Event::Failed(_));
        event
    }
}

/// What happens to an answer: pieces, then exactly one end.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// How likely the model finds the tokens that were to be scored: the prompt's from the second on, or all that were
    /// given behind it. Comes first, where it was asked for.
    Read(Vec<TokenScore>),
    /// More text, whole characters only; empty only where it brings scores.
    Piece {
        text: String,
        /// Tokens drawn so far.
        n_tokens: u32,
        /// Of the tokens whose text this piece ends, where they were asked for. Tokens of a stop string and the
        /// end-of-sequence token are no part of the text and have none.
        scores: Vec<TokenScore>,
    },
    /// The answer is complete.
    Finished {
        reason: FinishReason,
        /// Tokens drawn, the end-of-sequence token among them.
        n_tokens: u32,
    },
    /// The answer cannot be completed; a sentence says why. The text so far is all there will be.
    Failed(String),
}

/// How likely the model found a token, by its logits as they are: before temperature, penalties and bias.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScore {
    pub token: Likely,
    /// The likeliest tokens in its place, likeliest first; as many as were asked for.
    pub top: Vec<Likely>,
}

/// A token with the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    pub id: u32,
    /// What the token writes, which may be a part of a character. Special tokens as they are written.
    pub bytes: Vec<u8>,
    pub logprob: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model drew an end-of-sequence token, or wrote a stop string.
    Stop,
    /// `max_tokens` were drawn.
    Length,
    /// The slot has no position left.
    Full,
}

/// How much an engine has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Answers that can be in hand at once.
    pub n_slots: u32,
    /// Answers that hold a slot.
    pub n_running: u32,
    /// Answers that wait for one.
    pub n_waiting: u32,
}

#[cfg(test)]
mod tests;
