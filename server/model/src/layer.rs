//! One layer of the decoder: attention and MLP, each added to what came in.

use tch::{Kind, Tensor};

use crate::LoadError;
use crate::attention::Attention;
use crate::cache::LayerCache;
use crate::config::{Activation, BlockNorms, Config, NormWeights, Reach};
use crate::linear::Linear;
use crate::listing::Expected;
use crate::lora::LayerDeltas;
use crate::packed::Packed;
use crate::placement::Place;
use crate::processor::Processor;
use crate::products::Product;
use crate::rotary::Turns;
use crate::weights::Weights;

pub struct Layer {
    attention_norms: Norms,
    qkv: Projection,
    head_norms: Option<HeadNorms>,
    heads: Heads,
    attention: Attention,
    o: Projection,
    mlp_norms: Norms,
    gate_up: Projection,
    gate: Gate,
    down: Projection,
}

/// `H`, `K` and `D`.
#[derive(Clone, Copy)]
pub struct Heads {
    pub n_query: i64,
    pub n_key: i64,
    pub size: i64,
}

impl Heads {
    /// `(N, (H + 2K) · D)` → `(N, H + 2K, D)`, a view.
    pub fn split(self, qkv: &Tensor) -> Tensor {
        qkv.view([-1, self.n_query + 2 * self.n_key, self.size])
    }
}

/// What every layer of a step needs beside its input.
pub struct Step<'a> {
    pub packed: &'a Packed,
    pub turns: Turns,
    /// For layers that look through a window, where they are others.
    pub local_turns: Option<Turns>,
}

impl Step<'_> {
    fn turns(&self, reach: Reach) -> &Turns {
        match (reach, &self.local_turns) {
            (Reach::Window(_), Some(local)) => local,
            _ => &self.turns,
        }
    }
}

impl Layer {
    /// `x ← x + norm(attention(norm(x)))`, then `x ← x + norm(mlp(norm(x)))`, `x` `(N, C)`.
    pub fn forward(&self, x: &mut Tensor, step: &Step, deltas: LayerDeltas, cache: &mut LayerCache) {
        let attended = self.attention(&self.attention_norms.before(x), step, deltas, cache);
        let _ = x.g_add_(&self.attention_norms.after(attended));
        let fed = self.mlp(&self.mlp_norms.before(x), deltas);
        let _ = x.g_add_(&self.mlp_norms.after(fed));
    }

    /// `(N, C)` → `(N, C)`.
    fn attention(&self, x: &Tensor, step: &Step, deltas: LayerDeltas, cache: &mut LayerCache) -> Tensor {
        let mut qkv = self.qkv.forward(x, Product::Qkv, deltas); // (N, (H + 2K) · D)
        if let Some(norms) = &self.head_norms {
            norms.apply(&mut qkv, self.heads);
        }
        step.turns(self.attention.reach).apply(&mut qkv, self.heads);
        cache.put(&qkv, self.heads, step.packed);
        let attended = self.attention.attend(&qkv, self.heads, cache, step.packed); // (N, H · D)
        self.o.forward(&attended, Product::O, deltas)
    }

    /// `down(activation(gate(x)) · up(x))`, `(N, C)` → `(N, C)`.
    fn mlp(&self, x: &Tensor, deltas: LayerDeltas) -> Tensor {
        let gate_up = self.gate_up.forward(x, Product::GateUp, deltas); // (N, 2 · intermediate)
        self.down.forward(&self.gate.forward(&gate_up), Product::Down, deltas)
    }
}

/// What stands between the MLP's two products.
struct Gate {
    activation: Activation,
    processor: Option<Processor>,
}

impl Gate {
    /// `activation(gate) · up`, `(N, 2 · intermediate)` → `(N, intermediate)`.
    fn forward(&self, gate_up: &Tensor) -> Tensor {
        match &self.processor {
            Some(processor) => processor.gated(self.activation, gate_up),
            None => self.activation.gated(gate_up),
        }
    }
}

impl Activation {
    fn gated(self, gate_up: &Tensor) -> Tensor {
        let inner = gate_up.size()[1] / 2;
        let gate = gate_up.narrow(1, 0, inner);
        let mut gate = match self {
            Activation::Silu => gate.silu(),
            Activation::GeluTanh => gate.gelu("tanh"),
        };
        gate.g_mul_(&gate_up.narrow(1, inner, inner))
    }
}

/// The matrix of one product.
struct Projection(Linear);

impl Projection {
    /// `y = x Wᵀ + b` plus what the adapters add, `(N, in)` → `(N, out)`.
    fn forward(&self, x: &Tensor, product: Product, deltas: LayerDeltas) -> Tensor {
        let mut y = self.0.forward(x);
        deltas.add(product, x, &mut y);
        y
    }
}

/// Root mean square normalization.
pub struct Norm {
    weight: Tensor,
    eps: f64,
    processor: Option<Processor>,
}

impl Norm {
    /// `x / √(mean(x²) + ε) · w` over the last dimension, the mean in f32 and the product in the precision of `w`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        if let Some(processor) = &self.processor {
            return processor.norm(x, &self.weight, self.eps);
        }
        let normed = x.to_kind(self.weight.kind()).rms_norm(self.weight.size(), Some(&self.weight), self.eps);
        normed.to_kind(x.kind())
    }

    /// The same in place for the `n` heads from `first` on, `x` `(N, (H + 2K) · D)`.
    fn apply(&self, x: &mut Tensor, heads: Heads, first: i64, n: i64) {
        if let Some(processor) = &self.processor {
            return processor.norm_heads(x, first..first + n, &self.weight, self.eps);
        }
        let mut own = heads.split(x).narrow(1, first, n);
        own.copy_(&self.forward(&own));
    }
}

