//! How far each layer looks back.

use serde_json::Value;

use super::architecture::Architecture;
use super::keys::Keys;
use crate::LoadError;

/// What a token of one layer may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Everything before it.
    All,
    /// Itself and what comes before it, so many tokens in all.
    Window(i64),
}

pub fn read(architecture: Architecture, keys: &Keys, n_layers: i64) -> Result<Vec<Reach>, LoadError> {
    let window = window(architecture, keys)?;
    let slides = match named(keys, n_layers)? {
        Some(slides) => slides,
        None => by_rule(architecture, keys, window, n_layers)?,
    };
    refuse_what_is_one_for_all(architecture, keys, window, &slides)?;
    let reach = |slides| match window {
        Some(window) if slides => Ok(Reach::Window(window)),
        None if slides => Err(keys.absurd("some layers look through a window, but there is no sliding_window")),
        _ => Ok(Reach::All),
    };
    slides.into_iter().map(reach).collect()
}

fn window(architecture: Architecture, keys: &Keys) -> Result<Option<i64>, LoadError> {
    const KEY: &str = "sliding_window";
    let is_on = match architecture {
        Architecture::Llama => false,
        Architecture::Qwen2 | Architecture::Qwen3 => keys.flag("use_sliding_window", false)?,
        Architecture::Mistral | Architecture::Gemma2 | Architecture::Gemma3 => true,
    };
    if !is_on {
        return Ok(None);
    }
    keys.integer_or_null(KEY, Some(4096))?.map(|window| keys.within(KEY, window, 1 << 24)).transpose()
}

/// Whether each layer looks through the window, where the file lists them.
fn named(keys: &Keys, n_layers: i64) -> Result<Option<Vec<bool>>, LoadError> {
    const KEY: &str = "layer_types";
    let Some(value) = keys.get(KEY) else { return Ok(None) };
    let kinds = value.as_array().ok_or_else(|| keys.absurd(&format!("{KEY} is not a list")))?;
    if kinds.len() as i64 != n_layers {
        return Err(keys.absurd(&format!("{KEY} names {} layers of {n_layers}", kinds.len())));
    }
    let slides = |kind: &Value| match kind.as_str() {
        Some("full_attention") => Ok(false),
        Some("sliding_attention") => Ok(true),
        other => Err(keys.unsupported(KEY, other.unwrap_or("(not a word)"))),
    };
    kinds.iter().map(slides).collect::<Result<_, _>>().map(Some)
}

fn by_rule(
    architecture: Architecture,
    keys: &Keys,
    window: Option<i64>,
    n_layers: i64,
) -> Result<Vec<bool>, LoadError> {
    let first = keys.integer("max_window_layers", 28)?;
    let period = match architecture {
        Architecture::Gemma3 => {
            const KEY: &str = "sliding_window_pattern";
            keys.within(KEY, keys.integer(KEY, 6)?, 1 << 24)?
        }
        _ => 2,
    };
    let slides = |layer: i64| match architecture {
        Architecture::Llama | Architecture::Mistral => window.is_some(),
        Architecture::Qwen2 | Architecture::Qwen3 => window.is_some() && layer >= first,
        Architecture::Gemma2 | Architecture::Gemma3 => (layer + 1) % period != 0,
    };
    Ok((0..n_layers).map(slides).collect())
}

/// The code of these architectures knows no list of layers.
fn refuse_what_is_one_for_all(
    architecture: Architecture,
    keys: &Keys,
    window: Option<i64>,
    slides: &[bool],
) -> Result<(), LoadError> {
    let is_one_for_all = matches!(architecture, Architecture::Llama | Architecture::Mistral);
    match slides.iter().find(|slides| is_one_for_all && **slides != window.is_some()) {
        Some(true) => Err(keys.unsupported("layer_types", "sliding_attention")),
        Some(false) => Err(keys.unsupported("layer_types", "full_attention")),
        None => Ok(()),
    }
}
