//! A checkpoint with the adapters that were trained on it: read from disk, checked, placed.

use std::num::NonZeroU32;
use std::path::Path;

use engine::{AdapterIdx, Steadiness};
use tch::no_grad_guard;

use crate::LoadError;
use crate::cache::Cache;
use crate::config::Config;
use crate::decoder::Decoder;
use crate::lora::Adapter;
use crate::need::{Checkpoint, Need, check_room, n_parameters, position_bytes};
use crate::placement::{Place, Placement};
use crate::runner::TorchRunner;
use crate::weights::{Progress, Weights};

/// The weights that all variants share, and the adapters that make the variants.
pub struct Base {
    pub(crate) config: Config,
    pub(crate) place: Place,
    pub(crate) decoder: Decoder,
    pub(crate) adapters: Vec<Adapter>,
    hash: String,
    n_parameters: u64,
}

impl Base {
    /// Reads a checkpoint folder in Hugging Face layout: `config.json` and safetensors, in one file or several.
    pub fn load(folder: &Path, placement: Placement) -> Result<Base, LoadError> {
        Base::load_watched(folder, placement, &mut |_| {})
    }

    /// As [`Base::load`], telling `progress` after every piece of the weights how much has been read.
    pub fn load_watched(
        folder: &Path,
        placement: Placement,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Base, LoadError> {
        let _no_grad = no_grad_guard();
        let Checkpoint { mut files, config, listing } = Checkpoint::open(folder)?;
        let plan = placement.resolve(listing.kind_of_matrices())?;
        listing.need(plan).check(plan)?;
        let mut weights = Weights::read(&mut files, &listing, plan.arrival, progress)?;
        let place = plan.place();
        let decoder = Decoder::build(&config, &mut weights, &place)?;
        Ok(Base {
            n_parameters: n_parameters(&config),
            config,
            place,
            decoder,
            adapters: Vec::new(),
            hash: files.hash(),
        })
    }

    /// Adds an adapter in PEFT layout as the next variant. When it is refused, the base stays as it was.
    pub fn add_adapter(&mut self, folder: &Path) -> Result<AdapterIdx, LoadError> {
        let _no_grad = no_grad_guard();
        self.adapters.push(Adapter::load(folder, &self.config, &self.place)?);
        Ok(AdapterIdx(self.n_adapters()))
    }

    /// Computes with this many threads. On a busy machine fewer are faster: they wait for each other in every product.
    ///
    /// Where the processor's own kernels compute, libtorch needs one thread only, and gets no more: its number is the
    /// whole process's.
    pub fn set_threads(&self, n_threads: usize) {
        let n_of_torch = match &self.place.processor {
            Some(processor) => {
                processor.pool().resize(n_threads);
                1
            }
            None => i32::try_from(n_threads).unwrap_or(i32::MAX).max(1),
        };
        tch::set_num_threads(n_of_torch);
    }

    /// Makes room for `n_slots` sequences of up to `n_positions` tokens each, and is ready to run.
    pub fn into_runner(self, n_slots: u32, n_positions: u32) -> Result<TorchRunner, LoadError> {
        check_room(&self.config, n_slots, n_positions)?;
        let cache = self.cache(n_slots, n_positions)?;
        Ok(TorchRunner::new(self, cache))
    }

    /// The same with logits that do not depend on what else is computed, to the last bit.
    ///
    /// Those of the processor's own kernels never do. Elsewhere rows that answer are always computed `n_rows` at once,
    /// however few they are, and every prompt by itself: answers take longer this way.
    pub fn into_steady_runner(
        self,
        n_slots: u32,
        n_positions: u32,
        n_rows: NonZeroU32,
    ) -> Result<TorchRunner, LoadError> {
        if self.place.steadiness() == Steadiness::Invariant {
            return self.into_runner(n_slots, n_positions);
        }
        check_room(&self.config, n_slots, n_positions)?;
        // One more, for the rows that only fill the bucket.
        let cache = self.cache(n_slots.saturating_add(1), n_positions)?;
        Ok(TorchRunner::in_fixed_bucket(self, cache, n_rows))
    }

    fn cache(&self, n_slots: u32, n_positions: u32) -> Result<Cache, LoadError> {
        let plan = self.place.plan;
        Need::of_cache(&self.config, n_slots, n_positions, plan).check(plan)?;
        Cache::new(&self.config, n_slots, n_positions, &self.place)
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// `cpu` or `cuda:0`.
    pub fn device(&self) -> String {
        self.place.device_name()
    }

    /// `f32`, `bf16`, `f16`, `int8` or `int4`.
    pub fn precision(&self) -> &'static str {
        self.place.precision_name()
    }

    /// Weights of the base; tied embeddings count once.
    pub fn n_parameters(&self) -> u64 {
        self.n_parameters
    }

    pub fn n_adapters(&self) -> u32 {
        self.adapters.len() as u32
    }

    /// Positions (prompt and answer tokens) the model was made for.
    pub fn max_positions(&self) -> u32 {
        self.config.n_positions() as u32
    }

    /// Legal token ids are below this.
    pub fn vocabulary_size(&self) -> u32 {
        self.config.vocab_size as u32
    }

    /// Cache memory that one position of one slot takes, in bytes.
    pub fn position_bytes(&self) -> u64 {
        position_bytes(&self.config, self.place.plan)
    }

    /// SHA-256 over the checkpoint's configuration and weights, in hexadecimal.
    ///
    /// `sha256sum config.json model.safetensors | sha256sum` in its folder gives the same.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The same over `adapter_config.json` and `adapter_model.safetensors`. `None` for the bare base, whose hash is
    /// [`Base::hash`], and for adapters there are not.
    pub fn adapter_hash(&self, adapter: AdapterIdx) -> Option<&str> {
        let idx = adapter.0.checked_sub(1)?;
        self.adapters.get(idx as usize).map(Adapter::hash)
    }
}
