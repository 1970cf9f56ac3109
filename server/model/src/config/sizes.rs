//! The sizes of a decoder: as the file has them, or as the architecture's own code has them where it is silent.

use super::architecture::Architecture;
use super::keys::Keys;
use crate::LoadError;

pub struct Sizes {
    pub vocab_size: i64,
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub num_key_value_heads: i64,
    pub head_dim: i64,
    pub max_position_embeddings: i64,
}

/// What keys that are not there stand for.
struct Defaults {
    vocab_size: i64,
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    /// `None` for as many as there are attention heads.
    num_key_value_heads: Option<i64>,
    /// `None` for the hidden size divided among the heads.
    head_dim: Option<i64>,
    max_position_embeddings: i64,
}

impl Sizes {
    /// The bounds are well above any model that exists, so that products of sizes stay far from overflow.
    pub fn read(architecture: Architecture, keys: &Keys) -> Result<Sizes, LoadError> {
        let defaults = Defaults::of(architecture);
        let size = |key, default, most| keys.within(key, keys.integer(key, default)?, most);
        let hidden_size = size("hidden_size", defaults.hidden_size, 1 << 17)?;
        let num_attention_heads = keys.integer("num_attention_heads", defaults.num_attention_heads)?;
        let head_dim = head_dim(keys, defaults.head_dim, hidden_size, num_attention_heads)?;
        keys.within("num_attention_heads", num_attention_heads, 1 << 10)?;
        Ok(Sizes {
            vocab_size: size("vocab_size", defaults.vocab_size, 1 << 24)?,
            hidden_size,
            intermediate_size: size("intermediate_size", defaults.intermediate_size, 1 << 20)?,
            num_hidden_layers: size("num_hidden_layers", defaults.num_hidden_layers, 1 << 10)?,
            num_attention_heads,
            num_key_value_heads: key_value_heads(keys, defaults.num_key_value_heads, num_attention_heads)?,
            head_dim,
            max_position_embeddings: size("max_position_embeddings", defaults.max_position_embeddings, 1 << 24)?,
        })
    }
}

fn head_dim(keys: &Keys, default: Option<i64>, hidden_size: i64, n_heads: i64) -> Result<i64, LoadError> {
    let head_dim = match keys.integer_or_null("head_dim", default)? {
        Some(head_dim) => head_dim,
        None if n_heads > 0 && hidden_size % n_heads == 0 => hidden_size / n_heads,
        None => {
            let reason = format!("hidden_size {hidden_size} cannot be divided among {n_heads} attention heads");
            return Err(keys.absurd(&reason));
        }
    };
    if keys.within("head_dim", head_dim, 1 << 10)? % 2 != 0 {
        return Err(keys.absurd(&format!("head_dim {head_dim} cannot be halved for the rotation")));
    }
    Ok(head_dim)
}

fn key_value_heads(keys: &Keys, default: Option<i64>, n_heads: i64) -> Result<i64, LoadError> {
    const KEY: &str = "num_key_value_heads";
    let n_key_value_heads = keys.integer_or_null(KEY, default)?.unwrap_or(n_heads);
    if n_heads % keys.within(KEY, n_key_value_heads, n_heads)? != 0 {
        return Err(keys.absurd(&format!("{n_heads} attention heads cannot share {n_key_value_heads} key/value heads")));
    }
    Ok(n_key_value_heads)
}

impl Defaults {
    fn of(architecture: Architecture) -> Defaults {
        match architecture {
            Architecture::Qwen2 => Defaults {
                vocab_size: 151_936,
                hidden_size: 4096,
                intermediate_size: 22_016,
                num_hidden_layers: 32,
                num_attention_heads: 32,
                num_key_value_heads: Some(32),
                head_dim: None,
                max_position_embeddings: 32_768,
            },
            Architecture::Qwen3 => Defaults { head_dim: Some(128), ..Defaults::of(Architecture::Qwen2) },
            Architecture::Llama => Defaults {
                vocab_size: 32_000,
                hidden_size: 4096,
                intermediate_size: 11_008,
                num_hidden_layers: 32,
                num_attention_heads: 32,
                num_key_value_heads: None,
                head_dim: None,
                max_position_embeddings: 2048,
            },
            Architecture::Mistral => Defaults {
                intermediate_size: 14_336,
                num_key_value_heads: Some(8),
                max_position_embeddings: 4096 * 32,
                ..Defaults::of(Architecture::Llama)
            },
            Architecture::Gemma2 => Defaults {
                vocab_size: 256_000,
                hidden_size: 2304,
                intermediate_size: 9216,
                num_hidden_layers: 26,
                num_attention_heads: 8,
                num_key_value_heads: Some(4),
                head_dim: Some(256),
                max_position_embeddings: 8192,
            },
            Architecture::Gemma3 => {
                Defaults { vocab_size: 262_208, max_position_embeddings: 131_072, ..Defaults::of(Architecture::Gemma2) }
            }
        }
    }
}
