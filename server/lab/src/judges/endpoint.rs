//! A judge behind an OpenAI-compatible endpoint: the published method, which reads a score out of the likeliest first tokens
//! of the reply.
//!
//! Where an endpoint tells no probabilities, the score is the mean of five integers sampled at temperature 1, as
//! `vibes_eval` has it, and the mass on numbers the share of samples that are one: coarser, and five times as dear. Which
//! endpoints there are only the operator says, in `judges.toml`; nothing that a visitor sends names one.

mod address;
mod allowance;
mod line;
mod reply;

use super::{Asked, Judge, JudgeFailure, numeric};
use allowance::Allowance;
use async_trait::async_trait;
use domain::{JudgeId, JudgeKind, Judgement};
use futures::future::try_join_all;
use line::{Answered, Line};
use reply::Reply;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

pub use address::Address;
pub use line::{Caps, Key};

/// Samples where no probabilities are told.
const N_SAMPLES: u8 = 5;

/// Room for a number or a word, and for what makes it neither.
const REPLY_TOKENS_MAX: u32 = 16;

const N_TOP: u32 = 20;

pub struct EndpointJudge {
    id: JudgeId,
    settings: Settings,
    line: Line,
    allowance: Allowance,
    /// Until it turns out otherwise.
    tells_probabilities: AtomicBool,
    patience: Patience,
}

/// `[endpoint.NAME]` of `judges.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Up to and without `/chat/completions`.
    pub url: String,
    pub model: String,
    /// The variable of the environment that holds the key; none for an endpoint that wants none.
    pub key_env: Option<String>,
    /// Whether it may be reached without encryption elsewhere than on this machine.
    #[serde(default)]
    pub allow_http: bool,
    /// Whether it may lie in a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// Whether to ask for probabilities; some endpoints refuse a request that does.
    #[serde(default = "yes")]
    pub logprobs: bool,
    #[serde(default = "n_at_once")]
    pub n_at_once: u16,
    #[serde(default = "requests_per_minute")]
    pub requests_per_minute: u32,
    /// Since the server was started; without one, as many as are asked for.
    pub requests_max: Option<u64>,
    /// The same of tokens, as the endpoint counts them.
    pub tokens_max: Option<u64>,
}

/// How long it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub n_tries: u32,
    /// Before the second try; doubled with each, and shortened or lengthened by up to a quarter.
    pub first_wait: Duration,
    /// Where the endpoint itself asks for a longer one, the judgement is given up for now.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { n_tries: 6, first_wait: Duration::from_secs(1), wait_max: Duration::from_secs(120) }
    }
}

fn yes() -> bool {
    true
}

fn n_at_once() -> u16 {
    8
}

fn requests_per_minute() -> u32 {
    600
}

impl EndpointJudge {
    /// `name` is the one in the file. The error says which setting is wrong.
    pub fn new(name: &str, settings: Settings, key: Option<Key>) -> Result<Self, String> {
        Self::with(name, settings, key, Patience::default(), Caps::default())
    }

    pub(super) fn with(
        name: &str,
        settings: Settings,
        key: Option<Key>,
        patience: Patience,
        caps: Caps,
    ) -> Result<Self, String> {
        if settings.requests_per_minute == 0 || settings.n_at_once == 0 {
            return Err("requests_per_minute and n_at_once must be at least 1".into());
        }
        let address = Address::parse(&settings.url, settings.allow_http, settings.allow_private)?;
        Ok(Self {
            id: JudgeId(format!("endpoint:{name}")),
            line: Line::new(address, key, caps),
            allowance: Allowance::new(settings.requests_per_minute, settings.requests_max, settings.tokens_max),
            tells_probabilities: AtomicBool::new(settings.logprobs),
            settings,
            patience,
        })
    }

    async fn score(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        if self.tells_probabilities.load(Ordering::Relaxed) {
            let body = json!({"max_tokens": 1, "temperature": 0, "logprobs": true, "top_logprobs": N_TOP, "seed": 0});
            let reply = self.reply(asked, body).await?;
            if let Some(first) = reply.first_tokens()? {
                return Ok(reply::judgement(asked, &first));
            }
            tracing::info!(
                judge.id = self.id.0,
                "this endpoint tells no probabilities; its scores are means of samples"
            );
            self.tells_probabilities.store(false, Ordering::Relaxed);
        }
        let sample = |seed| json!({"max_tokens": REPLY_TOKENS_MAX, "temperature": 1, "seed": seed});
        let samples = try_join_all((0..N_SAMPLES).map(|seed| self.reply(asked, sample(seed)))).await?;
        let texts: Vec<_> = samples.iter().map(Reply::text).collect();
        Ok(reply::judgement_of_samples(asked, &texts))
    }

    async fn word(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        let reply = self.reply(asked, json!({"max_tokens": REPLY_TOKENS_MAX, "temperature": 0, "seed": 0})).await?;
        Ok(asked.word(numeric::word(&asked.prompt.words(), reply.text()).map(str::to_owned)))
    }

    async fn reply(&self, asked: &Asked, mut body: Value) -> Result<Reply, JudgeFailure> {
        body["model"] = json!(self.settings.model);
        body["messages"] = json!([{"role": "user", "content": asked.message()}]);
        let body = body.to_string();
        let mut wait = self.patience.first_wait;
        let mut n_tries = 1;
        loop {
            self.allowance.take().await?;
            let (failure, asked_wait) = match self.line.post(&body).await? {
                Answered::Body(bytes) => {
                    let reply = Reply::parse(&bytes)?;
                    self.allowance.spend(reply.n_tokens());
                    return Ok(reply);
                }
                Answered::Not { failure, wait } => (failure, wait),
            };
            let pause = asked_wait.unwrap_or_else(|| wait.mul_f64(rand::random_range(0.75..1.25)));
            if !failure.is_passing || n_tries == self.patience.n_tries || pause > self.patience.wait_max {
                return Err(failure);
            }
            match asked_wait {
                Some(_) => self.allowance.pause(pause),
                None => tokio::time::sleep(pause).await,
            }
            (wait, n_tries) = (wait * 2, n_tries + 1);
        }
    }
}

#[async_trait]
impl Judge for EndpointJudge {
    fn id(&self) -> JudgeId {
        self.id.clone()
    }

    fn n_at_once(&self) -> usize {
        self.settings.n_at_once.into()
    }

    async fn judge(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        match asked.prompt.kind() {
            JudgeKind::Score => self.score(asked).await,
            JudgeKind::Word => self.word(asked).await,
        }
    }
}

#[cfg(test)]
mod tests;
