//! The hosted models: what the catalogue names, and what of it can answer by now.

use domain::{ModelCard, ModelId, ModelState};
use engine::{AdapterIdx, Engine, Load};
use std::sync::{PoisonError, RwLock};

/// Every model of the catalogue, in its order.
pub struct Models {
    entries: RwLock<Vec<Entry>>,
}

struct Entry {
    card: ModelCard,
    hosted: Option<Hosted>,
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

impl Models {
    /// The catalogue, before anything is loaded.
    pub fn new(cards: Vec<ModelCard>) -> Self {
        let entries = cards.into_iter().map(|card| Entry { card, hosted: None }).collect();
        Self { entries: RwLock::new(entries) }
    }

    pub fn cards(&self) -> Vec<ModelCard> {
        self.read(|entries| entries.iter().map(|it| it.card.clone()).collect())
    }

    pub fn card(&self, id: &ModelId) -> Option<ModelCard> {
        self.read(|entries| entries.iter().find(|it| it.card.id == *id).map(|it| it.card.clone()))
    }

    /// The model, or why it cannot answer as a sentence that names it.
    pub fn hosted(&self, id: &ModelId) -> Result<Hosted, String> {
        self.read(|entries| {
            let Some(Entry { card, hosted }) = entries.iter().find(|it| it.card.id == *id) else {
                return Err(format!("{} is no longer among the models of this server", id.0));
            };
            match (hosted, &card.state) {
                (Some(hosted), _) => Ok(hosted.clone()),
                (None, ModelState::Failed(reason)) => Err(format!("{} could not be loaded: {reason}", card.name)),
                (None, _) => Err(format!("{} is still being loaded; continue in a moment", card.name)),
            }
        })
    }

    /// The engines, each once.
    pub fn engines(&self) -> Vec<HostedEngine> {
        self.read(|entries| {
            let mut engines: Vec<HostedEngine> = Vec::new();
            for (id, hosted) in entries.iter().filter_map(|it| Some((&it.card.id, it.hosted.as_ref()?))) {
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

    /// From now on `id` answers.
    pub fn set_ready(&self, id: &ModelId, hosted: Hosted) {
        let state = ModelState::Ready { device: hosted.device.clone(), precision: hosted.precision.clone() };
        self.set(id, state, Some(hosted));
    }

    /// `id` cannot be loaded; `reason` is a sentence for people.
    pub fn set_failed(&self, id: &ModelId, reason: String) {
        self.set(id, ModelState::Failed(reason), None);
    }

    fn set(&self, id: &ModelId, state: ModelState, hosted: Option<Hosted>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|it| it.card.id == *id) {
            entry.card.state = state;
            entry.hosted = hosted;
        }
    }

    fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }
}
