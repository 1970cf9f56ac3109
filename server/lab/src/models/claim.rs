//! Waiting for a model: who claims one has it loaded, and finds it there as long as the claim is held.

use super::{Absent, Hosted, Models, checkpoint, position};
use domain::ModelId;
use std::sync::Arc;

/// While it is held, the model's family is loaded if it can be, and not dropped.
pub struct Claim {
    models: Arc<Models>,
    id: ModelId,
}

impl Claim {
    pub fn new(models: Arc<Models>, id: ModelId) -> Self {
        models.count_claims(&id, |n_claims| n_claims + 1);
        Self { models, id }
    }

    /// The model, once it is in memory. Meanwhile `hears` is told with every change why it is not yet.
    pub async fn hosted(&self, mut hears: impl FnMut(&Absent)) -> Result<Hosted, Absent> {
        let mut changes = self.models.changes();
        loop {
            match self.models.hosted(&self.id) {
                Err(absent @ Absent::NotYet { .. }) => hears(&absent),
                found => return found,
            }
            changes.changed().await.expect("the models hold the sender themselves");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.models.count_claims(&self.id, |n_claims| n_claims.saturating_sub(1));
    }
}

impl Models {
    fn count_claims(&self, id: &ModelId, count: impl FnOnce(u32) -> u32) {
        self.write(|entries| {
            if let Some(idx) = position(entries, id).map(|idx| checkpoint(entries, idx)) {
                let family = &mut entries[idx].family;
                family.n_claims = count(family.n_claims);
            }
        });
    }
}
