//! What `config.json` says about a checkpoint, read and checked once.
//!
//! The families of decoders differ in these fields alone. What the architecture's own code would read is read or
//! refused here by name; keys that it leaves alone (`use_cache`, `initializer_range`, `torch_dtype`, …) are left alone.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::LoadError;

/// A decoder's sizes and choices. Every value is in range and they fit each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub vocab_size: i64,
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub num_key_value_heads: i64,
    pub head_dim: i64,
    pub max_position_embeddings: i64,
    pub rms_norm_eps: f64,
    pub rope: Rope,
    /// Whether the projections to queries, keys and values add a bias.
    pub attention_bias: bool,
    /// Whether the embeddings serve as the last layer too.
    pub tie_word_embeddings: bool,
}

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    pub scaling: RopeScaling,
}

/// How positions are stretched beyond those of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// Every position is divided by `factor`.
    Linear {
        factor: f64,
    },
}

impl Config {
    /// Reads the bytes of `file`, which is only named in errors.
    pub fn parse(bytes: &[u8], file: &Path) -> Result<Config, LoadError> {
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|reason| LoadError::Parse { file: file.to_owned(), reason })?;
        let checked = Checked { file };
        checked.architecture(&raw)?;
        checked.options(&raw)?;
        let config = raw.config(checked.head_dim(&raw)?, checked.rope(&raw)?);
        checked.sizes(&config)?;
        Ok(config)
    }

    /// Width of the queries of one token, `H·D`.
    pub fn query_size(&self) -> i64 {
        self.num_attention_heads * self.head_dim
    }

    /// Width of the keys of one token, `K·D`.
    pub fn key_size(&self) -> i64 {
        self.num_key_value_heads * self.head_dim
    }
}

/// The keys that matter, as they stand in the file.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: Option<String>,
    vocab_size: i64,
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    num_key_value_heads: i64,
    head_dim: Option<i64>,
    max_position_embeddings: i64,
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    /// The newest key, which holds both of the next two.
    rope_parameters: Option<Map<String, Value>>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    use_sliding_window: Option<bool>,
    sliding_window: Option<i64>,
    max_window_layers: Option<i64>,
    layer_types: Option<Vec<String>>,
    use_mrope: Option<bool>,
    quantization_config: Option<Value>,
}

impl Raw {
    fn config(&self, head_dim: i64, rope: Rope) -> Config {
        Config {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads,
            head_dim,
            max_position_embeddings: self.max_position_embeddings,
            rms_norm_eps: self.rms_norm_eps,
            rope,
            attention_bias: true, // as Qwen2 always has
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(false),
        }
    }

    /// Whether, in files without `layer_types`, some layer attends to a window only: those from `max_window_layers` on.
    fn slides(&self) -> bool {
        let first = self.max_window_layers.unwrap_or(0);
        self.use_sliding_window == Some(true) && self.sliding_window.is_some() && first < self.num_hidden_layers
    }
}

/// The checks, all naming the same file.
struct Checked<'a> {
    file: &'a Path,
}

