//! How a run goes from one state to another. The state in the database is the one that counts; each step is told.

use super::{insert::count_answers, row, state};
use crate::{Db, Error, now};
use domain::{RunAct, RunId, RunState};
use sqlx::SqliteConnection;

/// The answers of run $1.
macro_rules! of_run {
    () => {
        "column_id in (
           select comparison_columns.id from comparison_columns
           join comparisons on comparisons.id = comparison_id
           where run_id = $1)"
    };
}
/// The run whose turn it is: one that was running, or else the first of the queue.
pub async fn next(db: &Db) -> Result<Option<RunId>, Error> {
    let id: Option<i64> = sqlx::query_scalar(
        "select id from runs where state in ('queued', 'running') order by state = 'running' desc, id limit 1",
    )
    .fetch_optional(&db.reader)
    .await?;
    Ok(id.map(RunId))
}

/// A run's turn begins, or goes on after the server was stopped in the middle of it. Returns false where it is no longer
/// to be done.
pub async fn begin(db: &Db, id: RunId) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let what = match state(&row(&mut tx, id).await?)? {
        RunState::Queued => "begun",
        RunState::Running => "goes on after the server was stopped",
        _ => return Ok(false),
    };
    sqlx::query("update runs set state = 'running', started_at = coalesce(started_at, $2) where id = $1")
        .bind(id.0)
        .bind(now().0)
        .execute(&mut *tx)
        .await?;
    tell(&mut tx, id, false, what).await?;
    tx.commit().await?;
    Ok(true)
}

/// Every answer is over and judged. Returns false where that is not so, because somebody has just added to it.
pub async fn finish(db: &Db, id: RunId) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let n_rows = sqlx::query(
        "update runs set state = 'finished', ended_at = $2
         where id = $1 and state = 'running' and not exists (
           select 1 from comparisons
           join comparison_columns on comparison_columns.comparison_id = comparisons.id
           join answers on answers.column_id = comparison_columns.id
           where run_id = $1 and answers.state = 'waiting')",
    )
    .bind(id.0)
    .bind(now().0)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if n_rows > 0 {
        tell(&mut tx, id, false, "finished").await?;
    }
    tx.commit().await?;
    Ok(n_rows > 0)
}

/// A run cannot go on by itself; why, as a sentence.
pub async fn pause(db: &Db, id: RunId, reason: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let n_rows =
        sqlx::query("update runs set state = 'paused', reason = $2 where id = $1 and state in ('queued', 'running')")
            .bind(id.0)
            .bind(reason)
            .execute(&mut *tx)
            .await?
            .rows_affected();
    if n_rows > 0 {
        tell(&mut tx, id, true, &format!("paused: {reason}")).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Carries out what a person wants; returns the state then.
pub async fn steer(db: &Db, id: RunId, act: RunAct) -> Result<RunState, Error> {
    let mut tx = db.write().await?;
    let before = state(&row(&mut tx, id).await?)?;
    let refused = |reason: &str| Err(Error::Refused(reason.to_owned()));
    match (act, &before) {
        (_, RunState::Cancelled) => return refused("this run was cancelled and never goes on; repeat it"),
        (RunAct::Pause, RunState::Paused(_)) | (RunAct::GoOn, RunState::Queued | RunState::Running) => {
            return Ok(before);
        }
        (RunAct::Pause | RunAct::GoOn | RunAct::Cancel, RunState::Finished) => return refused("this run is finished"),
        (RunAct::Pause, _) => set(&mut tx, id, "paused").await?,
        (RunAct::GoOn, RunState::Paused(_)) => set(&mut tx, id, "queued").await?,
        (RunAct::Cancel, _) => cancel(&mut tx, id).await?,
        (RunAct::TryFailuresAgain, _) => {
            if try_again(&mut tx, id).await? == 0 {
                return refused("nothing of this run has failed that could be tried again");
            }
            if before != RunState::Running {
                set(&mut tx, id, "queued").await?;
            }
        }
    }
    let what = match act {
        RunAct::Pause => "paused",
        RunAct::GoOn => "to go on",
        RunAct::Cancel => "cancelled",
        RunAct::TryFailuresAgain => "what failed is tried again",
    };
    tell(&mut tx, id, false, what).await?;
    let after = state(&row(&mut tx, id).await?)?;
    tx.commit().await?;
    Ok(after)
}

async fn set(tx: &mut SqliteConnection, id: RunId, state: &str) -> Result<(), Error> {
    sqlx::query("update runs set state = $2, reason = null, ended_at = null where id = $1")
        .bind(id.0)
        .bind(state)
        .execute(tx)
        .await?;
    Ok(())
}

async fn cancel(tx: &mut SqliteConnection, id: RunId) -> Result<(), Error> {
    sqlx::query("update runs set state = 'cancelled', reason = null, ended_at = $2 where id = $1")
        .bind(id.0)
        .bind(now().0)
        .execute(&mut *tx)
        .await?;
    sqlx::query(concat!("update answers set state = 'cut-off', ended_at = $2 where state = 'waiting' and ", of_run!()))
        .bind(id.0)
        .bind(now().0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Lets what failed wait once more: answers without labels, which would stand on another text, and judgements.
async fn try_again(tx: &mut SqliteConnection, id: RunId) -> Result<u64, Error> {
    let n_judgements = sqlx::query(concat!(
        "delete from judgements where error is not null and answer_id in (select id from answers where ",
        of_run!(),
        ")"
    ))
    .bind(id.0)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let n_answers = sqlx::query(concat!(
        "update answers
         set state = 'waiting', text = '', finish = null, error = null, n_tokens = null, first_token_ms = null,
             writing_ms = null, format_kept = null, format_reason = null, ended_at = null
         where state = 'failed' and not exists (select 1 from labels where answer_id = answers.id) and ",
        of_run!()
    ))
    .bind(id.0)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    count_answers(tx, id).await?;
    Ok(n_judgements + n_answers)
}

/// Something worth telling, in a transaction of its own.
pub async fn happened(db: &Db, id: RunId, is_failure: bool, what: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    tell(&mut tx, id, is_failure, what).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn tell(tx: &mut SqliteConnection, id: RunId, is_failure: bool, what: &str) -> Result<(), Error> {
    sqlx::query("insert into run_events (run_id, is_failure, what, created_at) values ($1, $2, $3, $4)")
        .bind(id.0)
        .bind(is_failure)
        .bind(what)
        .bind(now().0)
        .execute(tx)
        .await?;
    Ok(())
}
