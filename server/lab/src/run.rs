//! Runs: started, steered, repeated, extended and watched. One runs at a time, in the order in which they were queued.

mod driver;
mod estimate;
mod follow;
mod judging;
mod live;
mod meter;
mod watch;
mod writer;

pub(crate) use driver::drive_all;
use live::LiveRun;
pub use watch::RunWatcher;

use crate::{Error, Judges, Lab, comparison::drawn_seed, scored::ScoredRuns};
use domain::{
    AskError, Field, JudgeCard, JudgeId, ModelCard, ModelId, More, NewRun, Pack, PackQuestion, Run, RunAct, RunForm,
    RunId, RunRow, RunState,
};
use live::Wish;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{Db, runs::New};
use tokio::sync::{Notify, watch as channel};

/// What the laboratory knows of runs beside what is in the database.
pub(crate) struct Runs {
    judges: Judges,
    now: Mutex<Now>,
    /// There may be something to do.
    wake: Notify,
    /// Counts what happens to each run, for those who watch one.
    changes: channel::Sender<HashMap<RunId, u64>>,
    pub(crate) scored: ScoredRuns,
}

#[derive(Default)]
struct Now {
    /// The run whose turn it is.
    live: Option<Arc<LiveRun>>,
    /// A run that is to be paused for this reason, which the database did not take yet.
    unpaused: Option<(RunId, String)>,
}

impl Runs {
    pub(crate) fn new(judges: Judges) -> Self {
        Self {
            judges,
            now: Mutex::default(),
            wake: Notify::default(),
            changes: channel::Sender::default(),
            scored: ScoredRuns::default(),
        }
    }

    pub(crate) fn live(&self) -> Option<Arc<LiveRun>> {
        self.now().live.clone()
    }

    fn live_of(&self, id: RunId) -> Option<Arc<LiveRun>> {
        self.live().filter(|it| it.id == id)
    }

    /// Something happened to a run.
    pub(crate) fn touch(&self, id: RunId) {
        self.changes.send_modify(|changes| *changes.entry(id).or_default() += 1);
    }

