//! The linear layers of a decoder layer, and the four products they are computed in.
//!
//! Layers with the same input stand in one matrix: q, k and v, and gate and up. That halves the calls of a step.

use crate::config::{AttentionBias, Config};

/// One product of a decoder layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Qkv,
    O,
    GateUp,
    Down,
}

/// A linear layer by its name in the checkpoint, for instance `self_attn.q_proj`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    pub name: &'static str,
    pub n_inputs: i64,
    pub n_outputs: i64,
    pub has_bias: bool,
}

impl Product {
    pub const ALL: [Product; 4] = [Product::Qkv, Product::O, Product::GateUp, Product::Down];

    /// The layers that stand in this product's matrix, from top to bottom.
    pub fn modules(self, config: &Config) -> Vec<Module> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (query, key) = (config.query_size(), config.key_size());
        let has_bias = self.has_bias(config);
        let module = |name, n_inputs, n_outputs| Module { name, n_inputs, n_outputs, has_bias };
        match self {
            Product::Qkv => vec![
                module("self_attn.q_proj", hidden, query),
                module("self_attn.k_proj", hidden, key),
                module("self_attn.v_proj", hidden, key),
            ],
            Product::O => vec![module("self_attn.o_proj", query, hidden)],
            Product::GateUp => vec![module("mlp.gate_proj", hidden, inner), module("mlp.up_proj", hidden, inner)],
            Product::Down => vec![module("mlp.down_proj", inner, hidden)],
        }
    }

    fn has_bias(self, config: &Config) -> bool {
        match self {
            Product::Qkv => config.attention_bias != AttentionBias::None,
            Product::O => config.attention_bias == AttentionBias::All,
            Product::GateUp | Product::Down => config.mlp_bias,
        }
    }

    /// `(out, in)` of the product's matrix.
    pub fn shape(self, config: &Config) -> (i64, i64) {
        let modules = self.modules(config);
        (modules.iter().map(|module| module.n_outputs).sum(), modules[0].n_inputs)
    }
}

impl Module {
    /// The name in the whole model, for instance `model.layers.3.self_attn.q_proj`.
    pub fn path(&self, layer: i64) -> String {
        format!("model.layers.{layer}.{}", self.name)
    }
}
