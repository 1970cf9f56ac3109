//! What an endpoint replied, and what of it counts. Nothing of a reply is ever quoted in a failure.

use crate::judges::{
    Asked, JudgeFailure,
    numeric::{self, Numeric},
};
use domain::Judgement;
use serde::Deserialize;

/// A chat completion, as far as it is read.
#[derive(Debug, Deserialize)]
pub struct Reply {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
    logprobs: Option<Logprobs>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    content: Option<Vec<Place>>,
}

/// One place of the reply, with the likeliest tokens there.
#[derive(Debug, Deserialize)]
struct Place {
    #[serde(default)]
    top_logprobs: Vec<Likely>,
}

#[derive(Debug, Deserialize)]
struct Likely {
    token: String,
    logprob: f64,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: u64,
}

/// A token with its probability.
pub type FirstToken<'a> = (&'a str, f64);

impl Reply {
    pub fn parse(body: &[u8]) -> Result<Self, JudgeFailure> {
        let reply: Self = serde_json::from_slice(body).map_err(|_| JudgeFailure::lasting(UNREADABLE))?;
        if reply.choices.is_empty() { Err(JudgeFailure::lasting(UNREADABLE)) } else { Ok(reply) }
    }

    /// As the endpoint counts them, or none where it does not.
    pub fn n_tokens(&self) -> u64 {
        self.usage.as_ref().map_or(0, |it| it.total_tokens)
    }

    pub fn text(&self) -> &str {
        self.choices[0].message.content.as_deref().unwrap_or_default()
    }

    /// The likeliest first tokens; None where it tells none.
    pub fn first_tokens(&self) -> Result<Option<Vec<FirstToken<'_>>>, JudgeFailure> {
        let places = self.choices[0].logprobs.as_ref().and_then(|it| it.content.as_ref());
        let Some(first) = places.and_then(|it| it.first()).filter(|it| !it.top_logprobs.is_empty()) else {
            return Ok(None);
        };
        let tokens: Vec<_> = first.top_logprobs.iter().map(|it| (it.token.as_str(), it.logprob.exp())).collect();
        let sum: f64 = tokens.iter().map(|(_, probability)| probability).sum();
        // Rounded logarithms may sum to a little more.
        if sum > 1.01 { Err(JudgeFailure::lasting(NOT_PROBABLE)) } else { Ok(Some(tokens)) }
    }
}

const UNREADABLE: &str = "the endpoint's reply is no chat completion";
const NOT_PROBABLE: &str = "the endpoint's probabilities sum to more than 1";

/// Out of the likeliest first tokens.
pub fn judgement(asked: &Asked, first: &[FirstToken]) -> Judgement {
    let mut numeric = Numeric::default();
    for (token, probability) in first {
        if let Some(number) = numeric::integer(token) {
            numeric.add(number, *probability);
        }
    }
    numeric.judgement(asked, first.iter().copied())
}

/// Out of whole replies at temperature 1, each of which counts alike.
pub fn judgement_of_samples(asked: &Asked, texts: &[&str]) -> Judgement {
    let share = 1.0 / texts.len() as f64;
    let mut numeric = Numeric::default();
    texts.iter().filter_map(|text| numeric::integer(text)).for_each(|number| numeric.add(number, share));
    let words = asked.prompt.words();
    numeric.judgement(asked, texts.iter().filter_map(|text| Some((numeric::word(&words, text)?, share))))
}
