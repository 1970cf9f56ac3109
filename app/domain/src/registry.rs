//! Every model of `models.toml` with all that is known of it: what the Models page shows.

use crate::{ModelCard, ModelId, ModelState};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    pub models: Vec<Registered>,
    /// The memories that the models lie in, each once.
    pub memories: Vec<DeviceMemory>,
}

/// One model of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub card: ModelCard,
    /// None where its entry in `models.toml` is wrong.
    pub made_of: Option<MadeOf>,
    /// What is known of its weights; none before its files were read.
    pub weights: Option<Weights>,
    /// What an answer is recorded with: SHA-256 over the model's files and its chat template. None before it was loaded.
    pub hash: Option<String>,
    /// What it holds while it is loaded.
    pub memory: Option<Memory>,
    /// Answers of its family that are being written or wait for their turn.
    pub n_answers: u32,
}

/// Where a model's files are, and how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// As `models.toml` names it.
    pub folder: String,
    /// The checkpoint that an adapter stands on. None for a checkpoint.
    pub base: Option<ModelId>,
    /// Which chat template makes its prompts, as `models.toml` says it.
    pub template: String,
    /// Whether it stays on the disk until it is asked.
    pub on_demand: bool,
}

/// What a model computes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// For example `Qwen2, 24 layers`, or `LoRA, rank 32`.
    pub architecture: String,
    pub n_parameters: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub weights_bytes: u64,
    /// Of a checkpoint alone: room for the answers of its whole family.
    pub cache_bytes: u64,
}

impl Memory {
    pub fn total_bytes(self) -> u64 {
        self.weights_bytes + self.cache_bytes
    }
}

/// What is left where models are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// `cpu` or `cuda:0`.
    pub device: String,
    pub free_bytes: u64,
}

/// What can be done about a model right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    Load,
    Cancel,
    /// Refused while somebody is being answered.
    Unload,
    /// It failed: its files may have been mended.
    TryAgain,
}

impl Registered {
    /// None for an adapter that is loaded, or would be, together with its base, and for an entry that is wrong.
    pub fn offer(&self) -> Option<Offer> {
        let is_checkpoint = self.base().is_none();
        match self.card.state {
            _ if self.made_of.is_none() => None,
            ModelState::Failed(_) => Some(Offer::TryAgain),
            _ if !is_checkpoint => None,
            ModelState::Unloaded(_) => Some(Offer::Load),
            ModelState::Queued(_) | ModelState::Loading(_) => Some(Offer::Cancel),
            ModelState::Ready { .. } => Some(Offer::Unload),
        }
    }

    /// The checkpoint that an adapter stands on.
    pub fn base(&self) -> Option<&ModelId> {
        self.made_of.as_ref().and_then(|it| it.base.as_ref())
    }
}

impl Registry {
    /// The family of a checkpoint: itself and the adapters on it.
    pub fn family<'a>(&'a self, checkpoint: &'a ModelId) -> impl Iterator<Item = &'a Registered> {
        self.models.iter().filter(move |it| it.card.id == *checkpoint || it.base() == Some(checkpoint))
    }

    /// What unloading a checkpoint gives back, that of its adapters included.
    pub fn freed_bytes(&self, checkpoint: &ModelId) -> u64 {
        self.family(checkpoint).filter_map(|it| it.memory).map(Memory::total_bytes).sum()
    }

    /// Whether anything will change without anyone's doing.
    pub fn is_moving(&self) -> bool {
        self.models.iter().any(|it| it.card.state.is_coming() || it.n_answers > 0)
    }
}

/// A size as people read it, in powers of ten: `988 MB`, `3.8 GB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn registered(id: &str, base: Option<&str>, state: ModelState) -> Registered {
        let id = ModelId(id.into());
        Registered {
            card: ModelCard { name: id.0.clone(), id, role: Role::Other, about: String::new(), is_demo: false, state },
            made_of: Some(MadeOf { base: base.map(|it| ModelId(it.into())), ..MadeOf::default() }),
            weights: None,
            hash: None,
            memory: Some(Memory { weights_bytes: 10, cache_bytes: 5 }),
            n_answers: 0,
        }
    }

    #[test]
    fn an_adapter_comes_and_goes_with_its_base() {
        let ready = || ModelState::Ready { device: "cpu".into(), precision: "bf16".into() };
        let models = vec![
            registered("a", None, ready()),
            registered("b", Some("a"), ready()),
            registered("c", None, ModelState::Loading(7)),
            registered("d", Some("a"), ModelState::Failed("no".into())),
        ];
        let offers: Vec<_> = models.iter().map(Registered::offer).collect();
        assert_eq!(offers, [Some(Offer::Unload), None, Some(Offer::Cancel), Some(Offer::TryAgain)]);
        let registry = Registry { models, memories: Vec::new() };
        assert_eq!(registry.freed_bytes(&ModelId("a".into())), 45);
        assert!(registry.is_moving());
    }

    #[test]
    fn sizes_are_short() {
        let check = |bytes, expected| assert_eq!(size(bytes), expected);
        check(17, "17 B");
        check(1_001, "2 kB");
        check(988_097_824, "988 MB");
        check(3_850_000_000, "3.8 GB");
    }
}
