//! The registry of models, and those who watch it.

use crate::Lab;
use domain::Registry;
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked for what changes without being told: answers in hand, and memory.
const PAUSE: Duration = Duration::from_secs(2);

/// One reader of the registry.
pub struct RegistryWatcher {
    lab: Lab,
    changes: watch::Receiver<u64>,
    going_down: watch::Receiver<bool>,
    seen: Option<Registry>,
}

impl Lab {
    /// Every model with all that is known of it.
    pub fn registry(&self) -> Registry {
        self.models.registry()
    }

    pub fn watch_registry(&self) -> RegistryWatcher {
        let (changes, going_down) = (self.models.changes(), self.going_down.subscribe());
        RegistryWatcher { lab: self.clone(), changes, going_down, seen: None }
    }
}

impl RegistryWatcher {
    /// The registry at first, and then whenever it is another; None once the server goes down.
    pub async fn next(&mut self) -> Option<Registry> {
        loop {
            if *self.going_down.borrow_and_update() {
                return None;
            }
            self.changes.mark_unchanged();
            let now = self.lab.registry();
            if self.seen.as_ref() != Some(&now) {
                self.seen = Some(now.clone());
                return Some(now);
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                changed = self.going_down.changed() => changed.ok()?,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}
