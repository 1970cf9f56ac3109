//! One model's part of a comparison: its prompt is rendered, its answers are asked for, followed and kept.

use crate::{
    Absent, Claim, Hosted, Lab,
    likelihood::{N_TOP, token_score},
    live::{Halt, Live},
};
use domain::{
    Answer, AnswerId, AnswerState, Comparison, Facts, Finish, RenderedPrompt, Sampling, Scores, Speaker, Utterance,
    Wait,
};
use engine::{Event, FinishReason, Generation, Message, Rendered, Request, Role};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use store::answers::{Ended, Provenance};
use tokio::sync::watch;

/// The version that is kept with each answer, together with how far its logits depend on what else was computed.
const ENGINE_VERSION: &str = concat!("plumbline ", env!("CARGO_PKG_VERSION"));

/// How long answers wait for their model to be loaded: the largest take minutes, and others may go first.
const WAIT_MAX: Duration = Duration::from_secs(900);

/// Asks for every waiting answer of the column, and sees that each of them ends, whatever happens.
pub(crate) async fn run(lab: Lab, live: Arc<Live>, column_idx: usize) {
    let comparison = live.snapshot();
    let column = &comparison.columns[column_idx];
    let waiting: Vec<Answer> = column.answers.iter().filter(|it| it.state == AnswerState::Waiting).cloned().collect();
    let model = column.model.as_ref().expect("the server's own comparisons have names");
    // Held until the engine has taken the answers on, so that the model is not dropped before.
    let claim = Claim::new(lab.models.clone(), model.id.clone());
    let ready = match hosted(&claim, &live, column_idx).await {
        Ok(hosted) => prepare(&lab, &live, &comparison, column_idx, hosted).await.map_err(AnswerState::Failed),
        Err(state) => Err(state),
    };
    for answer in waiting {
        let follower =
            Follower { lab: lab.clone(), live: live.clone(), id: answer.id, halts: live.halts_of(column_idx) };
        match &ready {
            Ok(ready) => {
                let seed = *ready.seeds.get(&answer.id).expect("every answer of the column has one");
                let request = request(ready, comparison.sampling, seed);
                let generation = ready.hosted.engine.generate(request).map_err(|err| err.to_string());
                tokio::spawn(follower.follow(generation, seed));
            }
            Err(state) => follower.end(state.clone(), None, Scores::default()).await,
        }
    }
}

/// The column's model, once it is loaded; or how its answers end instead.
async fn hosted(claim: &Claim, live: &Live, column_idx: usize) -> Result<Hosted, AnswerState> {
    let waits = |wait| live.change(|comparison| comparison.columns[column_idx].wait = wait);
    let hears = |absent: &Absent| waits(Some(wait(absent)));
    let mut halts = live.halts_of(column_idx);
    let result = tokio::select! {
        biased;
        halt = halted(&mut halts) => Err(halt),
        found = tokio::time::timeout(WAIT_MAX, claim.hosted(hears)) => match found {
            Ok(found) => found.map_err(|absent| AnswerState::Failed(absent.to_string())),
            Err(_) => Err(AnswerState::Failed(TOO_LATE.into())),
        },
    };
    if live.snapshot().columns[column_idx].wait.is_some() {
        waits(None);
    }
    result
}

const TOO_LATE: &str =
    "the model was not loaded within a quarter of an hour; see on the page Models why, and try again";

fn wait(absent: &Absent) -> Wait {
    let percent = if let Absent::NotYet { percent, .. } = absent { *percent } else { None };
    Wait { reason: absent.to_string(), percent }
}

/// All that a column's answers have in common.
struct Ready {
    hosted: Hosted,
    prompt: Arc<[u32]>,
    stop: Vec<String>,
    seeds: HashMap<AnswerId, u64>,
}

