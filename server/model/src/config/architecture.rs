//! Which family a checkpoint belongs to, and whether its decoder is all there is in the files.

use serde_json::Value;

use super::keys::Keys;
use crate::LoadError;

/// The families of decoders, by the names of their configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Qwen2,
    Qwen3,
    Llama,
    Mistral,
    Gemma2,
    Gemma3,
}

/// What the files of a checkpoint hold, which decides how they name the decoder's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Text,
    /// The decoder beside a part that looks at pictures, which is not read.
    TextAndVision,
}

/// `architectures`, `model_type`, and what they mean.
const KNOWN: [(&str, &str, Architecture, Layout); 8] = [
    ("Qwen2ForCausalLM", "qwen2", Architecture::Qwen2, Layout::Text),
    ("Qwen3ForCausalLM", "qwen3", Architecture::Qwen3, Layout::Text),
    ("LlamaForCausalLM", "llama", Architecture::Llama, Layout::Text),
    ("MistralForCausalLM", "mistral", Architecture::Mistral, Layout::Text),
    ("Gemma2ForCausalLM", "gemma2", Architecture::Gemma2, Layout::Text),
    ("Gemma3ForCausalLM", "gemma3_text", Architecture::Gemma3, Layout::Text),
    ("Gemma3ForConditionalGeneration", "gemma3", Architecture::Gemma3, Layout::TextAndVision),
    ("Mistral3ForConditionalGeneration", "mistral3", Architecture::Mistral, Layout::TextAndVision),
];

impl Architecture {
    pub fn is_gemma(self) -> bool {
        matches!(self, Architecture::Gemma2 | Architecture::Gemma3)
    }

    /// For instance `Qwen2`.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Qwen2 => "Qwen2",
            Architecture::Qwen3 => "Qwen3",
            Architecture::Llama => "Llama",
            Architecture::Mistral => "Mistral",
            Architecture::Gemma2 => "Gemma 2",
            Architecture::Gemma3 => "Gemma 3",
        }
    }
}

pub fn read(keys: &Keys) -> Result<(Architecture, Layout), LoadError> {
    let classes = classes(keys)?;
    let model_type = keys.word("model_type", "")?;
    let known = match classes[..] {
        [] => KNOWN.iter().find(|(_, known, ..)| *known == model_type),
        [class] => KNOWN.iter().find(|(known, ..)| *known == class),
        _ => None,
    };
    let named = if classes.is_empty() { model_type.to_owned() } else { classes.join(", ") };
    match known {
        Some((.., architecture, layout)) => Ok((*architecture, *layout)),
        None => Err(keys.unsupported("architecture", if named.is_empty() { "(none named)" } else { &named })),
    }
}

fn classes<'a>(keys: &Keys<'a>) -> Result<Vec<&'a str>, LoadError> {
    let refused = |value: &Value| keys.absurd(&format!("architectures {value} is not a list of names"));
    match keys.get("architectures") {
        None => Ok(Vec::new()),
        Some(value) => {
            let names = value.as_array().ok_or_else(|| refused(value))?;
            names.iter().map(|name| name.as_str().ok_or_else(|| refused(value))).collect()
        }
    }
}

/// The decoder's own keys, where they stand below those of the whole.
pub fn text_part<'a>(whole: &Keys<'a>, architecture: Architecture) -> Result<Keys<'a>, LoadError> {
    let text = whole.below("text_config")?.ok_or_else(|| whole.absurd("there is no text_config"))?;
    let expected = if architecture == Architecture::Gemma3 { "gemma3_text" } else { "mistral" };
    match text.word("model_type", expected)? {
        found if found == expected => Ok(text),
        other => Err(text.unsupported("model_type", other)),
    }
}
