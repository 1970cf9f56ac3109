//! What the machine would do in a lane if nothing but its memory and its multipliers took time.
//!
//! A step reads every weight, the adapters that are present and the keys and values of all rows, and multiplies every
//! weight once for each row; the slower of the two decides. A prompt is a step with many tokens, without the last
//! layer, which only the prompt's last token needs.

use crate::bench::{
    ceilings::Ceilings,
    lane::{Unit, Work},
};
use model::Config;
use serde::Serialize;

/// The sizes of a model that a step reads.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Weights of the layers' products.
    layer_weights: f64,
    /// Weights of the last product, as wide as the vocabulary.
    head_weights: f64,
    weight_bytes: f64,
    /// One adapter.
    adapter_bytes: f64,
    /// Keys and values of one position.
    position_bytes: f64,
}

impl Sizes {
    pub fn of(config: &Config, precision: &str, adapter_weights: u64, position_bytes: u64) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let query = config.num_attention_heads * config.head_dim;
        let key = config.num_key_value_heads * config.head_dim;
        let layer = hidden * (query + 2 * key) + query * hidden + 3 * hidden * inner;
        Self {
            layer_weights: (config.num_hidden_layers * layer) as f64,
            head_weights: (config.vocab_size * hidden) as f64,
            weight_bytes: weight_bytes(precision),
            // Adapters are not quantized.
            adapter_bytes: adapter_weights as f64 * weight_bytes(precision).max(2.0),
            position_bytes: position_bytes as f64,
        }
    }
}

fn weight_bytes(precision: &str) -> f64 {
    match precision {
        "f32" => 4.0,
        // With the scales of their groups.
        "int8" => 9.0 / 8.0,
        "int4" => 5.0 / 8.0,
        _ => 2.0,
    }
}

/// A machine and a model.
pub struct Roof<'a> {
    pub sizes: &'a Sizes,
    pub read_bytes_s: f64,
    pub flop_s: f64,
}

impl<'a> Roof<'a> {
    pub fn new(sizes: &'a Sizes, ceilings: &Ceilings, precision: &str) -> Self {
        Self { sizes, read_bytes_s: ceilings.read_bytes_s(), flop_s: ceilings.flop_s(precision) }
    }

    /// The best possible result of a lane, in its unit.
    pub fn of(&self, work: &Work) -> f64 {
        let n_steps = f64::from(work.new_tokens - 1);
        let n_rows = f64::from(work.n_rows);
        let (prefill, decode) = (self.prefill_s(work), n_steps * self.step_s(work));
        match work.unit {
            Unit::Seconds => prefill,
            Unit::ScoredTokensPerSecond => n_rows * f64::from(work.new_tokens) / self.scoring_s(work),
            Unit::TokensPerSecond => n_rows * f64::from(work.new_tokens) / (prefill + decode),
            Unit::TokensPerSecondAfterFirst => n_rows * n_steps / decode,
        }
    }

    /// `max((W + k·A + rows·T·κ) / bandwidth, 2·P·rows / flop)`, with the cached positions of a shared prompt read once.
    fn step_s(&self, work: &Work) -> f64 {
        let n_rows = f64::from(work.n_rows);
        let prompt_positions = f64::from(work.prompt_tokens) * self.n_prompts(work);
        let own_positions = n_rows * f64::from(work.new_tokens) / 2.0; // On the average over the answer.
        let positions_bytes = (prompt_positions + own_positions) * self.sizes.position_bytes;
        let weights = self.sizes.layer_weights + self.sizes.head_weights;
        let read = self.weights_bytes(work) + positions_bytes;
        (read / self.read_bytes_s).max(2.0 * weights * n_rows / self.flop_s)
    }

    /// `max((W + k·A) / bandwidth, 2·P·tokens / flop)`, the last layer only for the last token of each prompt.
    fn prefill_s(&self, work: &Work) -> f64 {
        let n_prompts = self.n_prompts(work);
        let n_tokens = n_prompts * f64::from(work.prompt_tokens);
        let flop = 2.0 * (self.sizes.layer_weights * n_tokens + self.sizes.head_weights * n_prompts);
        (self.weights_bytes(work) / self.read_bytes_s).max(flop / self.flop_s)
    }

    /// As a prompt, with the last layer for every token of the answers.
    fn scoring_s(&self, work: &Work) -> f64 {
        let n_answered = f64::from(work.n_rows * work.new_tokens);
        let n_tokens = self.n_prompts(work) * f64::from(work.prompt_tokens) + n_answered;
        let flop = 2.0 * (self.sizes.layer_weights * n_tokens + self.sizes.head_weights * n_answered);
        (self.weights_bytes(work) / self.read_bytes_s).max(flop / self.flop_s)
    }

    fn weights_bytes(&self, work: &Work) -> f64 {
        let weights = self.sizes.layer_weights + self.sizes.head_weights;
        weights * self.sizes.weight_bytes + f64::from(work.n_adapters()) * self.sizes.adapter_bytes
    }

    /// A prompt can be shared by the samples of one variant, but not between variants.
    fn n_prompts(&self, work: &Work) -> f64 {
        let is_one = work.shares_prompt && !work.has_variants;
        if is_one { 1.0 } else { f64::from(work.n_rows) }
    }
}

#[cfg(test)]
mod tests;
