//! Loads checkpoints with their adapters, one after the other, as the laboratory orders it, and hands each over to it once it
//! can answer.

use crate::{
    catalogue::{Catalogue, Checkpoint},
    memory::{self, Described},
};
use anyhow::{Context, Result};
use domain::{Memory, ModelId, size};
use engine::{AdapterIdx, Engine, Language, Template};
use lab::{Freed, Hosted, Models, Order};
use model::{Base, LoadError, TorchRunner};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    num::NonZeroU32,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

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

/// Carries out the orders for the models of a catalogue.
pub struct Loader {
    catalogue: Catalogue,
    models: Arc<Models>,
    room: Room,
    free_bytes: FreeBytes,
}

/// Tells how much is free on a device, where that can be known.
type FreeBytes = Box<dyn Fn(&str) -> Option<u64> + Send>;

/// Why a checkpoint is not in memory after all.
enum Stopped {
    /// It can be loaded later: others are being answered in the memory it needs.
    NotNow(String),
    /// It waits until somebody asks for it.
    NotUnasked(String),
    /// Nobody wants it any more.
    Cancelled,
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stopped {
    fn from(err: E) -> Self {
        Self::Failed(err.into())
    }
}

impl Loader {
    pub fn new(catalogue: Catalogue, models: Arc<Models>, room: Room) -> Self {
        Self { catalogue, models, room, free_bytes: Box::new(memory::free_bytes) }
    }

    /// Begins, on a thread of its own. What the catalogue queues is loaded in its order.
    pub fn start(self) {
        let runtime = Handle::current();
        let run = move || {
            self.describe_all();
            loop {
                let Order::Load { checkpoint, makes_room } = runtime.block_on(self.models.next_order());
                self.load(&checkpoint, makes_room);
            }
        };
        std::thread::Builder::new().name("loader".into()).spawn(run).expect("a thread can be started");
    }

    /// Tells of every model what its files say, also of those that stay on the disk.
    fn describe_all(&self) {
        for entry in &self.catalogue.entries {
            let Some(checkpoint) = self.catalogue.checkpoint(&entry.id) else { continue };
            self.describe(&entry.id, memory::describe(checkpoint, self.room));
            for (adapter, folder) in self.catalogue.adapters_on(&entry.id) {
                self.describe(adapter, memory::describe_adapter(folder, checkpoint));
            }
        }
    }

    /// What cannot be described is told when it cannot be loaded either.
    fn describe(&self, id: &ModelId, described: Result<Described, LoadError>) -> Option<Memory> {
        let Described { weights, memory } = described.ok()?;
        self.models.set_weights(id, weights, Some(memory));
        Some(memory)
    }

    fn load(&self, id: &ModelId, makes_room: bool) {
        let checkpoint = self.catalogue.checkpoint(id).expect("only checkpoints of the catalogue are ordered");
        match self.make_room(id, checkpoint, makes_room).and_then(|()| self.read(id, checkpoint)) {
            Ok(()) => {}
            Err(Stopped::NotNow(reason)) => {
                self.models.put_back(id, &reason);
                std::thread::sleep(PAUSE);
            }
            Err(Stopped::NotUnasked(reason)) => self.models.set_aside(id, &reason),
            Err(Stopped::Cancelled) => tracing::info!(model.id = id.0, "a load was cancelled"),
            Err(Stopped::Failed(err)) => self.fail(id, &err),
        }
    }

    /// Sees that the family fits: drops idle ones for it, where it may.
    fn make_room(&self, id: &ModelId, checkpoint: &Checkpoint, makes_room: bool) -> Result<(), Stopped> {
        let Some(needed) = self.needed_bytes(id, checkpoint) else { return Ok(()) };
        let device = checkpoint.placement.device.name();
        loop {
            let Some(free) = (self.free_bytes)(&device).filter(|free| *free < needed) else { return Ok(()) };
            let loaded = self.models.loaded_on(&device);
            let lacks = format!("it needs {}, and {} of {device}'s memory are free", size(needed), size(free));
            if loaded.is_empty() {
                return Err(Stopped::Failed(anyhow::anyhow!(lacks)));
            }
            if !makes_room {
                return Err(Stopped::NotUnasked(format!("{lacks} beside {}", loaded.join(", "))));
            }
            let reason = format!("it made room for {}; it is loaded again when somebody asks for it", id.0);
            match self.models.drop_idle(&device, &reason) {
                Some(freed) => wait_for(&freed),
                None => return Err(Stopped::NotNow(format!("{lacks}; {} are in use", loaded.join(", ")))),
            }
        }
    }

    /// Weights, cache and adapters; none where the files do not say.
    fn needed_bytes(&self, id: &ModelId, checkpoint: &Checkpoint) -> Option<u64> {
        let own = self.describe(id, memory::describe(checkpoint, self.room))?;
        let adapters = self.catalogue.adapters_on(id);
        let of_adapter =
            |(id, folder): (&ModelId, &Path)| self.describe(id, memory::describe_adapter(folder, checkpoint));
        let adapters: u64 = adapters.filter_map(of_adapter).map(Memory::total_bytes).sum();
        Some(own.total_bytes() + adapters)
    }

