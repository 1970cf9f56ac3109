//! The hosted models: what the catalogue names, what of it can answer by now, and what is to be loaded next.
//!
//! A checkpoint and the adapters on it are a family: they share an engine, and are loaded and unloaded together. What is
//! wanted stands here; whoever loads ([`Models::next_order`]) carries it out and tells how far it is.

mod claim;
mod orders;
mod supervision;

pub use claim::Claim;
pub use orders::{Freed, Order};

use domain::{DeviceMemory, Memory, ModelCard, ModelId, ModelState, Registered, Registry, Weights};
use engine::{AdapterIdx, Engine, Load};
use std::{
    sync::{PoisonError, RwLock},
    time::Instant,
};
use tokio::sync::watch;

/// Every model of the catalogue, in its order.
pub struct Models {
    entries: RwLock<Vec<Entry>>,
    /// Counts the changes, for those who wait for one.
    changes: watch::Sender<u64>,
    gauge: Gauge,
}

/// Measures what is left of the memories that models lie in.
pub type Gauge = Box<dyn Fn() -> Vec<DeviceMemory> + Send + Sync>;

struct Entry {
    model: Registered,
    hosted: Option<Hosted>,
    family: Family,
}

/// What is known of a family, kept with its checkpoint.
#[derive(Default)]
struct Family {
    /// Its place in the queue; the lowest is loaded next.
    ticket: u64,
    /// Whether somebody asks for it, so that others may be dropped to make room.
    is_wanted: bool,
    /// Those who wait for it to be loaded, or are about to ask it.
    n_claims: u32,
    used_at: Option<Instant>,
    /// When its engine stopped by itself, as often as that happened lately.
    deaths: Vec<Instant>,
}

/// A model that can answer.
#[derive(Clone)]
pub struct Hosted {
    /// The engine of its base, shared by all variants of that base.
    pub engine: Engine,
    pub adapter: AdapterIdx,
    /// SHA-256 over the model's files, in hexadecimal.
    pub hash: String,
    pub device: String,
    pub precision: String,
}

/// An engine, and the model that its variants stand on.
pub struct HostedEngine {
    pub base: ModelId,
    pub engine: Engine,
}

/// Why a model does not answer right now, as a sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    #[error("{0} is no longer among the models of this server")]
    Unknown(String),
    #[error("{name} could not be loaded: {reason}")]
    Failed { name: String, reason: String },
    /// It will answer, if nothing goes wrong.
    #[error("{name} {reason}")]
    NotYet { name: String, reason: String, percent: Option<u8> },
}

impl From<Absent> for String {
    fn from(absent: Absent) -> Self {
        absent.to_string()
    }
}

impl Models {
    /// The catalogue, before anything is loaded. What is queued there is loaded in this order.
    pub fn new(models: Vec<Registered>) -> Self {
        let family = |ticket| Family { ticket, ..Family::default() };
        let entry = |(ticket, model)| Entry { model, hosted: None, family: family(ticket) };
        let entries = RwLock::new((0..).zip(models).map(entry).collect());
        Self { entries, changes: watch::Sender::new(0), gauge: Box::new(Vec::new) }
    }

    /// The same, with something that measures what is left.
    pub fn gauged(self, gauge: Gauge) -> Self {
        Self { gauge, ..self }
    }

    pub fn cards(&self) -> Vec<ModelCard> {
        self.read(|entries| entries.iter().map(|it| it.model.card.clone()).collect())
    }

    pub fn card(&self, id: &ModelId) -> Option<ModelCard> {
        self.read(|entries| Some(find(entries, id)?.model.card.clone()))
    }

    /// Everything that is known of every model.
    pub fn registry(&self) -> Registry {
        let n_answers = |entry: &Entry| entry.hosted.as_ref().map_or(0, |it| n_answers(&it.engine));
        let registered = |entry: &Entry| Registered { n_answers: n_answers(entry), ..entry.model.clone() };
        let models = self.read(|entries| entries.iter().map(registered).collect());
        Registry { models, memories: (self.gauge)() }
    }

    /// The model, or why it cannot answer now. One that is not in memory is loaded from now on.
    pub fn hosted(&self, id: &ModelId) -> Result<Hosted, Absent> {
        let found = self.look(id)?;
        if !found.engine.has_stopped() {
            return Ok(found);
        }
        self.revive();
        self.look(id)
    }

    fn look(&self, id: &ModelId) -> Result<Hosted, Absent> {
        self.write(|entries| {
            let idx = position(entries, id).ok_or_else(|| Absent::Unknown(id.0.clone()))?;
            want(entries, idx);
            entries[idx].look()
        })
    }

    /// The engines, each once.
    pub fn engines(&self) -> Vec<HostedEngine> {
        self.read(|entries| {
            let mut engines: Vec<HostedEngine> = Vec::new();
            for (id, hosted) in entries.iter().filter_map(|it| Some((&it.model.card.id, it.hosted.as_ref()?))) {
                match engines.iter_mut().find(|it| it.engine.is_same(&hosted.engine)) {
                    None => engines.push(HostedEngine { base: id.clone(), engine: hosted.engine.clone() }),
                    Some(engine) if hosted.adapter == AdapterIdx::default() => engine.base = id.clone(),
                    Some(_) => {}
                }
            }
            engines
        })
    }