/// What stands around one block of a layer.
struct Norms {
    before: Norm,
    after: Option<Norm>,
}

impl Norms {
    fn before(&self, x: &Tensor) -> Tensor {
        self.before.forward(x)
    }

    fn after(&self, x: Tensor) -> Tensor {
        match &self.after {
            Some(norm) => norm.forward(&x),
            None => x,
        }
    }
}

/// One norm for all query heads and one for all key heads.
struct HeadNorms {
    q: Norm,
    k: Norm,
}

impl HeadNorms {
    /// In place, `(N, (H + 2K) · D)`.
    fn apply(&self, qkv: &mut Tensor, heads: Heads) {
        self.q.apply(qkv, heads, 0, heads.n_query);
        self.k.apply(qkv, heads, heads.n_query, heads.n_key);
    }
}

impl BlockNorms {
    /// The names of the norms around attention and MLP. One of them means another place in either case.
    fn names(self) -> [NormNames; 2] {
        match self {
            BlockNorms::Before => [("input_layernorm", None), ("post_attention_layernorm", None)],
            BlockNorms::BeforeAndAfter => [
                ("input_layernorm", Some("post_attention_layernorm")),
                ("pre_feedforward_layernorm", Some("post_feedforward_layernorm")),
            ],
        }
    }
}

/// Before the block, and after it.
type NormNames = (&'static str, Option<&'static str>);

const HEAD_NORMS: [&str; 2] = ["self_attn.q_norm", "self_attn.k_norm"];

pub fn expected_of_layer(config: &Config, layer: i64) -> Expected {
    let mut expected = Expected::new();
    for name in config.block_norms.names().into_iter().flat_map(|(before, after)| [Some(before), after]).flatten() {
        expected.insert(norm_path(layer, name), vec![config.hidden_size]);
    }
    for name in HEAD_NORMS.into_iter().filter(|_| config.has_head_norms) {
        expected.insert(norm_path(layer, name), vec![config.head_dim]);
    }
    for module in Product::ALL.iter().flat_map(|product| product.modules(config)) {
        let path = module.path(layer);
        expected.insert(format!("{path}.weight"), vec![module.n_outputs, module.n_inputs]);
        if module.has_bias {
            expected.insert(format!("{path}.bias"), vec![module.n_outputs]);
        }
    }
    expected
}

fn norm_path(layer: i64, name: &str) -> String {
    format!("model.layers.{layer}.{name}.weight")
}

impl Layer {
    /// Puts together the tensors that [`expected_of_layer`] names.
    pub fn build(config: &Config, weights: &mut Weights, layer: i64, place: &Place) -> Result<Layer, LoadError> {
        let [attention_norms, mlp_norms] =
            config.block_norms.names().map(|names| Norms::build(config, weights, (layer, place), names));
        let head_norms = config.has_head_norms.then(|| HeadNorms::build(config, weights, (layer, place)));
        let mut projection = |product| Projection::build(config, weights, (layer, place), product);
        Ok(Layer {
            attention_norms,
            qkv: projection(Product::Qkv)?,
            head_norms,
            heads: Heads {
                n_query: config.num_attention_heads,
                n_key: config.num_key_value_heads,
                size: config.head_dim,
            },
            attention: Attention {
                scale: config.attention_scale,
                soft_cap: config.attention_soft_cap,
                reach: config.reaches[layer as usize],
            },
            o: projection(Product::O)?,
            mlp_norms,
            gate_up: projection(Product::GateUp)?,
            gate: Gate { activation: config.activation, processor: place.processor.clone() },
            down: projection(Product::Down)?,
        })
    }
}

/// A layer's number, and where it will compute.
type Of<'a> = (i64, &'a Place);

impl Norm {
    pub fn build(config: &Config, weights: &mut Weights, name: &str, place: &Place) -> Norm {
        let processor = place.processor.clone();
        let stored = weights.take(name);
        let stored = if processor.is_some() { stored.to_kind(place.kind) } else { stored };
        let weight = match config.norm_weights {
            NormWeights::Factor => stored,
            // Near 1 half precisions are coarse: the sum stays in f32.
            NormWeights::FactorLessOne => stored.to_kind(Kind::Float) + 1.0,
        };
        Norm { weight, eps: config.rms_norm_eps, processor }
    }
}

impl Norms {
    fn build(config: &Config, weights: &mut Weights, (layer, place): Of, (before, after): NormNames) -> Norms {
        let mut norm = |name| Norm::build(config, weights, &norm_path(layer, name), place);
        Norms { before: norm(before), after: after.map(norm) }
    }
}

impl HeadNorms {
    fn build(config: &Config, weights: &mut Weights, (layer, place): Of) -> HeadNorms {
        let [q, k] = HEAD_NORMS.map(|name| Norm::build(config, weights, &norm_path(layer, name), place));
        HeadNorms { q, k }
    }
}

impl Projection {
    fn build(config: &Config, weights: &mut Weights, of: Of, product: Product) -> Result<Projection, LoadError> {
        let (layer, place) = of;
        let modules = product.modules(config);
        let mut parts = |part: &str| -> Vec<Tensor> {
            modules.iter().map(|module| weights.take(&format!("{}.{part}", module.path(layer)))).collect()
        };
        let matrices = parts("weight");
        let bias = modules[0].has_bias.then(|| parts("bias"));
        let bias = bias.map(|parts| Tensor::f_cat(&parts, 0)).transpose();
        let linear = bias.and_then(|bias| Linear::stack(&matrices, bias, place.weights, place));
        linear.map(Projection).map_err(|reason| {
            let doing = format!("put the {product:?} of layer {layer} together");
            LoadError::Torch { doing, reason }
        })
    }
}
