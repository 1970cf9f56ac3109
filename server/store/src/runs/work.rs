//! The answers of a run that are still to be made, and those that were made, kept in groups.

use crate::{
    Db, Error,
    answers::{self, Ended, Provenance},
    row::seed,
};
use domain::{AnswerId, AnswerState, ComparisonId, Facts, FormatCheck, RunId, Scores, Wrapper};
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;

/// One column with answers to be made.
pub struct ToMake {
    pub column_id: i64,
    pub comparison: ComparisonId,
    /// The place of the model in the run.
    pub model_idx: usize,
    pub row_id: String,
    pub wrapper: Wrapper,
    /// What the answers that are there were made with.
    pub made_with: Option<Provenance>,
    /// By sample.
    pub waiting: Vec<Waiting>,
}

#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    pub id: AnswerId,
    pub sample_idx: u32,
    pub seed: u64,
}

/// Every column of a run that has answers waiting, in the order in which cells are asked.
pub async fn to_make(db: &Db, id: RunId) -> Result<Vec<ToMake>, Error> {
    let mut tx = db.reader.begin().await?;
    let mut waiting = waiting(&mut tx, id).await?;
    let rows = sqlx::query(
        "select comparison_columns.*, row_id, wrapper from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         where run_id = $1
         order by comparisons.id, position",
    )
    .bind(id.0)
    .fetch_all(&mut *tx)
    .await?;
    let mut columns = Vec::new();
    for row in &rows {
        let column_id: i64 = row.try_get("id")?;
        let Some(waiting) = waiting.remove(&column_id) else { continue };
        let position: u32 = row.try_get("position")?;
        columns.push(ToMake {
            column_id,
            comparison: ComparisonId(row.try_get("comparison_id")?),
            model_idx: position as usize,
            row_id: row.try_get("row_id")?,
            wrapper: super::wrapper(row.try_get("wrapper")?)?,
            made_with: answers::made_with(row)?,
            waiting,
        });
    }
    Ok(columns)
}

async fn waiting(tx: &mut SqliteConnection, id: RunId) -> Result<HashMap<i64, Vec<Waiting>>, Error> {
    let rows = sqlx::query(
        "select answers.id, column_id, sample_idx, answers.seed from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where run_id = $1 and answers.state = 'waiting'
         order by column_id, sample_idx",
    )
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    let mut waiting: HashMap<i64, Vec<Waiting>> = HashMap::new();
    for row in &rows {
        let answer =
            Waiting { id: AnswerId(row.try_get("id")?), sample_idx: row.try_get("sample_idx")?, seed: seed(row)? };
        waiting.entry(row.try_get("column_id")?).or_default().push(answer);
    }
    Ok(waiting)
}

/// An answer that is over.
pub struct Made {
    pub id: AnswerId,
    /// Finished or failed.
    pub state: AnswerState,
    pub text: String,
    pub facts: Option<Facts>,
    pub check: Option<FormatCheck>,
}

/// What is kept in one transaction.
#[derive(Default)]
pub struct Group<'a> {
    pub made: Vec<&'a Made>,
    /// Of columns whose first answers are among them, each with the place of its model.
    pub made_with: Vec<(i64, usize, &'a Provenance)>,
    /// How long the run has been writing since the last group.
    pub active_ms: u64,
}

/// Keeps a group of answers. Of those, some may not have been waited for any more, because the run was cancelled; the others
/// are returned.
pub async fn keep(db: &Db, id: RunId, group: &Group<'_>) -> Result<Vec<AnswerId>, Error> {
    let mut tx = db.write().await?;
    for (column_id, model_idx, made_with) in &group.made_with {
        answers::keep(&mut tx, *column_id, made_with).await?;
        keep_model(&mut tx, id, *model_idx, made_with).await?;
    }
    let (mut kept, mut n_tokens, mut n_failed) = (Vec::with_capacity(group.made.len()), 0, 0_i64);
    for made in &group.made {
        let Made { state, text, facts, check, .. } = made;
        let scores = Scores::default();
        let ended = Ended { state, text, facts: *facts, check: check.as_ref(), scores: &scores };
        if answers::end_within(&mut tx, made.id, &ended).await? {
            kept.push(made.id);
            n_tokens += facts.map_or(0, |it| i64::from(it.n_tokens));
            n_failed += i64::from(matches!(state, AnswerState::Failed(_)));
        }
    }
    sqlx::query(
        "update runs
         set n_finished = n_finished + $2, n_failed = n_failed + $3, n_tokens = n_tokens + $4, active_ms = active_ms + $5
         where id = $1",
    )
    .bind(id.0)
    .bind(kept.len() as i64 - n_failed)
    .bind(n_failed)
    .bind(n_tokens)
    .bind(i64::try_from(group.active_ms).unwrap_or(i64::MAX))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(kept)
}

/// The model as it is when its first answer begins.
async fn keep_model(tx: &mut SqliteConnection, id: RunId, model_idx: usize, now: &Provenance) -> Result<(), Error> {
    sqlx::query(
        "update run_models set model_hash = $3, device = $4, precision = $5, engine = $6
         where run_id = $1 and position = $2 and model_hash is null",
    )
    .bind(id.0)
    .bind(model_idx as i64)
    .bind(&now.model_hash)
    .bind(&now.device)
    .bind(&now.precision)
    .bind(&now.engine)
    .execute(tx)
    .await?;
    Ok(())
}
