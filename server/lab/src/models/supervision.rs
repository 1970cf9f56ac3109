//! Engines outlive failed steps, but one can die. Its family is loaded once more, unless that happens again and again.

use super::{Models, members, queue};
use domain::ModelState;
use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

/// How often engines are looked after. Far below the half minute within which one is to be on its way again.
const PAUSE: Duration = Duration::from_secs(1);

/// So many deaths within [`LATELY`] are no accident any more.
const DEATHS_MAX: usize = 3;
const LATELY: Duration = Duration::from_secs(600);

/// Looks after the engines as long as there is somebody to ask them.
pub async fn supervise(models: Weak<Models>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match models.upgrade() {
            Some(models) => models.revive(),
            None => return,
        }
    }
}

impl Models {
    /// Has the families loaded again whose engine has stopped. What it was writing has failed already, told as such.
    pub fn revive(&self) {
        self.write(|entries| {
            for idx in 0..entries.len() {
                let entry = &mut entries[idx];
                let has_died = entry.hosted.as_ref().is_some_and(|it| it.engine.has_stopped());
                if !has_died || entry.model.base().is_some() {
                    continue;
                }
                let now = Instant::now();
                entry.family.deaths.retain(|it| now - *it < LATELY);
                entry.family.deaths.push(now);
                tracing::error!(model.id = entry.model.card.id.0, "an engine has stopped");
                if entry.family.deaths.len() < DEATHS_MAX {
                    queue(entries, idx, "its engine stopped; it is loaded once more");
                } else {
                    let reason = format!("its engine stopped {DEATHS_MAX} times within ten minutes");
                    members(entries, idx).for_each(|it| it.set(ModelState::Failed(reason.clone()), None));
                }
            }
        });
    }

    /// Begins to look after the engines.
    pub fn start_supervision(self: &Arc<Self>) {
        tokio::spawn(supervise(Arc::downgrade(self)));
    }
}
