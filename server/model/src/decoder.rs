//! The decoder: token ids and cached positions to logits, with every row's own adapter added on the way.
//!
//! The decoder is `&self` and the cache is passed in: many sequences, one set of weights.

use tch::{Kind, Tensor};

use crate::LoadError;
use crate::attention::attend;
use crate::cache::{Cache, LayerCache};
use crate::config::Config;
use crate::lora::{Adapter, LayerDeltas};
use crate::packed::Packed;
use crate::placement::Place;
use crate::products::Product;
use crate::rotary::{Rotary, Turns};
use crate::weights::{Expected, Weights};

/// The weights that all variants share.
pub struct Decoder {
    /// `(V, C)`
    embed_tokens: Tensor,
    layers: Vec<Layer>,
    norm: Norm,
    /// `(V, C)`
    lm_head: Tensor,
    rotary: Rotary,
}

struct Layer {
    input_layernorm: Norm,
    qkv: Linear,
    o: Linear,
    post_attention_layernorm: Norm,
    gate_up: Linear,
    down: Linear,
    heads: Heads,
}

/// `H`, `K` and `D`.
#[derive(Clone, Copy)]
struct Heads {
    n_query: i64,
    n_key: i64,
    size: i64,
}

/// What every layer of a step needs beside its input.
struct Step<'a> {
    packed: &'a Packed,
    turns: Turns,
}

impl Decoder {
    /// The last hidden states of the tokens that `packed` asks for, normalized, `(outputs, C)`. Keys and values of all
    /// its tokens go into the cache.
    pub fn forward(&self, adapters: &[Adapter], packed: &Packed, cache: &mut Cache) -> Tensor {
        let step = Step { packed, turns: self.rotary.at(&packed.positions) };
        let mut x = self.embed_tokens.index_select(0, &packed.tokens); // (N, C)
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
        hidden.linear(&self.lm_head, None::<&Tensor>).to_kind(Kind::Float)
    }
}

impl Layer {
    /// `x ← x + attention(norm(x))`, then `x ← x + mlp(norm(x))`, `x` `(N, C)`.
    fn forward(&self, x: &mut Tensor, step: &Step, deltas: LayerDeltas, cache: &mut LayerCache) {
        let attended = self.attention(&self.input_layernorm.forward(x), step, deltas, cache);
        let _ = x.g_add_(&attended);
        let fed = self.mlp(&self.post_attention_layernorm.forward(x), deltas);
        let _ = x.g_add_(&fed);
    }

    /// `(N, C)` → `(N, C)`.
    fn attention(&self, x: &Tensor, step: &Step, deltas: LayerDeltas, cache: &mut LayerCache) -> Tensor {
        let Heads { n_query, n_key, size } = self.heads;
        let qkv = self.qkv.forward(x, Product::Qkv, deltas).view([-1, n_query + 2 * n_key, size]); // (N, H + 2K, D)
        step.turns.apply(&mut qkv.narrow(1, 0, n_query + n_key));
        cache.put(&qkv.narrow(1, n_query, 2 * n_key), &step.packed.places);
        let attended = attend(&qkv.narrow(1, 0, n_query), cache, &step.packed.groups); // (N, H · D)
        self.o.forward(&attended, Product::O, deltas)
    }

    /// `down(silu(gate(x)) · up(x))`, `(N, C)` → `(N, C)`.
    fn mlp(&self, x: &Tensor, deltas: LayerDeltas) -> Tensor {
        let gate_up = self.gate_up.forward(x, Product::GateUp, deltas); // (N, 2 · intermediate)
        let inner = gate_up.size()[1] / 2;
        let mut fed = gate_up.narrow(1, 0, inner).silu();
        let _ = fed.g_mul_(&gate_up.narrow(1, inner, inner)); // (N, intermediate)
        self.down.forward(&fed, Product::Down, deltas)
    }
}

/// The matrix of one product, and its bias.
struct Linear {
    /// `(out, in)`
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// `y = x Wᵀ + b` plus what the adapters add, `(N, in)` → `(N, out)`.
    fn forward(&self, x: &Tensor, product: Product, deltas: LayerDeltas) -> Tensor {
        let mut y = x.linear(&self.weight, self.bias.as_ref());
        deltas.add(product, x, &mut y);
        y
    }
}

/// Root mean square normalization.
struct Norm {
    weight: Tensor,
    eps: f64,
}

impl Norm {
    /// `x / √(mean(x²) + ε) · w`, the mean in f32.
    fn forward(&self, x: &Tensor) -> Tensor {
        x.rms_norm(self.weight.size(), Some(&self.weight), self.eps)
    }
}

