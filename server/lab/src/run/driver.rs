//! Takes one run after the other from the queue, and sees that each of its answers is made and judged.

use super::{
    LiveRun,
    follow::{Feeder, Workshop},
    judging::Judging,
    live::Wish,
    writer,
};
use crate::Lab;
use domain::{NewRun, Pack, RunId, RunModel};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::runs::ToMake;
use tokio::{sync::mpsc, task::JoinSet};

/// How long is waited before a database that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a run asks, and of whom.
pub(crate) struct Order {
    pub plan: NewRun,
    pub pack: Pack,
    pub models: Vec<RunModel>,
}

/// As long as the server is up.
pub(crate) async fn drive_all(lab: Lab) {
    let mut going_down = lab.going_down.subscribe();
    while !*going_down.borrow() {
        if keep_pause(&lab).await {
            match store::runs::next(&lab.db).await {
                Ok(Some(id)) => {
                    drive(&lab, id).await;
                    continue;
                }
                Ok(None) => {}
                Err(err) => tracing::error!(error = %err, "the queue of runs could not be read"),
            }
        }
        let has_fault = lab.runs.now().unpaused.is_some();
        tokio::select! {
            () = lab.runs.wake.notified() => {}
            // What failed is tried again by itself; the queue of a healthy database is not looked at without a reason.
            () = tokio::time::sleep(PAUSE), if has_fault => {}
            _ = going_down.changed() => {}
        }
    }
}

/// Writes down that a run is paused, where the database did not take it before. Returns whether nothing is left to write.
async fn keep_pause(lab: &Lab) -> bool {
    let Some((id, reason)) = lab.runs.now().unpaused.clone() else { return true };
    if store::runs::pause(&lab.db, id, &reason).await.is_err() {
        return false;
    }
    lab.runs.now().unpaused = None;
    lab.runs.touch(id);
    true
}

/// One run, until it is finished, paused or cancelled, or the server goes down.
async fn drive(lab: &Lab, id: RunId) {
    let live = match open(lab, id).await {
        Ok(Some((live, order))) => {
            run(lab, &live, order).await;
            live
        }
        Ok(None) => return,
        Err(err) => {
            let live = Arc::new(LiveRun::new(id, Default::default()));
            live.fail(told(&err), Wish::Drop);
            live
        }
    };
    let fault = live.take_fault().filter(|_| !*lab.going_down.borrow());
    if let Some(reason) = fault {
        tracing::error!(run.id = id.0, reason, "a run is paused");
        if store::runs::pause(&lab.db, id, &reason).await.is_err() {
            lab.runs.now().unpaused = Some((id, reason));
        }
    }
    lab.runs.now().live = None;
    lab.runs.touch(id);
}

/// Begins a run's turn; None where it is no longer to be done.
async fn open(lab: &Lab, id: RunId) -> Result<Option<(Arc<LiveRun>, Arc<Order>)>, store::Error> {
    if !store::runs::begin(&lab.db, id).await? {
        return Ok(None);
    }
    let plan = store::runs::plan(&lab.db, id).await?;
    let pack = store::packs::get(&lab.db, &plan.pack.id, Some(plan.pack.version)).await?;
    let pack = pack.ok_or_else(|| store::Error::Refused(format!("the pack {} is gone", plan.pack)))?;
    let models = store::runs::head(&lab.db, id).await?.models;
    let live = Arc::new(LiveRun::new(id, store::runs::tally(&lab.db, id).await?));
    lab.runs.now().live = Some(live.clone());
    lab.runs.touch(id);
    Ok(Some((live, Arc::new(Order { plan, pack, models }))))
}

async fn run(lab: &Lab, live: &Arc<LiveRun>, order: Arc<Order>) {
    let mut order = order;
    loop {
        if *lab.going_down.borrow() {
            live.wish(Wish::Drop);
        }
        if live.wished() != Wish::GoOn {
            return;
        }
        match round(lab, live, &order).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(err) => return live.fail(told(&err), Wish::Drop),
        }
        // Models and judges may have been added meanwhile.
        match reread(lab, live, &order).await {
            Ok(now) => order = now,
            Err(err) => return live.fail(told(&err), Wish::Drop),
        }
    }
}

/// Makes what waits and judges what is not judged. Returns whether the run is finished: nothing was left to do.
async fn round(lab: &Lab, live: &Arc<LiveRun>, order: &Arc<Order>) -> Result<bool, store::Error> {
    let to_make = store::runs::to_make(&lab.db, live.id).await?;
    let is_made = to_make.is_empty();
    let judging = Judging::start(lab, live, order).await?;
    let n_to_judge = judging.n_missing;
    if !is_made {
        make(lab, live, order, to_make, &judging).await;
    }
    judging.finish().await;
    if !is_made || n_to_judge > 0 || live.wished() != Wish::GoOn {
        return Ok(false);
    }
    store::runs::finish(&lab.db, live.id).await
}

async fn reread(lab: &Lab, live: &Arc<LiveRun>, before: &Order) -> Result<Arc<Order>, store::Error> {
    let plan = store::runs::plan(&lab.db, live.id).await?;
    let models = store::runs::head(&lab.db, live.id).await?.models;
    live.recount(&lab.db).await?;
    Ok(Arc::new(Order { plan, pack: before.pack.clone(), models }))
}

/// Has all of these answers made, every model at the same time.
async fn make(lab: &Lab, live: &Arc<LiveRun>, order: &Arc<Order>, columns: Vec<ToMake>, judging: &Judging) {
    let (made, to_keep) = mpsc::channel(writer::MADE_MAX);
    let workshop = Arc::new(Workshop::new(lab.clone(), live.clone(), order.clone(), made));
    let mut of_model: BTreeMap<usize, Vec<ToMake>> = BTreeMap::new();
    for column in columns {
        of_model.entry(column.model_idx).or_default().push(column);
    }
    let mut feeders = JoinSet::new();
    for (model_idx, columns) in of_model {
        let feeder = Feeder::new(workshop.clone(), model_idx);
        feeders.spawn(feeder.feed(columns));
    }
    // The writer ends with the last of those who may send it something.
    drop(workshop);
    let feed = async { while feeders.join_next().await.is_some() {} };
    tokio::join!(feed, writer::write(lab, live, to_keep, judging));
}

/// What a person may know of a failure of the database; the rest is logged.
pub(super) fn told(err: &store::Error) -> String {
    match err {
        store::Error::Refused(reason) => reason.clone(),
        err => {
            tracing::error!(error = %err, "the database failed in a run");
            format!("the database failed, so nothing more can be kept: {err}")
        }
    }
}
