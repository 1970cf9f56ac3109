//! What files call the tensors of a decoder.
//!
//! Here a tensor has the name that a checkpoint of the decoder alone gives it, `model.layers.3.mlp.up_proj.weight`.
//! Checkpoints with a vision part put a word before or into it, and two versions of them differ in which.

use std::borrow::Cow;

use crate::config::Layout;

/// What PEFT puts before the names of an adapter's tensors.
pub const PEFT: &str = "base_model.model.";

/// Beginnings of names that stand for another here, in files with a vision part.
const RENAMED: [(&str, &str); 3] =
    [("language_model.model.", "model."), ("language_model.lm_head.", "lm_head."), ("model.language_model.", "model.")];

/// Beginnings of the names of what looks at pictures.
const VISION: [&str; 4] =
    ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];

impl Layout {
    /// The name here of what files call `stored`, or `None` for what is of no use for texts.
    pub fn name_of(self, stored: &str) -> Option<Cow<'_, str>> {
        match self {
            Layout::Text => Some(stored.into()),
            Layout::TextAndVision => match stored.strip_prefix(PEFT) {
                Some(in_model) => renamed(in_model).map(|name| format!("{PEFT}{name}").into()),
                None => renamed(stored),
            },
        }
    }

    /// What the whole model may call a module of the decoder: the ways in which an adapter can name its targets.
    pub fn paths_of(self, name: &str) -> Vec<String> {
        match self {
            Layout::Text => vec![name.to_owned()],
            Layout::TextAndVision => {
                let below = |(stored, own): &(&str, &str)| Some(format!("{stored}{}", name.strip_prefix(own)?));
                RENAMED.iter().filter_map(below).collect()
            }
        }
    }
}

fn renamed(stored: &str) -> Option<Cow<'_, str>> {
    if VISION.iter().any(|start| stored.starts_with(start)) {
        return None;
    }
    let renamed = |(start, own): &(&str, &str)| stored.strip_prefix(start).map(|rest| format!("{own}{rest}").into());
    RENAMED.iter().find_map(renamed).or(Some(stored.into()))
}
