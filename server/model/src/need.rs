//! What a checkpoint is and what it takes in memory, by its configuration and the headers of its files alone.

use std::path::Path;

use kernels::Precision;

use crate::LoadError;
use crate::base::Base;
use crate::config::{Config, RopeScaling};
use crate::decoder::{expected, is_table, optional};
use crate::files::Files;
use crate::listing::{Listed, Listing, Wanted, checkpoint_files};
use crate::lora::Adapter;
use crate::memory;
use crate::placement::{Arrival, Placement, Plan, kind_name};

/// What a checkpoint says of itself before it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// For instance `Qwen2`.
    pub architecture: &'static str,
    pub n_layers: u32,
    /// As [`Base::n_parameters`].
    pub n_parameters: u64,
    /// What its matrices are stored in: `f32`, `bf16`, `f16`, or `mixed`.
    pub precision: &'static str,
    /// As [`Base::max_positions`].
    pub max_positions: u32,
    /// As [`Base::vocabulary_size`].
    pub vocabulary_size: u32,
    /// Size of its weight files.
    pub files_bytes: u64,
}

/// The same of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// The largest, where its modules have different ones.
    pub rank: u32,
    pub n_parameters: u64,
    pub need: Need,
}

/// Memory that something takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    pub weights_bytes: u64,
    /// For keys and values of past positions.
    pub cache_bytes: u64,
    /// What reading takes beside the weights, and gives back before there is a cache.
    pub reading_bytes: u64,
}

impl Base {
    /// What there is in a folder. Its weights are not read; that they are all there is checked.
    pub fn describe(folder: &Path) -> Result<Summary, LoadError> {
        let Checkpoint { config, listing, .. } = Checkpoint::open(folder)?;
        Ok(Summary {
            architecture: config.architecture.name(),
            n_layers: config.num_hidden_layers as u32,
            n_parameters: n_parameters(&config),
            precision: listing.kind_of_matrices().map_or("mixed", kind_name),
            max_positions: config.n_positions() as u32,
            vocabulary_size: config.vocab_size as u32,
            files_bytes: listing.size_bytes(),
        })
    }

    /// What loading a checkpoint and making room for `n_slots` sequences of up to `n_positions` tokens will take, where
    /// `placement` will have it.
    ///
    /// What is wrong with the folder, apart from the values of the weights, is said here already.
    pub fn need(folder: &Path, placement: Placement, n_slots: u32, n_positions: u32) -> Result<Need, LoadError> {
        let Checkpoint { config, listing, .. } = Checkpoint::open(folder)?;
        check_room(&config, n_slots, n_positions)?;
        let plan = placement.resolve(listing.kind_of_matrices())?;
        let Need { cache_bytes, .. } = Need::of_cache(&config, n_slots, n_positions, plan);
        Ok(Need { cache_bytes, ..listing.need(plan) })
    }

    /// What there is in an adapter's folder, and what it will take beside the checkpoint `base`, placed as that is.
    pub fn describe_adapter(base: &Path, folder: &Path, placement: Placement) -> Result<AdapterSummary, LoadError> {
        let Checkpoint { config, listing, .. } = Checkpoint::open(base)?;
        Adapter::describe(folder, &config, placement.resolve(listing.kind_of_matrices())?)
    }
}

impl Need {
    /// The most that is held at one time.
    pub fn total_bytes(&self) -> u64 {
        self.weights_bytes.saturating_add(self.cache_bytes.max(self.reading_bytes))
    }

    pub(crate) fn of_cache(config: &Config, n_slots: u32, n_positions: u32, plan: Plan) -> Need {
        let n_held = u64::from(n_slots) * u64::from(n_positions);
        Need { cache_bytes: n_held.saturating_mul(position_bytes(config, plan)), ..Need::default() }
    }

    /// Refuses what would not fit. Where nobody can say what is free, it is left to be tried.
    pub(crate) fn check(&self, plan: Plan) -> Result<(), LoadError> {
        let needed_bytes = self.total_bytes();
        match memory::free_on(plan.device) {
            Some(free_bytes) if free_bytes < needed_bytes => Err(LoadError::NoMemory { needed_bytes, free_bytes }),
            _ => Ok(()),
        }
    }
}

/// A checkpoint whose configuration and headers have been read.
pub struct Checkpoint {
    pub files: Files,
    pub config: Config,
    pub listing: Listing,
}

impl Checkpoint {
    pub fn open(folder: &Path) -> Result<Checkpoint, LoadError> {
        let mut files = Files::of(folder);
        let config = read_config(&mut files)?;
        let (expected, optional) = (expected(&config), optional(&config));
        let wanted = Wanted { expected: &expected, optional: &optional, layout: config.layout };
        let names = checkpoint_files(&mut files, &wanted)?;
        let listing = Listing::read(&files, &names, &wanted)?;
        Ok(Checkpoint { files, config, listing })
    }
}

fn read_config(files: &mut Files) -> Result<Config, LoadError> {
    const CONFIG: &str = "config.json";
    Config::parse(&files.read_text(CONFIG)?, &files.path(CONFIG))
}

impl Listing {
    /// What reading these tensors takes, and what they take when they are placed.
    pub fn need(&self, plan: Plan) -> Need {
        let held = self.tensors().map(|tensor| plan.held_bytes(&tensor.shape, precision_of(tensor, plan)));
        let weights_bytes = held.sum();
        // All have arrived before they are packed into fewer bits.
        let more_before = self.arrived_bytes(plan.arrival).saturating_sub(weights_bytes);
        let reading_bytes = self.largest_bytes_read().saturating_add(more_before);
        Need { weights_bytes, cache_bytes: 0, reading_bytes }
    }

    /// What its tensors take once they have been read.
    pub fn arrived_bytes(&self, arrival: Arrival) -> u64 {
        let value_bytes = |tensor: &Listed| arrival.kind_of(tensor.kind).elt_size_in_bytes() as u64;
        self.tensors().map(|tensor| tensor.n_values().saturating_mul(value_bytes(tensor))).sum()
    }

    /// What the largest tensor takes while it is read: it lies there as bytes, and once more before it is placed.
    pub fn largest_bytes_read(&self) -> u64 {
        2 * self.largest_bytes()
    }
}

fn precision_of(tensor: &Listed, plan: Plan) -> Precision {
    if is_table(&tensor.name) { plan.table_precision() } else { plan.weights }
}

/// Tied embeddings count once.
pub fn n_parameters(config: &Config) -> u64 {
    expected(config).values().map(|shape| shape.iter().product::<i64>() as u64).sum()
}

/// What the keys and values of one position of one slot take.
pub fn position_bytes(config: &Config, plan: Plan) -> u64 {
    let n_values = 2 * config.key_size() * config.num_hidden_layers;
    (n_values as u64).saturating_mul(plan.cache_kind().elt_size_in_bytes() as u64)
}

/// Refuses more positions than the model knows.
pub fn check_room(config: &Config, n_slots: u32, n_positions: u32) -> Result<(), LoadError> {
    let refused = |reason: String| Err(LoadError::NoRoom { n_slots, n_positions, reason });
    if n_slots == 0 || n_positions == 0 {
        return refused("there must be at least one of each".to_owned());
    }
    if i64::from(n_positions) > config.n_positions() {
        return refused(position_limit(config));
    }
    Ok(())
}

fn position_limit(config: &Config) -> String {
    let limit = format!("the model knows {} positions", config.n_positions());
    match config.rope.scaling {
        RopeScaling::Dynamic => limit + " (its rope_type dynamic would turn those before anew with every further one)",
        _ => limit,
    }
}
