//! What `config.json` says about a checkpoint, read and checked once.
//!
//! The families of decoders differ in these fields alone. What the architecture's own code would read is read or
//! refused here by name, and what the file leaves out is what that code takes for it. Keys that it leaves alone
//! (`use_cache`, `initializer_range`, `torch_dtype`, …) are left alone.

mod architecture;
mod keys;
mod layers;
mod rope;
mod sizes;

use std::path::Path;

pub use architecture::{Architecture, Layout};
pub use layers::Reach;
pub use rope::{Llama3, Rope, RopeScaling, Yarn};
use serde_json::Value;

use crate::LoadError;
use keys::Keys;
use sizes::Sizes;

/// A decoder's sizes and choices. Every value is in range and they fit each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub architecture: Architecture,
    pub layout: Layout,
    pub vocab_size: i64,
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub num_key_value_heads: i64,
    pub head_dim: i64,
    pub max_position_embeddings: i64,
    /// How the embeddings are multiplied before the first layer.
    pub embedding_scale: Option<f64>,
    pub rms_norm_eps: f64,
    pub norm_weights: NormWeights,
    pub block_norms: BlockNorms,
    /// Whether each head's queries and keys are normalized before they are turned.
    pub has_head_norms: bool,
    pub attention_bias: AttentionBias,
    /// What products of queries and keys are multiplied with.
    pub attention_scale: f64,
    pub attention_soft_cap: Option<f64>,
    /// How far each layer looks back.
    pub reaches: Vec<Reach>,
    pub rope: Rope,
    /// The rotation in layers that look through a window, where it is another.
    pub local_rope: Option<Rope>,
    pub activation: Activation,
    pub mlp_bias: bool,
    pub last_layer: LastLayer,
    pub logit_soft_cap: Option<f64>,
}

/// What the stored weight of a norm stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormWeights {
    Factor,
    /// The factor less one.
    FactorLessOne,
}

/// Where the two blocks of a layer, attention and MLP, are normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockNorms {
    Before,
    BeforeAndAfter,
}

/// Which projections of the attention add a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionBias {
    None,
    /// Those to queries, keys and values.
    Qkv,
    All,
}

/// The function on the gate of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Silu,
    /// The approximation of GELU by a tangent.
    GeluTanh,
}

/// Where the weights of the last layer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLayer {
    Own,
    /// They are the embeddings.
    Tied,
    /// In the files if they are there, otherwise they are the embeddings.
    TiedUnlessStored,
}

impl Config {
    /// Reads the bytes of `file`, which is only named in errors.
    pub fn parse(bytes: &[u8], file: &Path) -> Result<Config, LoadError> {
        let object =
            serde_json::from_slice(bytes).map_err(|reason| LoadError::Parse { file: file.to_owned(), reason })?;
        let whole = Keys::new(file, &object);
        let (architecture, layout) = architecture::read(&whole)?;
        let text = match layout {
            Layout::Text => Keys::new(file, &object),
            Layout::TextAndVision => architecture::text_part(&whole, architecture)?,
        };
        refuse_what_changes_everything(&whole)?;
        refuse_what_changes_everything(&text)?;
        Config::read(architecture, layout, &whole, &text)
    }

    fn read(architecture: Architecture, layout: Layout, whole: &Keys, text: &Keys) -> Result<Config, LoadError> {
        let sizes = Sizes::read(architecture, text)?;
        let is_gemma = architecture.is_gemma();
        Ok(Config {
            architecture,
            layout,
            vocab_size: sizes.vocab_size,
            hidden_size: sizes.hidden_size,
            intermediate_size: sizes.intermediate_size,
            num_hidden_layers: sizes.num_hidden_layers,
            num_attention_heads: sizes.num_attention_heads,
            num_key_value_heads: sizes.num_key_value_heads,
            head_dim: sizes.head_dim,
            max_position_embeddings: sizes.max_position_embeddings,
            embedding_scale: is_gemma.then(|| (sizes.hidden_size as f64).sqrt()),
            rms_norm_eps: text.positive("rms_norm_eps", text.number("rms_norm_eps", 1e-6)?)?,
            norm_weights: if is_gemma { NormWeights::FactorLessOne } else { NormWeights::Factor },
            block_norms: if is_gemma { BlockNorms::BeforeAndAfter } else { BlockNorms::Before },
            has_head_norms: matches!(architecture, Architecture::Qwen3 | Architecture::Gemma3),
            attention_bias: attention_bias(architecture, text)?,
            attention_scale: attention_scale(architecture, text, sizes.head_dim)?,
            attention_soft_cap: attention_soft_cap(architecture, text)?,
            reaches: layers::read(architecture, text, sizes.num_hidden_layers)?,
            rope: rope::read(architecture, text, &sizes)?,
            local_rope: rope::read_local(architecture, text, &sizes)?,
            activation: activation(architecture, text)?,
            mlp_bias: architecture == Architecture::Llama && text.flag("mlp_bias", false)?,
            last_layer: last_layer(architecture, whole)?,
            logit_soft_cap: logit_soft_cap(architecture, text)?,
        })
    }

