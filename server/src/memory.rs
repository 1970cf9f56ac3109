//! What a model needs, by its files alone, and what there is: asked before anything large is read.

use crate::{catalogue::Checkpoint, hosting::Room};
use domain::{DeviceMemory, Memory, Weights};
use model::{AdapterSummary, Base, LoadError, Need};
use std::path::Path;

/// A checkpoint, as its files describe it.
pub struct Described {
    pub weights: Weights,
    pub memory: Memory,
}

/// Reads the small files of a checkpoint and the headers of the large ones.
pub fn describe(checkpoint: &Checkpoint, room: Room) -> Result<Described, LoadError> {
    let summary = Base::describe(&checkpoint.path)?;
    let n_positions = room.n_positions_max.min(summary.max_positions);
    let Need { weights_bytes, cache_bytes, .. } =
        Base::need(&checkpoint.path, checkpoint.placement, room.n_slots, n_positions)?;
    let architecture = format!("{}, {} layers", summary.architecture, summary.n_layers);
    Ok(Described {
        weights: Weights { architecture, n_parameters: summary.n_parameters },
        memory: Memory { weights_bytes, cache_bytes },
    })
}

/// The same of an adapter, which is kept where its base is.
pub fn describe_adapter(folder: &Path, base: &Checkpoint) -> Result<Described, LoadError> {
    let AdapterSummary { rank, n_parameters, need } = Base::describe_adapter(&base.path, folder, base.placement)?;
    Ok(Described {
        weights: Weights { architecture: format!("LoRA, rank {rank}"), n_parameters },
        memory: Memory { weights_bytes: need.weights_bytes, cache_bytes: 0 },
    })
}

/// Bytes that are free where a checkpoint is to lie; none where that cannot be known.
pub fn free_bytes(device: &str) -> Option<u64> {
    model::free_bytes(device.parse().ok()?)
}

/// What is left of the memories there are, in steps that people care for.
pub fn gauge() -> Vec<DeviceMemory> {
    const STEP_BYTES: u64 = 10_000_000;
    let free = |device: &str| {
        let free_bytes = free_bytes(device)? / STEP_BYTES * STEP_BYTES;
        Some(DeviceMemory { device: device.to_owned(), free_bytes })
    };
    free("cpu").into_iter().collect()
}