const LM_HEAD: &str = "lm_head.weight";

/// The tensors of a checkpoint of this configuration.
pub fn expected(config: &Config) -> Expected {
    let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
    let mut expected = Expected::new();
    expected.insert("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden]);
    expected.insert("model.norm.weight".to_owned(), vec![hidden]);
    if !config.tie_word_embeddings {
        expected.insert(LM_HEAD.to_owned(), vec![vocabulary, hidden]);
    }
    for layer in 0..config.num_hidden_layers {
        expected.extend(expected_of_layer(config, layer));
    }
    expected
}

/// Tensors that may be there, and then say nothing new.
pub fn optional(config: &Config) -> Expected {
    let mut optional = Expected::new();
    if config.tie_word_embeddings {
        optional.insert(LM_HEAD.to_owned(), vec![config.vocab_size, config.hidden_size]);
    }
    for layer in 0..config.num_hidden_layers {
        optional.insert(format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq"), vec![config.head_dim / 2]);
    }
    optional
}

fn expected_of_layer(config: &Config, layer: i64) -> Expected {
    let norms = ["input_layernorm", "post_attention_layernorm"];
    let norms = norms.map(|name| (format!("model.layers.{layer}.{name}.weight"), vec![config.hidden_size]));
    let mut expected = Expected::from(norms);
    for module in Product::ALL.iter().flat_map(|product| product.modules(config)) {
        let path = module.path(layer);
        expected.insert(format!("{path}.weight"), vec![module.n_outputs, module.n_inputs]);
        if module.has_bias {
            expected.insert(format!("{path}.bias"), vec![module.n_outputs]);
        }
    }
    expected
}

impl Decoder {
    /// Puts together the tensors that [`expected`] names.
    pub fn build(config: &Config, weights: &mut Weights, place: Place) -> Result<Decoder, LoadError> {
        let embed_tokens = weights.take("model.embed_tokens.weight");
        let lm_head = match config.tie_word_embeddings {
            true => tied(weights, &embed_tokens)?,
            false => weights.take(LM_HEAD),
        };
        let layers = (0..config.num_hidden_layers)
            .map(|layer| Layer::build(config, weights, layer))
            .collect::<Result<_, _>>()?;
        let norm = Norm { weight: weights.take("model.norm.weight"), eps: config.rms_norm_eps };
        let rotary = Rotary::new(config.rope, config.head_dim, place);
        Ok(Decoder { embed_tokens, layers, norm, lm_head, rotary })
    }
}

/// Some files hold the tied weights twice; if they differ, the file or its configuration is wrong.
fn tied(weights: &mut Weights, embed_tokens: &Tensor) -> Result<Tensor, LoadError> {
    match weights.take_optional(LM_HEAD) {
        Some(lm_head) if !lm_head.equal(embed_tokens) => {
            Err(LoadError::NotTied { folder: weights.folder().to_owned() })
        }
        _ => Ok(embed_tokens.shallow_clone()),
    }
}

impl Layer {
    fn build(config: &Config, weights: &mut Weights, layer: i64) -> Result<Layer, LoadError> {
        let mut norm = |name| {
            let weight = weights.take(&format!("model.layers.{layer}.{name}.weight"));
            Norm { weight, eps: config.rms_norm_eps }
        };
        let input_layernorm = norm("input_layernorm");
        let post_attention_layernorm = norm("post_attention_layernorm");
        let mut linear = |product| Linear::build(config, weights, layer, product);
        Ok(Layer {
            input_layernorm,
            qkv: linear(Product::Qkv)?,
            o: linear(Product::O)?,
            post_attention_layernorm,
            gate_up: linear(Product::GateUp)?,
            down: linear(Product::Down)?,
            heads: Heads {
                n_query: config.num_attention_heads,
                n_key: config.num_key_value_heads,
                size: config.head_dim,
            },
        })
    }
}

impl Linear {
    fn build(config: &Config, weights: &mut Weights, layer: i64, product: Product) -> Result<Linear, LoadError> {
        let modules = product.modules(config);
        let mut stack = |part: &str| {
            let parts: Vec<Tensor> =
                modules.iter().map(|module| weights.take(&format!("{}.{part}", module.path(layer)))).collect();
            Tensor::f_cat(&parts, 0).map_err(|reason| {
                let doing = format!("put the {product:?} {part} of layer {layer} together");
                LoadError::Torch { doing, reason }
            })
        };
        let weight = stack("weight")?;
        let bias = if modules[0].has_bias { Some(stack("bias")?) } else { None };
        Ok(Linear { weight, bias })
    }
}
