//! Those who watch a run.

use super::LiveRun;
use crate::{Error, Lab};
use domain::{RunEvent, RunId};
use std::{collections::HashMap, time::Duration};
use tokio::sync::watch;

/// How often is looked for what changes without being told: the pace.
const PAUSE: Duration = Duration::from_secs(2);

/// One reader of a run.
pub struct RunWatcher {
    lab: Lab,
    id: RunId,
    changes: watch::Receiver<HashMap<RunId, u64>>,
    going_down: watch::Receiver<bool>,
    /// The change that was told last.
    seen: Option<u64>,
    state: Told,
}

enum Told {
    Going,
    /// The whole as it stays is told; the end is not yet.
    Rest,
    End,
}

impl Lab {
    /// Follows a run, also one in which nothing is to come.
    pub async fn watch_run(&self, id: RunId) -> Result<RunWatcher, Error> {
        // There is one, or the error says so before a stream begins.
        store::runs::head(&self.db, id).await?;
        let (changes, going_down) = (self.runs.changes.subscribe(), self.going_down.subscribe());
        Ok(RunWatcher { lab: self.clone(), id, changes, going_down, seen: None, state: Told::Going })
    }
}

impl RunWatcher {
    /// The whole as it stays is told, and all that follows is the end.
    pub fn has_end(&self) -> bool {
        matches!(self.state, Told::Rest)
    }

    /// The whole run at first and whenever it has changed, then the end; None after it, and once the server goes down.
    pub async fn next(&mut self) -> Option<RunEvent> {
        loop {
            match self.state {
                Told::Rest => {
                    self.state = Told::End;
                    return Some(RunEvent::End);
                }
                Told::End => return None,
                Told::Going if *self.going_down.borrow_and_update() => return None,
                Told::Going => {}
            }
            let version = self.changes.borrow_and_update().get(&self.id).copied().unwrap_or(0);
            if self.seen != Some(version) {
                self.seen = Some(version);
                return self.whole().await;
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                changed = self.going_down.changed() => changed.ok()?,
                () = tokio::time::sleep(PAUSE) => if self.live().is_some() { self.seen = None },
            }
        }
    }

    async fn whole(&mut self) -> Option<RunEvent> {
        let is_live = self.live().is_some();
        match self.lab.run(self.id).await {
            Ok(run) => {
                if !run.state.is_going() && !is_live {
                    self.state = Told::Rest;
                }
                Some(RunEvent::Whole(Box::new(run)))
            }
            Err(err) => {
                tracing::error!(error = %err, run.id = self.id.0, "a run could not be read for those who watch it");
                None
            }
        }
    }

    fn live(&self) -> Option<std::sync::Arc<LiveRun>> {
        self.lab.runs.live_of(self.id)
    }
}
