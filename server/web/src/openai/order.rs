//! A request that can be carried out, whichever kind of completion it asks for.

use super::{
    error::Error,
    options::{Delivery, Options},
};
use crate::limits::Limits;
use domain::ModelId;
use engine::Request;
use lab::{Hosted, Models};
use std::sync::Arc;

pub struct Order {
    pub model: String,
    pub hosted: Hosted,
    pub prompts: Vec<Prompt>,
    /// Answers to each prompt.
    pub n: u32,
    pub delivery: Delivery,
    /// What all answers have in common.
    request: Request,
    seed: u64,
}

#[derive(Clone)]
pub struct Prompt {
    pub text: String,
    /// One allocation for all answers, by which the engine knows to feed it once.
    pub tokens: Arc<[u32]>,
}

impl Order {
    pub fn new(
        options: &Options,
        hosted: Hosted,
        prompts: Vec<Prompt>,
        request: Request,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let n = options.n(limits)?;
        let n_answers = u64::from(n) * prompts.len() as u64;
        if n_answers > u64::from(limits.answers_per_client_max) {
            let most = limits.answers_per_client_max;
            let message = format!("that makes {n_answers} answers, but one client may have {most} in hand");
            return Err(Error::invalid("n", message));
        }
        let (model, delivery, seed) = (options.model.clone(), options.delivery()?, options.seed());
        let request = Request { adapter: hosted.adapter, ..request };
        Ok(Self { model, hosted, prompts, n, delivery, request, seed })
    }

    pub fn n_answers(&self) -> u32 {
        self.n * self.prompts.len() as u32
    }

    /// The prompt of this answer: all answers to the first prompt come first.
    pub fn prompt_of(&self, answer_idx: u32) -> &Prompt {
        &self.prompts[(answer_idx / self.n) as usize]
    }

    /// One request to the engine for each answer. Answers to one prompt have seeds of their own; the same seeds serve for
    /// the next prompt.
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        (0..self.n_answers()).map(|idx| Request {
            prompt: self.prompt_of(idx).tokens.clone(),
            seed: self.seed.wrapping_add(u64::from(idx % self.n).wrapping_mul(GOLDEN)),
            ..self.request.clone()
        })
    }

    /// Tokens fed, each prompt counted once.
    pub fn n_prompt_tokens(&self) -> u32 {
        self.prompts.iter().map(|it| it.tokens.len() as u32).sum()
    }

    /// By which answers can be told apart that cannot be expected to be the same: the program, the model's files, the
    /// precision and the device.
    pub fn fingerprint(&self) -> String {
        let Hosted { hash, device, precision, .. } = &self.hosted;
        let hash = &hash[..hash.floor_char_boundary(12)];
        format!("plumbline-{}-{hash}-{precision}-{device}", env!("CARGO_PKG_VERSION"))
    }
}

/// 2⁶⁴ divided by the golden ratio: its multiples stay far apart (Knuth, The Art of Computer Programming, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The model of that name, if it can answer; one that is not in memory is loaded from now on.
pub fn hosted(models: &Models, id: &str) -> Result<Hosted, Error> {
    Ok(models.hosted(&ModelId(id.to_owned()))?)
}
