//! Asks a running engine for the answers of a lane and holds the watch.

use crate::bench::lane::{Unit, Work};
use anyhow::{Result, bail, ensure};
use engine::{AdapterIdx, Engine, Event, Generation, NTop, Request, Sampling};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// One run of a lane.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// From asking to the last token.
    pub seconds: f64,
    /// From asking until every row had its first token.
    pub first_seconds: f64,
    /// New or scored tokens of all rows.
    pub tokens: u64,
    /// The result, in the unit of the lane.
    pub value: f64,
}

/// Temperature 1 and the whole vocabulary: what the evaluations use.
pub const PLAIN: Sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };

/// Whom to ask.
pub struct Desk {
    pub engine: Engine,
    pub vocabulary_size: u32,
}

impl Desk {
    /// One run; its number chooses prompts and seeds.
    pub async fn run(&self, work: &Work, number: u64) -> Result<Run> {
        let requests = self.requests(work, number);
        let begun = Instant::now();
        let run = Run::of(work, &follow_all(&self.engine, requests, begun).await?);
        let expected = u64::from(work.n_rows * work.new_tokens);
        ensure!(run.tokens == expected, "{} tokens came instead of {expected}", run.tokens);
        Ok(run)
    }

    fn requests(&self, work: &Work, number: u64) -> Vec<Request> {
        let shared: Arc<[u32]> = self.tokens(number, u64::MAX, work.prompt_tokens).into();
        let own = |row| self.tokens(number, row, work.prompt_tokens).into();
        let prompt = |row| if work.shares_prompt { shared.clone() } else { own(row) };
        let request = |row: u32| Request {
            adapter: AdapterIdx(if work.has_variants { row } else { 0 }),
            ..match work.unit {
                Unit::ScoredTokensPerSecond => scored(shared.clone(), self.tokens(number, row.into(), work.new_tokens)),
                _ => drawn(prompt(row.into()), work.new_tokens, number << 32 | u64::from(row)),
            }
        };
        (0..work.n_rows).map(request).collect()
    }

    /// Tokens without meaning, other ones for every run and row.
    fn tokens(&self, number: u64, row: u64, n_tokens: u32) -> Vec<u32> {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ row.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let mut token = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % u64::from(self.vocabulary_size)) as u32
        };
        (0..n_tokens).map(|_| token()).collect()
    }
}

fn drawn(prompt: Arc<[u32]>, n_tokens: u32, seed: u64) -> Request {
    Request { sampling: PLAIN, seed, max_tokens: n_tokens, ignore_end: true, ..Request::new(prompt) }
}

/// Asks how likely the answer is after the prompt.
fn scored(prompt: Arc<[u32]>, answer: Vec<u32>) -> Request {
    Request { max_tokens: 0, given: answer.into(), score_given: Some(NTop(0)), ..Request::new(prompt) }
}

/// When one answer came, counted from asking.
struct Timeline {
    first: Duration,
    last: Duration,
    n_tokens: u64,
}

async fn follow_all(engine: &Engine, requests: Vec<Request>, begun: Instant) -> Result<Vec<Timeline>> {
    let mut answers = JoinSet::new();
    for request in requests {
        answers.spawn(follow(engine.generate(request)?, begun));
    }
    answers.join_all().await.into_iter().collect()
}

async fn follow(mut generation: Generation, begun: Instant) -> Result<Timeline> {
    let (mut first, mut n_tokens) = (None, 0);
    while let Some(event) = generation.next().await {
        let now = begun.elapsed();
        let first = *first.get_or_insert(now);
        match event {
            Event::Read(scores) => n_tokens = scores.len() as u64,
            Event::Piece { .. } => {}
            Event::Finished { n_tokens: n_drawn, .. } => {
                return Ok(Timeline { first, last: now, n_tokens: n_tokens + u64::from(n_drawn) });
            }
            Event::Failed(reason) => bail!("an answer failed: {reason}"),
        }
    }
    bail!("an answer never ended")
}

impl Run {
    fn of(work: &Work, timelines: &[Timeline]) -> Self {
        let latest =
            |instant: fn(&Timeline) -> Duration| timelines.iter().map(instant).max().unwrap_or_default().as_secs_f64();
        let (seconds, first_seconds) = (latest(|it| it.last), latest(|it| it.first));
        let tokens = timelines.iter().map(|it| it.n_tokens).sum();
        let value = match work.unit {
            Unit::Seconds => first_seconds,
            Unit::TokensPerSecond | Unit::ScoredTokensPerSecond => tokens as f64 / seconds,
            Unit::TokensPerSecondAfterFirst => (tokens - u64::from(work.n_rows)) as f64 / (seconds - first_seconds),
        };
        Self { seconds, first_seconds, tokens, value }
    }
}
