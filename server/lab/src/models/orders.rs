//! What is to be loaded and unloaded: wished by people here, carried out by the one who loads there.

use super::{Entry, Models, checkpoint, members, n_answers, position, queue};
use crate::Error;
use domain::{ModelId, ModelState};
use engine::EngineLife;
use std::ops::ControlFlow;

/// What the one who loads has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read this checkpoint and its adapters. Where `makes_room`, idle families may be dropped for it.
    Load { checkpoint: ModelId, makes_room: bool },
}

/// A family that was dropped. Its memory is free once its engine has ended.
pub struct Freed {
    pub name: String,
    pub engine: EngineLife,
}

/// The wishes of people.
impl Models {
    /// Loads a model with its family, also one that failed before.
    pub fn wish(&self, id: &ModelId) -> Result<(), Error> {
        self.write(|entries| {
            let idx = known(entries, id)?;
            let checkpoint_idx = checkpoint(entries, idx);
            let entry = &entries[checkpoint_idx];
            if entries[idx].model.made_of.is_none() {
                return Err(Error::refused("its entry in models.toml is wrong; mend it and start the server again"));
            }
            if entry.model.card.state.is_coming() {
                return Ok(());
            }
            // An adapter that failed is loaded anew with its base, and nobody may lose an answer by that.
            check_idle(entry)?;
            queue(entries, checkpoint_idx, "it is to be loaded");
            entries[checkpoint_idx].family.is_wanted = true;
            entries[checkpoint_idx].family.deaths.clear();
            Ok(())
        })
    }

    /// Unloads a family, or gives up loading it. Refused while somebody is answered by it, or waits for it.
    pub fn unload(&self, id: &ModelId) -> Result<(), Error> {
        self.write(|entries| {
            let idx = known(entries, id)?;
            let checkpoint_idx = checkpoint(entries, idx);
            let entry = &entries[checkpoint_idx];
            check_idle(entry)?;
            let reason = match entry.model.card.state {
                ModelState::Ready { .. } => "it was unloaded by hand",
                ModelState::Queued(_) | ModelState::Loading(_) => "its loading was cancelled",
                ModelState::Unloaded(_) | ModelState::Failed(_) => return Ok(()),
            };
            drop_family(entries, checkpoint_idx, reason);
            Ok(())
        })
    }
}

/// What the one who loads asks and tells.
impl Models {
    /// Waits for something to load. From then on its family counts as being loaded.
    pub async fn next_order(&self) -> Order {
        let mut changes = self.changes();
        loop {
            if let Some(order) = self.take_order() {
                return order;
            }
            changes.changed().await.expect("the models hold the sender themselves");
        }
    }

    fn take_order(&self) -> Option<Order> {
        self.write(|entries| {
            let is_first = |it: &&Entry| it.model.base().is_none() && is_queued(it);
            let first = entries.iter().filter(is_first).min_by_key(|it| it.family.ticket)?;
            let (checkpoint, makes_room) = (first.model.card.id.clone(), first.family.is_wanted);
            let idx = position(entries, &checkpoint).expect("it was just found");
            members(entries, idx).for_each(|it| it.set(ModelState::Loading(0), None));
            Some(Order::Load { checkpoint, makes_room })
        })
    }

    /// So much is read, from 0 to 100. Breaks where nobody wants it any more.
    pub fn set_progress(&self, checkpoint: &ModelId, percent: u8) -> ControlFlow<()> {
        self.write(|entries| {
            let Some(idx) = position(entries, checkpoint) else { return ControlFlow::Break(()) };
            if !matches!(entries[idx].model.card.state, ModelState::Loading(_)) {
                return ControlFlow::Break(());
            }
            members(entries, idx).filter(|it| is_loading(it)).for_each(|it| it.set(ModelState::Loading(percent), None));
            ControlFlow::Continue(())
        })
    }

    /// It cannot be loaded now, but later; others go first.
    pub fn put_back(&self, checkpoint: &ModelId, reason: &str) {
        self.write(|entries| {
            if let Some(idx) = position(entries, checkpoint).filter(|idx| is_loading(&entries[*idx])) {
                queue(entries, idx, reason);
            }
        });
    }

    /// It is not loaded after all, until somebody asks for it.
    pub fn set_aside(&self, checkpoint: &ModelId, reason: &str) {
        self.write(|entries| {
            let Some(idx) = position(entries, checkpoint).filter(|idx| is_loading(&entries[*idx])) else { return };
            match entries[idx].family.n_claims {
                0 => drop_family(entries, idx, reason),
                // Somebody has come to wait for it meanwhile.
                _ => queue(entries, idx, reason),
            }
        });
    }

    /// Drops the family that was not used for the longest time, of those on `device` that nobody is using.
    pub fn drop_idle(&self, device: &str, reason: &str) -> Option<Freed> {
        self.write(|entries| {
            let is_idle = |it: &&Entry| is_on(it, device) && check_idle(it).is_ok();
            let idlest = entries.iter().filter(is_idle).min_by_key(|it| it.family.used_at)?;
            let (id, name) = (idlest.model.card.id.clone(), idlest.model.card.name.clone());
            let engine = idlest.hosted.as_ref()?.engine.life();
            let idx = position(entries, &id).expect("it was just found");
            drop_family(entries, idx, reason);
            Some(Freed { name, engine })
        })
    }

    /// The names of the families that are loaded on `device`.
    pub fn loaded_on(&self, device: &str) -> Vec<String> {
        let name = |it: &Entry| it.model.card.name.clone();
        self.read(|entries| entries.iter().filter(|it| is_on(it, device)).map(name).collect())
    }
}

fn known(entries: &[Entry], id: &ModelId) -> Result<usize, Error> {
    position(entries, id).ok_or_else(|| Error::refused(format!("there is no model “{}” on this server", id.0)))
}

/// Nobody is answered by the family of this checkpoint, and nobody waits for it.
fn check_idle(entry: &Entry) -> Result<(), Error> {
    let name = &entry.model.card.name;
    let n_answers = entry.hosted.as_ref().map_or(0, |it| n_answers(&it.engine));
    let refused = |what: String| Err(Error::refused(format!("{name} is in use: {what}; stop them first, or wait")));
    match (n_answers, entry.family.n_claims) {
        (0, 0) => Ok(()),
        (0, 1) => refused("answers wait for it".into()),
        (0, _) => refused("several models' answers wait for it".into()),
        (1, _) => refused("one answer is being written or waits for its turn".into()),
        (n, _) => refused(format!("{n} answers are being written or wait for their turn")),
    }
}

fn is_on(entry: &Entry, device: &str) -> bool {
    let is_there = matches!(&entry.model.card.state, ModelState::Ready { device: it, .. } if it == device);
    is_there && entry.model.base().is_none()
}

fn is_queued(entry: &Entry) -> bool {
    matches!(entry.model.card.state, ModelState::Queued(_))
}

fn is_loading(entry: &Entry) -> bool {
    matches!(entry.model.card.state, ModelState::Loading(_))
}

fn drop_family(entries: &mut [Entry], checkpoint_idx: usize, reason: &str) {
    for entry in members(entries, checkpoint_idx) {
        entry.set(ModelState::Unloaded(reason.to_owned()), None);
    }
    entries[checkpoint_idx].family.is_wanted = false;
}