    pub(crate) fn version_of(&self, id: RunId) -> u64 {
        self.changes.borrow().get(&id).copied().unwrap_or(0)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Nothing panics while holding it, and it is never half changed.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lab {
    pub async fn packs(&self) -> Result<Vec<Pack>, Error> {
        packs(&self.db).await
    }

    pub fn judge_cards(&self) -> Vec<JudgeCard> {
        self.runs.judges.cards()
    }

    /// What the form asks for; a wrong field is named.
    pub async fn plan_run(&self, form: &RunForm) -> Result<(NewRun, Pack), Error> {
        let pack = self.pack(&form.pack).await?;
        Ok((form.parse(&pack)?, pack))
    }

    /// The pack by its id, or `id@version`.
    async fn pack(&self, name: &str) -> Result<Pack, Error> {
        let unknown = || Error::Ask(AskError::new(Field::Pack, format!("there is no pack “{name}”")));
        let (id, version) = match name.split_once('@') {
            Some((id, version)) => (id, Some(version.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        if let Some(pack) = store::packs::get(&self.db, id, version).await? {
            return Ok(pack);
        }
        let built_in = Pack::main_questions();
        let is_meant = built_in.heading().id == id && version.is_none_or(|it| it == built_in.heading().version);
        if is_meant { Ok(built_in) } else { Err(unknown()) }
    }

    /// Keeps a new run and puts it at the end of the queue.
    pub async fn start_run(&self, new: &NewRun, pack: &Pack) -> Result<RunId, Error> {
        let models = self.run_models(&new.models)?;
        self.check_judges(&new.judges)?;
        let id = store::runs::insert(
            &self.db,
            &New {
                title: &new.title,
                pack,
                rows: rows(new, pack)?,
                wrappers: &new.wrappers,
                models: &models,
                n_samples: new.n_samples,
                sampling: new.sampling,
                seed: new.seed.unwrap_or_else(drawn_seed),
                judges: &new.judges,
            },
        )
        .await?;
        self.runs.touch(id);
        self.runs.wake.notify_one();
        Ok(id)
    }

    pub async fn list_runs(&self) -> Result<Vec<RunRow>, Error> {
        let mut rows = store::runs::list(&self.db).await?;
        if let Some((id, reason)) = &self.runs.now().unpaused {
            rows.iter_mut().filter(|it| it.id == *id).for_each(|it| it.state = RunState::Paused(Some(reason.clone())));
        }
        Ok(rows)
    }

    /// A run as it is this moment.
    pub async fn run(&self, id: RunId) -> Result<Run, Error> {
        let mut run = store::runs::head(&self.db, id).await?;
        match self.runs.live_of(id) {
            Some(live) => live.fill(&mut run),
            None => store::runs::tally(&self.db, id).await?.fill(&mut run),
        }
        if let Some((_, reason)) = self.runs.now().unpaused.as_ref().filter(|it| it.0 == id) {
            run.state = RunState::Paused(Some(reason.clone()));
        }
        Ok(run)
    }

    /// Pauses, goes on with, cancels or tries the failures of a run again.
    pub async fn steer_run(&self, id: RunId, act: RunAct) -> Result<(), Error> {
        let state = store::runs::steer(&self.db, id, act).await?;
        if let Some(live) = self.runs.live_of(id) {
            match state {
                RunState::Cancelled => live.wish(Wish::Drop),
                RunState::Paused(_) => live.wish(Wish::Drain),
                RunState::Queued | RunState::Running | RunState::Finished => live.recount(&self.db).await?,
            }
        }
        self.runs.touch(id);
        self.runs.wake.notify_one();
        Ok(())
    }

    /// Starts the same again with the same seed, asked of the models as they are now.
    pub async fn repeat_run(&self, id: RunId) -> Result<RunId, Error> {
        let plan = store::runs::plan(&self.db, id).await?;
        let pack = self.pack_of(&plan).await?;
        self.start_run(&plan, &pack).await
    }

    /// Adds samples, models and judges to a run; what it has stays.
    pub async fn extend_run(&self, id: RunId, more: &More) -> Result<(), Error> {
        let plan = store::runs::plan(&self.db, id).await?;
        let pack = self.pack_of(&plan).await?;
        if more.n_samples.is_some_and(|it| it > NewRun::SAMPLES_MAX) {
            return Err(AskError::new(Field::Samples, format!("at most {} samples", NewRun::SAMPLES_MAX)).into());
        }
        let models = self.run_models(&more.models)?;
        self.check_judges(&more.judges)?;
        store::runs::extend(&self.db, id, &pack, more.n_samples, &models, &more.judges).await?;
        if let Some(live) = self.runs.live_of(id) {
            live.recount(&self.db).await?;
        }
        self.runs.touch(id);
        self.runs.wake.notify_one();
        Ok(())
    }

    async fn pack_of(&self, plan: &NewRun) -> Result<Pack, Error> {
        let pack = store::packs::get(&self.db, &plan.pack.id, Some(plan.pack.version)).await?;
        pack.ok_or_else(|| Error::refused(format!("the pack {} is gone", plan.pack)))
    }

    fn run_models(&self, ids: &[ModelId]) -> Result<Vec<ModelCard>, Error> {
        let card = |id: &ModelId| {
            let wrong = || AskError::new(Field::Models, format!("there is no model “{}” on this server", id.0));
            self.models.card(id).ok_or_else(wrong)
        };
        Ok(ids.iter().map(card).collect::<Result<_, _>>()?)
    }

    fn check_judges(&self, judges: &[JudgeId]) -> Result<(), Error> {
        match judges.iter().find(|it| self.runs.judges.get(it).is_none()) {
            Some(unknown) => {
                let message = format!("there is no judge “{}” on this server", unknown.0);
                Err(AskError::new(Field::Judges, message).into())
            }
            None => Ok(()),
        }
    }
}

/// The built-in pack and every imported one, in their newest versions.
pub async fn packs(db: &Db) -> Result<Vec<Pack>, Error> {
    let mut packs = store::packs::newest(db).await?;
    let built_in = Pack::main_questions();
    if packs.iter().all(|it| it.heading().id != built_in.heading().id) {
        packs.insert(0, built_in);
    }
    Ok(packs)
}

fn rows<'a>(new: &NewRun, pack: &'a Pack) -> Result<Vec<&'a PackQuestion>, Error> {
    let row = |id: &String| {
        pack.question(id).ok_or_else(|| AskError::new(Field::Question, format!("this pack has no row “{id}”")))
    };
    Ok(new.rows.iter().map(row).collect::<Result<_, _>>()?)
}