/// Renders the prompt and writes down what the answers are about to be made with. The error is a sentence for people.
async fn prepare(
    lab: &Lab,
    live: &Live,
    comparison: &Comparison,
    column_idx: usize,
    hosted: Hosted,
) -> Result<Ready, String> {
    let messages = messages(comparison, column_idx, None)?;
    let rendered = hosted.engine.render(&messages, comparison.beginning.text()).map_err(|err| err.to_string())?;
    let Prepared { made_with, prompt, stop } = prepared(&hosted, rendered)?;
    let position = u32::try_from(column_idx).expect("a comparison has few columns");
    let seeds = store::answers::begin(&lab.db, comparison.id, position, &made_with).await.map_err(|err| told(&err))?;
    live.change(|comparison| show(made_with, &mut comparison.columns[column_idx]));
    Ok(Ready { hosted, prompt, stop, seeds })
}

/// A prompt, ready to be answered.
pub(crate) struct Prepared {
    pub made_with: Provenance,
    pub prompt: Arc<[u32]>,
    /// The texts at which an answer ends.
    pub stop: Vec<String>,
}

/// What answers to this prompt are made with. The error is a sentence for people.
pub(crate) fn prepared(hosted: &Hosted, rendered: Rendered) -> Result<Prepared, String> {
    let Rendered { text, tokens, specials, stop } = rendered;
    let n_tokens = u32::try_from(tokens.len()).map_err(|_| "the prompt is far too long".to_owned())?;
    let made_with = Provenance {
        model_hash: hosted.hash.clone(),
        device: hosted.device.clone(),
        precision: hosted.precision.clone(),
        engine: format!("{ENGINE_VERSION}, logits {}", hosted.engine.shape().steadiness),
        prompt: RenderedPrompt { text, n_tokens, specials },
    };
    Ok(Prepared { made_with, prompt: tokens, stop })
}

fn show(made_with: Provenance, column: &mut domain::Column) {
    let model = column.model.as_mut().expect("the server's own comparisons have names");
    (model.hash, model.device) = (made_with.model_hash, made_with.device);
    (model.precision, model.engine) = (made_with.precision, made_with.engine);
    column.prompt = Some(made_with.prompt);
}

/// What a person may know of a failure of the database; the rest is logged.
fn told(err: &store::Error) -> String {
    match err {
        store::Error::Refused(reason) => reason.clone(),
        err => {
            tracing::error!(error = %err, "an answer could not be kept");
            "the answer could not be saved; the server's log says why".into()
        }
    }
}

/// What the model of a column receives, before its chat template; `message` is that of one sample, where it has its own.
pub(crate) fn messages(
    comparison: &Comparison,
    column_idx: usize,
    message: Option<&str>,
) -> Result<Vec<Message>, String> {
    let utterances = comparison.messages_of(column_idx, message).map_err(|err| err.to_string())?;
    Ok(utterances.into_iter().map(|Utterance { speaker, text }| message_of(speaker, text)).collect())
}

