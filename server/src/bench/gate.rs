//! What another program needs to see that this one computes the same: greedy answers, scores of given texts, draws.

use crate::bench::answers::PLAIN;
use anyhow::{Context, Result, bail};
use engine::{Engine, Event, NTop, Request, TokenScore};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};

/// What is asked, as the file given with `--gate` has it. All texts are tokens.
#[derive(Deserialize)]
pub struct Questions {
    /// To be answered greedily with `new_tokens` tokens each.
    prompts: Vec<Vec<u32>>,
    new_tokens: u32,
    /// To be scored, from the second token on.
    texts: Vec<Vec<u32>>,
    /// To be followed by one drawn token, `n_draws` times.
    draw_prompt: Vec<u32>,
    n_draws: u64,
}

#[derive(Serialize)]
pub struct Answers {
    greedy: Vec<Vec<u32>>,
    logprobs: Vec<Vec<f32>>,
    draws: Vec<u32>,
}

impl Questions {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    pub async fn answer(&self, engine: &Engine) -> Result<Answers> {
        let greedy = self.prompts.iter().map(|prompt| greedy(prompt, self.new_tokens)).collect();
        let texts = self.texts.iter().map(|text| scored(text)).collect();
        let prompt: Arc<[u32]> = self.draw_prompt.as_slice().into();
        let draws = (0..self.n_draws).map(|seed| drawn(&prompt, seed)).collect();
        Ok(Answers {
            greedy: ask(engine, greedy).await?.iter().map(|it| ids(&it.answer)).collect(),
            logprobs: ask(engine, texts).await?.iter().map(|it| logprobs(&it.prompt)).collect(),
            draws: ask(engine, draws).await?.iter().flat_map(|it| ids(&it.answer)).collect(),
        })
    }
}

fn greedy(prompt: &[u32], n_tokens: u32) -> Request {
    Request { max_tokens: n_tokens, ignore_end: true, score_answer: Some(NTop(0)), ..Request::new(prompt) }
}

fn scored(text: &[u32]) -> Request {
    Request { max_tokens: 0, score_prompt: Some(NTop(0)), ..Request::new(text) }
}

fn drawn(prompt: &Arc<[u32]>, seed: u64) -> Request {
    let one = Request { max_tokens: 1, ignore_end: true, score_answer: Some(NTop(0)), ..Request::new(prompt.clone()) };
    Request { sampling: PLAIN, seed, ..one }
}

fn ids(scores: &[TokenScore]) -> Vec<u32> {
    scores.iter().map(|score| score.token.id).collect()
}

fn logprobs(scores: &[TokenScore]) -> Vec<f32> {
    scores.iter().map(|score| score.token.logprob).collect()
}

/// Scores of one request: those it asked for.
#[derive(Default)]
struct Scores {
    prompt: Vec<TokenScore>,
    answer: Vec<TokenScore>,
}

/// As many at once as the engine has slots for, so that none is refused.
async fn ask(engine: &Engine, requests: Vec<Request>) -> Result<Vec<Scores>> {
    let mut scores = Vec::with_capacity(requests.len());
    for chunk in requests.chunks(engine.shape().n_slots as usize) {
        let generations: Vec<_> =
            chunk.iter().map(|request| engine.generate(request.clone())).collect::<Result<_, _>>()?;
        for generation in generations {
            scores.push(gather(generation).await?);
        }
    }
    Ok(scores)
}

async fn gather(mut generation: engine::Generation) -> Result<Scores> {
    let mut gathered = Scores::default();
    while let Some(event) = generation.next().await {
        match event {
            Event::Read(scores) => gathered.prompt = scores,
            Event::Piece { scores, .. } => gathered.answer.extend(scores),
            Event::Finished { .. } => return Ok(gathered),
            Event::Failed(reason) => bail!("an answer failed: {reason}"),
        }
    }
    bail!("an answer never ended")
}
