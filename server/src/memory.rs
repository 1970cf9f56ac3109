//! What a model needs, by its files alone, and what there is: asked before anything large is read.

use crate::{catalogue::Checkpoint, hosting::Room};
use anyhow::{Context, Result};
use domain::{DeviceMemory, Memory, Weights};
use model::{Base, Need};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// A checkpoint, as its files describe it.
pub struct Described {
    pub weights: Weights,
    pub memory: Memory,
}

#[derive(Deserialize)]
struct AdapterConfig {
    r: u64,
}

/// Reads the small files of a checkpoint and the headers of the large ones.
pub fn describe(checkpoint: &Checkpoint, room: Room) -> Result<Described> {
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
pub fn describe_adapter(folder: &Path, base: &Checkpoint) -> Result<Described> {
    let Need { weights_bytes, .. } = Base::adapter_need(&base.path, folder, base.placement)?;
    let AdapterConfig { r } = json(&folder.join("adapter_config.json"))?;
    Ok(Described {
        weights: Weights { architecture: format!("LoRA, rank {r}"), n_parameters: n_parameters(folder)? },
        memory: Memory { weights_bytes, cache_bytes: 0 },
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

/// Numbers in all safetensors files of a folder, by their headers.
fn n_parameters(folder: &Path) -> Result<u64> {
    let files = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = files.filter_map(|it| Some(it.ok()?.path()));
    let is_weights = |it: &PathBuf| it.extension().is_some_and(|it| it == "safetensors");
    paths.filter(is_weights).map(|it| n_values(&it)).sum()
}

fn n_values(path: &Path) -> Result<u64> {
    #[derive(Deserialize)]
    struct Tensor {
        #[serde(default)]
        shape: Vec<u64>,
    }
    let header: HashMap<String, Tensor> = header(path).with_context(|| format!("cannot read {}", path.display()))?;
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    Ok(tensors.map(|(_, it)| it.shape.iter().fold(1_u64, |n, it| n.saturating_mul(*it))).fold(0, u64::saturating_add))
}

/// Far more than any model in use has.
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// The JSON that a safetensors file begins with: its length in eight bytes, and then it.
fn header<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    anyhow::ensure!(length <= HEADER_BYTES_MAX, "its header is said to have {length} bytes");
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let fail = || format!("cannot read {}", path.display());
    let mut text = Vec::new();
    File::open(path).and_then(|it| it.take(HEADER_BYTES_MAX).read_to_end(&mut text)).with_context(fail)?;
    serde_json::from_slice(&text).with_context(fail)
}