pub(crate) fn message_of(speaker: Speaker, content: String) -> Message {
    let role = match speaker {
        Speaker::System => Role::System,
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    Message { role, content }
}

fn request(ready: &Ready, sampling: Sampling, seed: u64) -> Request {
    let Ready { hosted, prompt, stop, .. } = ready;
    let max_tokens = sampling.max_tokens;
    let sampling = self::sampling(sampling);
    let (stop, score_answer) = (stop.clone(), Some(N_TOP));
    Request { adapter: hosted.adapter, sampling, seed, max_tokens, stop, score_answer, ..Request::new(prompt.clone()) }
}

/// How an engine is told to draw.
pub(crate) fn sampling(Sampling { temperature, top_p, .. }: Sampling) -> engine::Sampling {
    if temperature == 0.0 {
        return engine::Sampling::Greedy;
    }
    engine::Sampling::Random { temperature, top_p, top_k: None }
}

/// Sees one answer to its end.
struct Follower {
    lab: Lab,
    live: Arc<Live>,
    id: AnswerId,
    halts: watch::Receiver<Halt>,
}

impl Follower {
    async fn follow(mut self, generation: Result<Generation, String>, seed: u64) {
        let mut generation = match generation {
            Ok(generation) => generation,
            Err(reason) => return self.end(AnswerState::Failed(reason), None, Scores::default()).await,
        };
        let (mut clock, mut scores) = (Clock::start(seed), Scores::default());
        let state = loop {
            let event = tokio::select! {
                // A wish to stop is heard even while tokens come faster than they are read.
                biased;
                halt = halted(&mut self.halts) => break halt,
                event = generation.next() => event.expect("an end always comes before none"),
            };
            match event {
                Event::Read(_) => {}
                Event::Piece { text, n_tokens, scores: new } => {
                    scores.0.extend(new.into_iter().map(token_score));
                    self.write(&text, clock.count(n_tokens));
                }
                Event::Finished { reason, n_tokens } => {
                    clock.count(n_tokens);
                    break AnswerState::Finished(finish(reason));
                }
                Event::Failed(reason) => break AnswerState::Failed(reason),
            }
        };
        // The engine stops at once, not only after the answer is kept.
        drop(generation);
        self.end(state, clock.facts, scores).await;
    }

    fn write(&self, text: &str, facts: Facts) {
        self.live.change_answer(self.id, |answer| {
            answer.text.push_str(text);
            answer.state = AnswerState::Writing;
            answer.facts = Some(facts);
        });
    }

    /// Keeps the answer; only then are those who watch told that it is over.
    async fn end(&self, state: AnswerState, facts: Option<Facts>, scores: Scores) {
        let comparison = self.live.snapshot();
        let text = comparison.answers().find(|it| it.id == self.id).map(|it| it.text.as_str()).unwrap_or_default();
        let whole = comparison.beginning.and(text);
        // What was cut short has no form to keep or break.
        let check = matches!(state, AnswerState::Finished(_)).then(|| comparison.check(None, &whole));
        let ended = Ended { state: &state, text, facts, check: check.as_ref(), scores: &scores };
        let kept = store::answers::end(&self.lab.db, self.id, &ended).await;
        self.live.change_answer(self.id, |answer| {
            (answer.facts, answer.check) = (facts, check);
            answer.state = match kept {
                Ok(()) => state,
                Err(err) => AnswerState::Failed(told(&err)),
            };
        });
    }
}

async fn halted(halts: &mut watch::Receiver<Halt>) -> AnswerState {
    match halts.wait_for(|halt| *halt != Halt::No).await.map(|halt| *halt) {
        Ok(Halt::Stopped) => AnswerState::Finished(Finish::Stopped),
        Ok(Halt::GoingDown | Halt::No) | Err(_) => AnswerState::CutOff,
    }
}

pub(crate) fn finish(reason: FinishReason) -> Finish {
    match reason {
        FinishReason::Stop => Finish::Stop,
        FinishReason::Length => Finish::Length,
        FinishReason::Full => Finish::Full,
    }
}

/// Measures an answer while it is written.
pub(crate) struct Clock {
    seed: u64,
    asked_at: Instant,
    first_token_at: Option<Instant>,
    pub(crate) facts: Option<Facts>,
}

impl Clock {
    pub(crate) fn start(seed: u64) -> Self {
        Self { seed, asked_at: Instant::now(), first_token_at: None, facts: None }
    }

    /// `n_tokens` have come by now.
    pub(crate) fn count(&mut self, n_tokens: u32) -> Facts {
        let now = Instant::now();
        let first_token_at = *self.first_token_at.get_or_insert(now);
        let facts = Facts {
            seed: self.seed,
            n_tokens,
            first_token_ms: whole_ms(first_token_at - self.asked_at),
            writing_ms: whole_ms(now - first_token_at),
        };
        self.facts = Some(facts);
        facts
    }
}

fn whole_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
