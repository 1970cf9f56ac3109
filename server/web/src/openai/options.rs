//! What a client may ask of both kinds of completion, and what it means to an engine.

use super::error::Error;
use crate::limits::Limits;
use domain::Sampling;
use engine::{Engine, NTop, Penalties, Priority, Request};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The fields that chat completions and completions have in common.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Options {
    /// One of `/v1/models`.
    pub model: String,
    /// Answers to each prompt. The prompt is fed once for all of them.
    #[schema(minimum = 1, default = 1)]
    n: Option<u32>,
    /// Tokens of each answer at most.
    max_tokens: Option<u32>,
    #[schema(minimum = 0, maximum = 2, default = 1)]
    temperature: Option<f64>,
    /// Keeps the smallest set of tokens that has this much of the probability.
    #[schema(exclusive_minimum = 0, maximum = 1, default = 1)]
    top_p: Option<f64>,
    /// Keeps that many of the likeliest tokens; 0 or -1 keeps all. Not in OpenAI's API.
    #[schema(minimum = -1)]
    top_k: Option<i64>,
    /// Fixes the draws. Answer `i` of `n` is drawn with a number made of this and `i`. Without it, each request draws anew.
    seed: Option<i64>,
    /// The answer ends before the first of these.
    stop: Option<Stop>,
    /// Taken off the logit of each token that the answer holds already.
    #[schema(minimum = -2, maximum = 2, default = 0)]
    presence_penalty: Option<f64>,
    /// The same, as often as the answer holds the token.
    #[schema(minimum = -2, maximum = 2, default = 0)]
    frequency_penalty: Option<f64>,
    /// Added to the logits of these tokens, named by their numbers; each from -100 to 100.
    #[serde(default)]
    logit_bias: BTreeMap<String, f32>,
    /// Whether an answer goes on after the token that ends it. Not in OpenAI's API.
    ignore_eos: Option<bool>,
    /// How likely the model finds the prompt, with so many of the likeliest tokens for each place. Not in OpenAI's API; in
    /// the shape that vLLM gives it.
    #[schema(minimum = 0, maximum = 20)]
    pub prompt_logprobs: Option<u8>,
    /// Sends the answer piece by piece, as an event stream.
    #[schema(default = false)]
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// Whether somebody is watching, or it is part of a large run which lets others go first. Not in OpenAI's API.
    #[serde(default)]
    priority: Urgency,
    /// Who asks, for statistics that are not kept here.
    #[serde(rename = "user")]
    _user: Option<String>,
    /// The same by its newer name.
    #[serde(rename = "safety_identifier")]
    _safety_identifier: Option<String>,
    /// A hint for caches that are not kept here.
    #[serde(rename = "prompt_cache_key")]
    _prompt_cache_key: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct StreamOptions {
    /// Whether the stream ends with the count of tokens.
    include_usage: bool,
    /// Whether pieces are padded against those who measure them on the line. They are not.
    #[serde(rename = "include_obfuscation")]
    _include_obfuscation: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Urgency {
    #[default]
    Interactive,
    Bulk,
}

/// How the response is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    Stream { include_usage: bool },
}

impl Options {
    pub fn n(&self, limits: &Limits) -> Result<u32, Error> {
        within("n", self.n.unwrap_or(1), 1, limits.n_max)
    }

    /// The limit of each answer's length, where one was given.
    pub fn max_tokens(&self, limits: &Limits) -> Result<Option<u32>, Error> {
        self.max_tokens.map(|it| within("max_tokens", it, 0, limits.tokens_max)).transpose()
    }

    pub fn seed(&self) -> u64 {
        // OpenAI allows negative seeds; the same bits serve.
        self.seed.map_or_else(fresh_seed, i64::cast_unsigned)
    }

    pub fn delivery(&self) -> Result<Delivery, Error> {
        match (self.stream.unwrap_or(false), &self.stream_options) {
            (false, Some(_)) => Err(Error::invalid("stream_options", "stream_options go with stream: true only")),
            (true, _) if self.prompt_logprobs.is_some() => {
                Err(Error::invalid("prompt_logprobs", "prompt_logprobs are not part of a stream; ask without stream"))
            }
            (false, None) => Ok(Delivery::Whole),
            (true, options) => {
                Ok(Delivery::Stream { include_usage: options.as_ref().is_some_and(|it| it.include_usage) })
            }
        }
    }

    /// Everything but the prompt, the model's variant, the seed and what the one kind of completion alone has.
    pub fn request(&self, engine: &Engine) -> Result<Request, Error> {
        Ok(Request {
            sampling: self.sampling()?,
            penalties: self.penalties()?,
            logit_bias: self.logit_bias(engine)?.into(),
            stop: self.stop()?,
            ignore_end: self.ignore_eos.unwrap_or(false),
            score_prompt: self.prompt_logprobs.map(|it| n_top("prompt_logprobs", it)).transpose()?,
            priority: match self.priority {
                Urgency::Interactive => Priority::Interactive,
                Urgency::Bulk => Priority::Bulk,
            },
            ..Request::new([])
        })
    }

    fn sampling(&self) -> Result<engine::Sampling, Error> {
        let temperature = within("temperature", self.temperature.unwrap_or(1.0), 0.0, Sampling::TEMPERATURE_MAX)?;
        let top_p = within("top_p", self.top_p.unwrap_or(1.0), 0.0, 1.0)?;
        if top_p == 0.0 {
            return Err(Error::invalid(
                "top_p",
                "top_p is 0, which leaves no token; for the likeliest, set temperature to 0",
            ));
        }
        let top_k = match within("top_k", self.top_k.unwrap_or(0), -1, i64::from(u32::MAX))? {
            -1 | 0 => None,
            top_k => Some(u32::try_from(top_k).expect("it was just compared")),
        };
        Ok(match temperature {
            0.0 => engine::Sampling::Greedy,
            _ => engine::Sampling::Random { temperature, top_p, top_k },
        })
    }

    fn penalties(&self) -> Result<Penalties, Error> {
        Ok(Penalties {
            presence: within("presence_penalty", self.presence_penalty.unwrap_or(0.0), -2.0, 2.0)?,
            frequency: within("frequency_penalty", self.frequency_penalty.unwrap_or(0.0), -2.0, 2.0)?,
        })
    }

    fn logit_bias(&self, engine: &Engine) -> Result<Vec<(u32, f32)>, Error> {
        if self.logit_bias.len() > BIASES_MAX {
            return Err(Error::invalid("logit_bias", format!("logit_bias names more than {BIASES_MAX} tokens")));
        }
        self.logit_bias.iter().map(|(token, bias)| Ok((token_of(token, engine)?, bias_of(*bias)?))).collect()
    }

    fn stop(&self) -> Result<Vec<String>, Error> {
        let stop = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(stop)) => vec![stop.clone()],
            Some(Stop::Many(stops)) => stops.clone(),
        };
        let is_legal = |it: &String| (1..=STOP_BYTES_MAX).contains(&it.len());
        if stop.len() > STOPS_MAX || !stop.iter().all(is_legal) {
            let message = format!("stop must be at most {STOPS_MAX} texts of 1 to {STOP_BYTES_MAX} bytes");
            return Err(Error::invalid("stop", message));
        }
        Ok(stop)
    }
}

const BIASES_MAX: usize = 1_024;

/// As [`Request::stop`] has it.
const STOPS_MAX: usize = 16;
const STOP_BYTES_MAX: usize = 1_024;

/// A number is written in one way only, so that no token is named twice.
fn token_of(written: &str, engine: &Engine) -> Result<u32, Error> {
    let token = written.parse().ok().filter(|it: &u32| it.to_string() == written);
    let token = token.filter(|&it| engine.written(&[it]).is_ok());
    token.ok_or_else(|| {
        Error::invalid("logit_bias", format!("logit_bias names “{written}”, which is no token's number"))
    })
}

fn bias_of(bias: f32) -> Result<f32, Error> {
    within("logit_bias", bias, -100.0, 100.0)
}

pub fn n_top(param: &'static str, n: u8) -> Result<NTop, Error> {
    within(param, n, 0, NTop::MAX).map(NTop)
}

pub fn within<T: PartialOrd + std::fmt::Display>(param: &str, value: T, low: T, high: T) -> Result<T, Error> {
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
