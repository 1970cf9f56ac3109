//! Keeps the answers of a run, in groups: a commit takes a database as long for one answer as for fifty.

use super::{LiveRun, driver::told, follow::Kept, judging::Judging, live::Wish};
use crate::Lab;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use store::runs::Group;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Answers that may wait to be kept; those who made more wait with them.
pub(super) const MADE_MAX: usize = 256;

/// The largest group.
const GROUP_MAX: usize = 64;

/// The longest time that an answer waits for others.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// Until nobody makes anything any more. Where the database fails the run is paused: what was not kept goes on waiting, and
/// is made again with the same seeds.
pub(super) async fn write(lab: &Lab, live: &Arc<LiveRun>, mut made: mpsc::Receiver<Kept>, judging: &Judging) {
    let mut since = Instant::now();
    while let Some(first) = made.recv().await {
        let group = group(first, &mut made).await;
        let now = Instant::now();
        let active_ms = u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX);
        since = now;
        if let Err(err) = keep(lab, live, &group, active_ms, judging).await {
            live.fail(told(&err), Wish::Drop);
            return;
        }
    }
}

async fn group(first: Kept, made: &mut mpsc::Receiver<Kept>) -> Vec<Kept> {
    let deadline = Instant::now() + GROUP_TIME;
    let mut group = vec![first];
    while group.len() < GROUP_MAX {
        match timeout_at(deadline, made.recv()).await {
            Ok(Some(next)) => group.push(next),
            Ok(None) | Err(_) => break,
        }
    }
    group
}

async fn keep(
    lab: &Lab,
    live: &LiveRun,
    group: &[Kept],
    active_ms: u64,
    judging: &Judging,
) -> Result<(), store::Error> {
    let mut to_keep = Group { active_ms, ..Group::default() };
    for Kept { made, column } in group {
        if let Some(made_with) = column.made_with.as_ref().filter(|_| !column.is_kept.swap(true, Ordering::Relaxed)) {
            to_keep.made_with.push((column.column_id, column.model_idx, made_with));
        }
        to_keep.made.push(made);
    }
    let kept = store::runs::keep(&lab.db, live.id, &to_keep).await?;
    for Kept { made, column } in group.iter().filter(|it| kept.contains(&it.made.id)) {
        live.count_made(column.comparison, column.model_idx, made);
    }
    judging.push(group.iter().map(|it| &it.made).filter(|it| kept.contains(&it.id)));
    lab.runs.touch(live.id);
    Ok(())
}
