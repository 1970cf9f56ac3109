//! The experiments: asks engines, follows their answers, has them written down, and asks judges. Serves no HTTP and
//! knows no tensor.

mod column;
mod comparison;
mod conversation;
mod judges;
mod likelihood;
mod live;

mod imports;
mod results;
mod run;
mod scored;

mod models;
mod registry;

pub use imports::{IMPORTED, import_judged, import_pack};
pub use judges::{Asked, Judge, JudgeFailure, Judges, JudgesError};
pub use live::Watcher;
pub use models::{Absent, Claim, Freed, Gauge, Hosted, HostedEngine, Models, Order};
pub use registry::RegistryWatcher;
pub use results::{CellResult, Limits, results};
pub use run::{RunWatcher, packs};

use domain::{AskError, ComparisonId};
use live::Live;
use run::Runs;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::Db;
use tokio::sync::watch;

/// The laboratory: the hosted models, the database, and what is being answered right now. Cheap to clone.
#[derive(Clone)]
pub struct Lab {
    db: Db,
    models: Arc<Models>,
    /// The comparisons with answers still to come; everything else is in the database alone.
    running: Arc<Mutex<HashMap<ComparisonId, Arc<Live>>>>,
    runs: Arc<Runs>,
    /// Takes runs from the queue until the server goes down.
    driver: Arc<tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>>,
    going_down: Arc<watch::Sender<bool>>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The engine has as much to do as it can take.
    #[error("the engine is busy")]
    Busy,
}

impl Error {
    /// A request that is understood and not allowed as things are.
    fn refused(reason: impl Into<String>) -> Self {
        Self::Store(store::Error::Refused(reason.into()))
    }

    /// [`refused`](Self::refused) for a reason that is an error itself.
    fn refused_as(reason: impl std::fmt::Display) -> Self {
        Self::refused(reason.to_string())
    }
}

impl Lab {
    /// Opens the laboratory over a database in which nothing is being answered any more. Runs that were not over go on.
    pub async fn open(db: Db, models: Arc<Models>, judges: Judges) -> Result<Self, store::Error> {
        let n_cut_off = store::answers::mark_cut_off(&db).await?;
        if n_cut_off > 0 {
            tracing::warn!(n_answers = n_cut_off, "the last stop of the server cut answers off; they can be continued");
        }
        models.start_supervision();
        let runs = Arc::new(Runs::new(judges));
        let lab =
            Self { db, models, running: Arc::default(), runs, driver: Arc::default(), going_down: Arc::default() };
        *lab.driver.lock().await = Some(tokio::spawn(run::drive_all(lab.clone())));
        Ok(lab)
    }

    pub fn models(&self) -> &Arc<Models> {
        &self.models
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Ends every running answer as cut off, with what it has so far, and returns once all are kept. Those who watch the registry
    /// are told that nothing follows. What is being written of a run is dropped: it is made again with the same seeds.
    pub async fn shut_down(&self) {
        self.going_down.send_replace(true);
        if let Some(live) = self.runs.live() {
            live.drop_all();
        }
        let running: Vec<_> = self.running().values().cloned().collect();
        for live in &running {
            live.halt(live::Halt::GoingDown);
        }
        for live in running {
            live.ended().await;
        }
        if let Some(driver) = self.driver.lock().await.take() {
            let _ = driver.await;
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<ComparisonId, Arc<Live>>> {
        // Nothing panics while holding it, and a map of handles is never half changed.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, id: ComparisonId) -> Option<Arc<Live>> {
        self.running().get(&id).cloned()
    }
}