impl Checked<'_> {
    fn architecture(&self, raw: &Raw) -> Result<(), LoadError> {
        let found = match (raw.architectures.as_slice(), &raw.model_type) {
            ([one], _) if one == "Qwen2ForCausalLM" => return Ok(()),
            ([], Some(model_type)) if model_type == "qwen2" => return Ok(()),
            ([], Some(model_type)) => model_type.clone(),
            (names, _) => names.join(", "),
        };
        Err(self.unsupported("architecture", if found.is_empty() { "(none named)" } else { &found }))
    }

    fn options(&self, raw: &Raw) -> Result<(), LoadError> {
        if let Some(activation) = raw.hidden_act.as_deref().filter(|activation| *activation != "silu") {
            return Err(self.unsupported("hidden_act", activation));
        }
        self.attends_to_all(raw)?;
        if raw.use_mrope == Some(true) {
            return Err(self.unsupported("use_mrope", "true"));
        }
        if let Some(quantization) = raw.quantization_config.as_ref().filter(|value| !value.is_null()) {
            return Err(self.unsupported("quantization_config", &quantization.to_string()));
        }
        Ok(())
    }

    fn attends_to_all(&self, raw: &Raw) -> Result<(), LoadError> {
        match &raw.layer_types {
            Some(types) => match types.iter().find(|kind| *kind != "full_attention") {
                Some(other) => Err(self.unsupported("layer_types", other)),
                None => Ok(()),
            },
            None if raw.slides() => Err(self.unsupported("use_sliding_window", "true")),
            None => Ok(()),
        }
    }

    fn head_dim(&self, raw: &Raw) -> Result<i64, LoadError> {
        let (size, heads) = (raw.hidden_size, raw.num_attention_heads);
        match raw.head_dim {
            Some(head_dim) => Ok(head_dim),
            None if heads > 0 && size % heads == 0 => Ok(size / heads),
            None => Err(self.absurd(&format!("hidden_size {size} cannot be divided among {heads} attention heads"))),
        }
    }

    fn rope(&self, raw: &Raw) -> Result<Rope, LoadError> {
        let empty = Map::new();
        let parameters = raw.rope_parameters.as_ref().or(raw.rope_scaling.as_ref()).unwrap_or(&empty);
        // 10,000 is what the architecture's own code takes where the file is silent.
        let theta = self.number(parameters, "rope_theta")?.or(raw.rope_theta).unwrap_or(10_000.0);
        Ok(Rope { theta, scaling: self.rope_scaling(parameters)? })
    }

    fn rope_scaling(&self, parameters: &Map<String, Value>) -> Result<RopeScaling, LoadError> {
        let kind = parameters.get("rope_type").or(parameters.get("type")).map_or(Some("default"), Value::as_str);
        let known: &[&str] = &["rope_theta", "rope_type", "type", "factor"];
        let unknown = parameters.iter().find(|(key, value)| !known.contains(&key.as_str()) && !value.is_null());
        match (kind, unknown) {
            (_, Some((key, value))) => Err(self.unsupported(&format!("rope parameter {key}"), &value.to_string())),
            (Some("default"), None) => Ok(RopeScaling::None),
            (Some("linear"), None) => self.linear_scaling(parameters),
            (other, None) => Err(self.unsupported("rope_type", other.unwrap_or("(not a word)"))),
        }
    }

    fn linear_scaling(&self, parameters: &Map<String, Value>) -> Result<RopeScaling, LoadError> {
        let factor = self.number(parameters, "factor")?;
        let factor = factor.ok_or_else(|| self.absurd("the rope_type linear comes without a factor"))?;
        Ok(RopeScaling::Linear { factor })
    }

    fn number(&self, parameters: &Map<String, Value>, key: &str) -> Result<Option<f64>, LoadError> {
        match parameters.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_f64().map(Some).ok_or_else(|| self.absurd(&format!("{key} {value} is not a number")))
            }
        }
    }

    /// Bounds well above any model that exists, so that products of sizes stay far from overflow.
    fn sizes(&self, config: &Config) -> Result<(), LoadError> {
        self.within("vocab_size", config.vocab_size, 1 << 24)?;
        self.within("hidden_size", config.hidden_size, 1 << 17)?;
        self.within("intermediate_size", config.intermediate_size, 1 << 20)?;
        self.within("num_hidden_layers", config.num_hidden_layers, 1 << 10)?;
        self.within("num_attention_heads", config.num_attention_heads, 1 << 10)?;
        self.within("num_key_value_heads", config.num_key_value_heads, config.num_attention_heads)?;
        self.within("head_dim", config.head_dim, 1 << 10)?;
        self.within("max_position_embeddings", config.max_position_embeddings, 1 << 24)?;
        self.positive("rms_norm_eps", config.rms_norm_eps)?;
        self.positive("rope_theta", config.rope.theta)?;
        if let RopeScaling::Linear { factor } = config.rope.scaling {
            self.positive("factor of the rope scaling", factor)?;
        }
        self.fits(config)
    }

    fn fits(&self, config: &Config) -> Result<(), LoadError> {
        let (heads, key_value_heads) = (config.num_attention_heads, config.num_key_value_heads);
        if heads % key_value_heads != 0 {
            return Err(self.absurd(&format!("{heads} attention heads cannot share {key_value_heads} key/value heads")));
        }
        if config.head_dim % 2 != 0 {
            return Err(self.absurd(&format!("head_dim {} cannot be halved for the rotation", config.head_dim)));
        }
        Ok(())
    }

    fn within(&self, name: &str, value: i64, most: i64) -> Result<(), LoadError> {
        if (1..=most).contains(&value) {
            return Ok(());
        }
        Err(self.absurd(&format!("{name} is {value}, but must be between 1 and {most}")))
    }

    fn positive(&self, name: &str, value: f64) -> Result<(), LoadError> {
        if value.is_finite() && value > 0.0 {
            return Ok(());
        }
        Err(self.absurd(&format!("{name} is {value}, but must be above 0 and finite")))
    }

    fn unsupported(&self, option: &str, value: &str) -> LoadError {
        LoadError::Unsupported { file: self.path(), option: option.to_owned(), value: value.to_owned() }
    }

    fn absurd(&self, reason: &str) -> LoadError {
        LoadError::Absurd { file: self.path(), reason: reason.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.file.to_owned()
    }
}
