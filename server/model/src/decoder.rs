//! The decoder: token ids and cached positions to logits, with every row's own adapter added on the way.
//!
//! The decoder is `&self` and the cache is passed in: many sequences, one set of weights.

use tch::{Kind, Tensor};

use crate::LoadError;
use crate::cache::Cache;
use crate::config::{Config, LastLayer};
use crate::layer::{Layer, Norm, Step, expected_of_layer};
use crate::linear::Linear;
use crate::listing::Expected;
use crate::lora::{Adapter, LayerDeltas};
use crate::packed::Packed;
use crate::placement::Place;
use crate::rotary::Rotary;
use crate::weights::Weights;

/// The weights that all variants share.
pub struct Decoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    norm: Norm,
    last: Last,
    rotary: Rotary,
    /// For layers that look through a window, where it is another.
    local_rotary: Option<Rotary>,
}

impl Decoder {
    /// The last hidden states of the tokens that `packed` asks for, normalized, `(outputs, C)`. Keys and values of all
    /// its tokens go into the cache.
    pub fn forward(&self, adapters: &[Adapter], packed: &Packed, cache: &mut Cache) -> Tensor {
        let turns = |rotary: &Rotary| rotary.at(&packed.positions);
        let step = Step { packed, turns: turns(&self.rotary), local_turns: self.local_rotary.as_ref().map(turns) };
        let mut x = self.embeddings.forward(&packed.tokens); // (N, C)
        for (idx, layer) in self.layers.iter().enumerate() {
            let deltas = LayerDeltas { adapters, slices: &packed.slices, layer: idx };
            layer.forward(&mut x, &step, deltas, cache.layer(idx));
        }
        let x = packed.outputs.as_ref().map_or(x.shallow_clone(), |outputs| x.index_select(0, outputs));
        self.norm.forward(&x)
    }

    /// Logits in f32, hidden states `(n, C)` → `(n, V)`. As wide as the vocabulary: only for what is wanted, and not for
    /// too many at once.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        self.last.forward(hidden)
    }
}

struct Embeddings {
    /// `(V, C)`
    weight: Linear,
    /// A number, rounded as the weights are.
    scale: Option<Tensor>,
}

impl Embeddings {
    /// Token ids `(N)` → `(N, C)`.
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let x = self.weight.look_up(tokens);
        match &self.scale {
            Some(scale) => x * scale,
            None => x,
        }
    }
}

/// The layer that makes logits.
struct Last {
    /// `(V, C)`
    weight: Linear,
    soft_cap: Option<f64>,
}

impl Last {
    /// `(N, C)` → `(N, V)`, in f32.
    fn forward(&self, x: &Tensor) -> Tensor {
        let mut logits = self.weight.forward(x).to_kind(Kind::Float);
        if let Some(cap) = self.soft_cap {
            let _ = logits.g_div_scalar_(cap).tanh_().g_mul_scalar_(cap);
        }
        logits
    }
}

const EMBED_TOKENS: &str = "model.embed_tokens.weight";
const LM_HEAD: &str = "lm_head.weight";
const NORM: &str = "model.norm.weight";

/// Whether a tensor is as wide as the vocabulary.
pub fn is_table(name: &str) -> bool {
    name == EMBED_TOKENS || name == LM_HEAD
}

/// The tensors of a checkpoint of this configuration.
pub fn expected(config: &Config) -> Expected {
    let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
    let mut expected = Expected::new();
    expected.insert(EMBED_TOKENS.to_owned(), vec![vocabulary, hidden]);
    expected.insert(NORM.to_owned(), vec![hidden]);
    if config.last_layer == LastLayer::Own {
        expected.insert(LM_HEAD.to_owned(), vec![vocabulary, hidden]);
    }
    for layer in 0..config.num_hidden_layers {
        expected.extend(expected_of_layer(config, layer));
    }
    expected
}

/// Tensors that may be there.
pub fn optional(config: &Config) -> Expected {
    let mut optional = Expected::new();
    if config.last_layer != LastLayer::Own {
        optional.insert(LM_HEAD.to_owned(), vec![config.vocab_size, config.hidden_size]);
    }
    for layer in 0..config.num_hidden_layers {
        optional.insert(format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq"), vec![config.head_dim / 2]);
    }
    optional
}

impl Decoder {
    /// Puts together the tensors that [`expected`] names.
    pub fn build(config: &Config, weights: &mut Weights, place: &Place) -> Result<Decoder, LoadError> {
        let embed_tokens = weights.take(EMBED_TOKENS);
        let own_last = own_last_weight(config, weights, &embed_tokens)?;
        let table = |weight: Tensor| {
            Linear::stack(&[weight], None, place.table_precision(), place)
                .map_err(|reason| LoadError::Torch { doing: "place the embeddings".to_owned(), reason })
        };
        let embeddings = Embeddings { weight: table(embed_tokens)?, scale: embedding_scale(config, place) };
        let last = own_last.map_or_else(|| Ok(embeddings.weight.share()), table)?;
        Ok(Decoder {
            embeddings,
            layers: (0..config.num_hidden_layers)
                .map(|layer| Layer::build(config, weights, layer, place))
                .collect::<Result<_, _>>()?,
            norm: Norm::build(config, weights, NORM, place),
            last: Last { weight: last, soft_cap: config.logit_soft_cap },
            rotary: Rotary::new(config.rope, config.head_dim, place),
            local_rotary: config.local_rope.map(|rope| Rotary::new(rope, config.head_dim, place)),
        })
    }
}

/// Rounded as the checkpoint's own code rounds it, which the model has been trained with.
fn embedding_scale(config: &Config, place: &Place) -> Option<Tensor> {
    let rounded = |scale| Tensor::full([1], scale, (place.rounding(), place.device)).to_kind(place.kind);
    config.embedding_scale.map(rounded)
}

/// Nothing where the last layer is the embeddings.
///
/// Some files hold tied weights twice; if they are said to be tied and differ, the file or its configuration is wrong.
fn own_last_weight(config: &Config, weights: &mut Weights, embed_tokens: &Tensor) -> Result<Option<Tensor>, LoadError> {
    let stored = weights.take_optional(LM_HEAD);
    match (config.last_layer, stored) {
        (_, None) => Ok(None),
        (LastLayer::Own, Some(lm_head)) => Ok(Some(lm_head)),
        (_, Some(lm_head)) if lm_head.to_kind(embed_tokens.kind()).equal(embed_tokens) => Ok(None),
        (LastLayer::TiedUnlessStored, Some(lm_head)) => Ok(Some(lm_head)),
        (LastLayer::Tied, Some(_)) => Err(LoadError::NotTied { folder: weights.folder().to_owned() }),
    }
}