    fn read(&self, id: &ModelId, checkpoint: &Checkpoint) -> Result<(), Stopped> {
        let begun = Instant::now();
        let language = Language::load_with(&checkpoint.path, &checkpoint.template)?;
        let text_hash = hash_of_text(&checkpoint.path, &checkpoint.template)?;
        let mut base = self.read_base(id, checkpoint)?;
        let mut variants = vec![(id.clone(), AdapterIdx::default(), fingerprint(&[base.hash(), &text_hash]))];
        for (id, path) in self.catalogue.adapters_on(id) {
            match base.add_adapter(path) {
                Ok(adapter) => {
                    let own = base.adapter_hash(adapter).expect("it was just added").to_owned();
                    variants.push((id.clone(), adapter, fingerprint(&[base.hash(), &text_hash, &own])));
                }
                Err(err) => self.fail_one(id, &err.to_string()),
            }
        }
        base.set_threads(n_threads(self.room.n_threads, base.n_parameters()));
        let (device, precision) = (base.device(), base.precision().to_owned());
        let n_positions = self.room.n_positions_max.min(base.max_positions());
        let runner = self.runner(base, n_positions, checkpoint.reproducible)?;
        if self.models.set_progress(id, 100).is_break() {
            return Err(Stopped::Cancelled);
        }
        let engine = Engine::start(runner, language);
        tracing::info!(
            model.id = id.0,
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

    /// In reproducible mode the rows of a step are always as many as there are slots.
    fn runner(&self, base: Base, n_positions: u32, reproducible: bool) -> Result<TorchRunner, LoadError> {
        let n_slots = self.room.n_slots;
        match NonZeroU32::new(n_slots).filter(|_| reproducible) {
            Some(n_rows) => base.into_steady_runner(n_slots, n_positions, n_rows),
            None => base.into_runner(n_slots, n_positions),
        }
    }

    /// Reads the weights, telling how far it is. A cancelled load ends between two pieces: it unwinds from there, which frees
    /// what was read.
    fn read_base(&self, id: &ModelId, checkpoint: &Checkpoint) -> Result<Base, Stopped> {
        let mut told = 0;
        let mut tell = |progress: model::Progress| {
            // The last hundredth is for the adapters and the cache.
            let percent = (progress.read_bytes * 99 / progress.total_bytes.max(1)).min(99) as u8;
            if percent > told {
                told = percent;
                if let ControlFlow::Break(()) = self.models.set_progress(id, percent) {
                    resume_unwind(Box::new(CancelledLoad));
                }
            }
        };
        match catch_unwind(AssertUnwindSafe(|| Base::load_watched(&checkpoint.path, checkpoint.placement, &mut tell))) {
            Ok(loaded) => Ok(loaded?),
            Err(panic) if panic.is::<CancelledLoad>() => Err(Stopped::Cancelled),
            Err(_) => Err(anyhow::anyhow!("reading its weights went wrong; the server's log says where").into()),
        }
    }

    /// Without the base none of its variants can answer.
    fn fail(&self, id: &ModelId, err: &anyhow::Error) {
        self.fail_one(id, &format!("{err:#}"));
        for (adapter, _) in self.catalogue.adapters_on(id) {
            self.fail_one(adapter, &format!("its base “{}” could not be loaded", id.0));
        }
    }

    fn fail_one(&self, id: &ModelId, reason: &str) {
        tracing::error!(model.id = id.0, "cannot load a model: {reason}");
        self.models.set_failed(id, self.catalogue.without_folder(reason));
    }
}

/// What a cancelled load unwinds with.
struct CancelledLoad;

/// How long a load that has no room waits before it looks for some again.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a dropped engine may take to be gone: only somebody who has just asked it can hold it.
const GONE_MAX: Duration = Duration::from_secs(60);

fn wait_for(freed: &Freed) {
    let begun = Instant::now();
    while !freed.engine.is_over() && begun.elapsed() < GONE_MAX {
        std::thread::sleep(Duration::from_millis(5));
    }
    tracing::info!(model.name = freed.name, "an idle model was unloaded to make room");
}

/// How many threads a model computes with.
fn n_threads(wished: Option<usize>, n_parameters: u64) -> usize {
    let n_cores = || std::thread::available_parallelism().map_or(1, usize::from);
    wished.unwrap_or_else(|| if n_parameters < SMALL_PARAMETERS_MAX { 1 } else { n_cores() })
}

/// SHA-256 over the files that make text of tokens and prompts of messages, and over the chat template where it is another
/// than the checkpoint's own.
fn hash_of_text(folder: &Path, template: &Template) -> Result<String> {
    let mut digest = Sha256::new();
    let mut add = |name: &str, path: &Path| {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        digest.update(name.as_bytes());
        digest.update(Sha256::digest(&bytes));
        anyhow::Ok(())
    };
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"] {
        let path = folder.join(name);
        if path.exists() {
            add(name, &path)?;
        }
    }
    match template {
        Template::Own => {}
        Template::File(path) => add("template", path)?,
        built_in => digest.update(format!("template {built_in}").as_bytes()),
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

#[cfg(test)]
mod tests;
