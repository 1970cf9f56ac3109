//! Loads the models of the catalogue, one base after the other, and hands each to the laboratory once it can answer.

use crate::catalogue::{Catalogue, Entry, Source};
use anyhow::{Context, Result};
use domain::ModelId;
use engine::{AdapterIdx, Engine, Language};
use lab::{Hosted, Models};
use model::{Base, Placement};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, path::Path, sync::Arc, time::Instant};

/// How much each engine may hold.
#[derive(Clone, Copy)]
pub struct Room {
    pub n_slots: u32,
    pub n_positions_max: u32,
    /// Threads for computing on the processor; None leaves it to the size of the models.
    pub n_threads: Option<usize>,
}

/// Below this, a step's products are too short to be shared between threads.
const SMALL_PARAMETERS_MAX: u64 = 50_000_000;

/// Begins to load, on a thread of its own.
pub fn start(catalogue: Catalogue, models: Arc<Models>, room: Room) {
    let load = move || load_all(&catalogue, &models, room);
    std::thread::Builder::new().name("loader".into()).spawn(load).expect("a thread can be started");
}

fn load_all(catalogue: &Catalogue, models: &Models, room: Room) {
    for entry in &catalogue.entries {
        match &entry.source {
            Ok(Source::Checkpoint { path, placement }) => {
                let family = Family { catalogue, models, checkpoint: &entry.id };
                if let Err(err) = family.load(path, *placement, room) {
                    family.fail(&err);
                }
            }
            // Adapters are loaded with their base.
            Ok(Source::Adapter { .. }) => {}
            Err(reason) => tracing::error!(model.id = entry.id.0, "models.toml: {reason}"),
        }
    }
}

/// A checkpoint with the adapters that stand on it.
struct Family<'a> {
    catalogue: &'a Catalogue,
    models: &'a Models,
    checkpoint: &'a ModelId,
}

impl Family<'_> {
    fn load(&self, path: &Path, placement: Placement, room: Room) -> Result<()> {
        let begun = Instant::now();
        let language = Language::load(path)?;
        let text_hash = hash_of_text(path)?;
        let mut base = Base::load(path, placement)?;
        let mut variants =
            vec![(self.checkpoint.clone(), AdapterIdx::default(), fingerprint(&[base.hash(), &text_hash]))];
        for (entry, path) in self.adapters() {
            match base.add_adapter(path) {
                Ok(adapter) => {
                    let own = base.adapter_hash(adapter).expect("it was just added").to_owned();
                    variants.push((entry.id.clone(), adapter, fingerprint(&[base.hash(), &text_hash, &own])));
                }
                Err(err) => self.fail_one(&entry.id, &err.to_string()),
            }
        }
        set_threads(room.n_threads, base.n_parameters());
        let (device, precision) = (base.device(), base.precision().to_owned());
        let n_positions = room.n_positions_max.min(base.max_positions());
        let engine = Engine::start(base.into_runner(room.n_slots, n_positions)?, language);
        tracing::info!(
            model.id = self.checkpoint.0,
            n_variants = variants.len(),
            device,
            precision,
            duration_ms = begun.elapsed().as_millis(),
            "a base model and its adapters are ready"
        );
        for (id, adapter, hash) in variants {
            let (engine, device, precision) = (engine.clone(), device.clone(), precision.clone());
            self.models.set_ready(&id, Hosted { engine, adapter, hash, device, precision });
        }
        Ok(())
    }

    fn adapters(&self) -> impl Iterator<Item = (&Entry, &Path)> {
        self.catalogue.entries.iter().filter_map(|entry| match &entry.source {
            Ok(Source::Adapter { base, path }) if base == self.checkpoint => Some((entry, path.as_path())),
            _ => None,
        })
    }

    /// Without the base none of its variants can answer.
    fn fail(&self, err: &anyhow::Error) {
        self.fail_one(self.checkpoint, &format!("{err:#}"));
        for (entry, _) in self.adapters() {
            self.fail_one(&entry.id, &format!("its base “{}” could not be loaded", self.checkpoint.0));
        }
    }

    fn fail_one(&self, id: &ModelId, reason: &str) {
        tracing::error!(model.id = id.0, "cannot load a model: {reason}");
        self.models.set_failed(id, self.catalogue.without_folder(reason));
    }
}

/// Threads are the whole process's, and those that compute already keep what they have.
fn set_threads(wished: Option<usize>, n_parameters: u64) {
    let n_cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let fitting = if n_parameters < SMALL_PARAMETERS_MAX { 1 } else { n_cores() };
    model::set_threads(wished.unwrap_or(fitting));
}

/// SHA-256 over the files that make text of tokens and prompts of messages.
fn hash_of_text(folder: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"] {
        let path = folder.join(name);
        if path.exists() {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            digest.update(name.as_bytes());
            digest.update(Sha256::digest(&bytes));
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

/// One hash for a variant: SHA-256 over the hashes of its parts.
fn fingerprint(parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\n").as_bytes()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings can be written to");
        text
    })
}