    /// Width of the queries of one token, `H·D`.
    pub fn query_size(&self) -> i64 {
        self.num_attention_heads * self.head_dim
    }

    /// Width of the keys of one token, `K·D`.
    pub fn key_size(&self) -> i64 {
        self.num_key_value_heads * self.head_dim
    }

    /// Positions the model was made for, stretched as the rotation stretches them.
    pub fn n_positions(&self) -> i64 {
        match self.rope.scaling {
            // Files ask for YaRN while they go on naming the length of the training.
            RopeScaling::Yarn(yarn) => self.max_position_embeddings.max(yarn.stretched_positions()),
            _ => self.max_position_embeddings,
        }
    }

    /// The window of those layers that have one; it is the same for all of them.
    pub fn window(&self) -> Option<i64> {
        self.reaches.iter().find_map(|reach| match reach {
            Reach::Window(window) => Some(*window),
            Reach::All => None,
        })
    }
}

fn refuse_what_changes_everything(keys: &Keys) -> Result<(), LoadError> {
    keys.refuse_on("use_mrope")?;
    keys.refuse_on("use_bidirectional_attention")?;
    match keys.get("quantization_config") {
        Some(quantization) => Err(keys.unsupported("quantization_config", &quantization.to_string())),
        None => Ok(()),
    }
}

fn attention_bias(architecture: Architecture, keys: &Keys) -> Result<AttentionBias, LoadError> {
    match architecture {
        Architecture::Qwen2 => Ok(AttentionBias::Qkv),
        Architecture::Mistral => Ok(AttentionBias::None),
        _ if keys.flag("attention_bias", false)? => Ok(AttentionBias::All),
        _ => Ok(AttentionBias::None),
    }
}

fn attention_scale(architecture: Architecture, keys: &Keys, head_dim: i64) -> Result<f64, LoadError> {
    const KEY: &str = "query_pre_attn_scalar";
    let divisor = if architecture.is_gemma() { keys.number(KEY, 256.0)? } else { head_dim as f64 };
    Ok(keys.positive(KEY, divisor)?.powf(-0.5))
}

fn attention_soft_cap(architecture: Architecture, keys: &Keys) -> Result<Option<f64>, LoadError> {
    const KEY: &str = "attn_logit_softcapping";
    match architecture {
        Architecture::Gemma2 => soft_cap(keys, KEY, Some(50.0)),
        // Its code names the option and computes without it.
        Architecture::Gemma3 => match keys.get(KEY) {
            Some(value) => Err(keys.unsupported(KEY, &value.to_string())),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

fn logit_soft_cap(architecture: Architecture, keys: &Keys) -> Result<Option<f64>, LoadError> {
    const KEY: &str = "final_logit_softcapping";
    match architecture {
        Architecture::Gemma2 => soft_cap(keys, KEY, Some(30.0)),
        Architecture::Gemma3 => soft_cap(keys, KEY, None),
        _ => Ok(None),
    }
}

fn soft_cap(keys: &Keys, key: &str, default: Option<f64>) -> Result<Option<f64>, LoadError> {
    keys.number_or_null(key, default)?.map(|cap| keys.positive(key, cap)).transpose()
}

fn activation(architecture: Architecture, keys: &Keys) -> Result<Activation, LoadError> {
    let (key, default) =
        if architecture.is_gemma() { ("hidden_activation", "gelu_pytorch_tanh") } else { ("hidden_act", "silu") };
    match keys.word(key, default)? {
        "silu" => Ok(Activation::Silu),
        "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        other => Err(keys.unsupported(key, other)),
    }
}

/// With a vision part beside it, the whole configuration decides, and not that of the text.
fn last_layer(architecture: Architecture, whole: &Keys) -> Result<LastLayer, LoadError> {
    const KEY: &str = "tie_word_embeddings";
    let is_tied_unless_said = architecture.is_gemma() || whole.get("text_config").is_some();
    match whole.get(KEY) {
        None if is_tied_unless_said => Ok(LastLayer::TiedUnlessStored),
        None => Ok(LastLayer::Own),
        Some(Value::Bool(true)) => Ok(LastLayer::Tied),
        Some(_) => whole.flag(KEY, false).map(|_| LastLayer::Own),
    }
}

#[cfg(test)]
mod tests;