    /// What all engines together have to do.
    pub fn load(&self) -> Load {
        let loads = self.engines().into_iter().map(|it| it.engine.load());
        loads.fold(Load::default(), |sum, it| Load {
            n_slots: sum.n_slots + it.n_slots,
            n_running: sum.n_running + it.n_running,
            n_waiting: sum.n_waiting + it.n_waiting,
        })
    }

    /// Hears of every change of a state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// From now on `id` answers.
    pub fn set_ready(&self, id: &ModelId, hosted: Hosted) {
        self.change(id, |entry| {
            let (device, precision) = (hosted.device.clone(), hosted.precision.clone());
            entry.model.hash = Some(hosted.hash.clone());
            entry.family.used_at = Some(Instant::now());
            entry.set(ModelState::Ready { device, precision }, Some(hosted));
        });
    }

    /// `id` cannot be loaded; `reason` is a sentence for people.
    pub fn set_failed(&self, id: &ModelId, reason: String) {
        self.change(id, |entry| entry.set(ModelState::Failed(reason), None));
    }

    /// What its files say of `id`.
    pub fn set_weights(&self, id: &ModelId, weights: Weights, memory: Option<Memory>) {
        self.change(id, |entry| (entry.model.weights, entry.model.memory) = (Some(weights), memory));
    }

    fn change(&self, id: &ModelId, change: impl FnOnce(&mut Entry)) {
        self.write(|entries| {
            if let Some(idx) = position(entries, id) {
                change(&mut entries[idx]);
            }
        });
    }

    fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the entries, and tells those who wait for it.
    fn write<T>(&self, change: impl FnOnce(&mut [Entry]) -> T) -> T {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<_> = entries.iter().map(|it| it.model.clone()).collect();
        let result = change(&mut entries);
        let is_new = !entries.iter().map(|it| &it.model).eq(&before);
        drop(entries);
        if is_new {
            self.changes.send_modify(|n_changes| *n_changes += 1);
        }
        result
    }
}

impl Entry {
    fn set(&mut self, state: ModelState, hosted: Option<Hosted>) {
        (self.model.card.state, self.hosted) = (state, hosted);
    }

    fn look(&self) -> Result<Hosted, Absent> {
        let name = || self.model.card.name.clone();
        let not_yet = |reason: String, percent| Err(Absent::NotYet { name: name(), reason, percent });
        match (&self.hosted, &self.model.card.state) {
            (Some(hosted), _) => Ok(hosted.clone()),
            (None, ModelState::Failed(reason)) => Err(Absent::Failed { name: name(), reason: reason.clone() }),
            (None, ModelState::Loading(percent)) => not_yet(format!("is being loaded, {percent} %"), Some(*percent)),
            (None, ModelState::Queued(reason) | ModelState::Unloaded(reason)) => {
                not_yet(format!("waits to be loaded: {reason}"), None)
            }
            (None, ModelState::Ready { .. }) => not_yet("has just been unloaded".into(), None),
        }
    }
}

fn find<'a>(entries: &'a [Entry], id: &ModelId) -> Option<&'a Entry> {
    entries.iter().find(|it| it.model.card.id == *id)
}

fn position(entries: &[Entry], id: &ModelId) -> Option<usize> {
    entries.iter().position(|it| it.model.card.id == *id)
}

/// The checkpoint of the family that an entry belongs to.
fn checkpoint(entries: &[Entry], idx: usize) -> usize {
    entries[idx].model.base().and_then(|base| position(entries, base)).unwrap_or(idx)
}

/// The entries of a checkpoint's family, those left out whose entry in `models.toml` is wrong.
fn members(entries: &mut [Entry], checkpoint_idx: usize) -> impl Iterator<Item = &mut Entry> {
    let checkpoint = entries[checkpoint_idx].model.card.id.clone();
    let is_member = move |it: &&mut Entry| {
        it.model.made_of.is_some() && (it.model.card.id == checkpoint || it.model.base() == Some(&checkpoint))
    };
    entries.iter_mut().filter(is_member)
}

/// Somebody asks for this model: its family was used just now, and is loaded if it is not in memory.
fn want(entries: &mut [Entry], idx: usize) {
    let checkpoint_idx = checkpoint(entries, idx);
    if matches!(entries[checkpoint_idx].model.card.state, ModelState::Unloaded(_)) {
        queue(entries, checkpoint_idx, "somebody asks for it");
    }
    let family = &mut entries[checkpoint_idx].family;
    (family.is_wanted, family.used_at) = (true, Some(Instant::now()));
}

/// Puts a family at the end of the queue.
fn queue(entries: &mut [Entry], checkpoint_idx: usize, reason: &str) {
    let last = entries.iter().map(|it| it.family.ticket).max().unwrap_or(0);
    entries[checkpoint_idx].family.ticket = last + 1;
    for entry in members(entries, checkpoint_idx) {
        entry.set(ModelState::Queued(reason.to_owned()), None);
    }
}

fn n_answers(engine: &Engine) -> u32 {
    let load = engine.load();
    load.n_running + load.n_waiting
}
