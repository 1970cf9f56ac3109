//! How far a run is, counted from its answers and judgements.

use super::{judges, models};
use crate::{Db, Error};
use domain::{CellCounts, ComparisonId, JudgeId, JudgeProgress, Run, RunId, RunProgress};
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;

/// The counts of a run; what is being written now, and how fast, only its driver knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub progress: RunProgress,
    /// One for each model, in the run's order.
    pub cells: HashMap<ComparisonId, Vec<CellCounts>>,
    pub judges: Vec<JudgeProgress>,
}

impl Tally {
    /// Puts the counts in their places.
    pub fn fill(self, run: &mut Run) {
        (run.progress, run.judges) = (self.progress, self.judges);
        let mut counts = self.cells;
        for cell in &mut run.cells {
            if let Some(counts) = counts.remove(&cell.comparison) {
                cell.counts = counts;
            }
        }
    }
}

/// About what the row of an answer takes beside its text, in bytes.
pub(crate) const ROW_BYTES: u64 = 120;

pub async fn tally(db: &Db, id: RunId) -> Result<Tally, Error> {
    let mut tx = db.reader.begin().await?;
    let n_models = models(&mut tx, id).await?.len();
    let rows = sqlx::query(
        "select comparisons.id as comparison_id, position, count(*) as n_asked,
                count(*) filter (where state = 'finished') as n_finished,
                count(*) filter (where state = 'failed') as n_failed,
                count(format_kept) as n_formed, coalesce(sum(format_kept), 0) as n_form_kept,
                coalesce(sum(n_tokens), 0) as n_tokens, coalesce(sum(octet_length(text)), 0) as n_bytes
         from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where run_id = $1
         group by comparison_columns.id",
    )
    .bind(id.0)
    .fetch_all(&mut *tx)
    .await?;
    let mut tally = Tally::default();
    for row in &rows {
        let cell = CellCounts {
            n_asked: row.try_get("n_asked")?,
            n_finished: row.try_get("n_finished")?,
            n_failed: row.try_get("n_failed")?,
            n_writing: 0,
        };
        let progress = &mut tally.progress;
        progress.n_answers += cell.n_asked;
        progress.n_finished += cell.n_finished;
        progress.n_failed += cell.n_failed;
        progress.n_formed += row.try_get::<u32, _>("n_formed")?;
        progress.n_form_kept += row.try_get::<u32, _>("n_form_kept")?;
        progress.n_tokens += row.try_get::<i64, _>("n_tokens")?.unsigned_abs();
        progress.stored_bytes += row.try_get::<i64, _>("n_bytes")?.unsigned_abs() + ROW_BYTES * u64::from(cell.n_asked);
        let counts = tally.cells.entry(ComparisonId(row.try_get("comparison_id")?));
        let counts = counts.or_insert_with(|| vec![CellCounts::default(); n_models]);
        let position: u32 = row.try_get("position")?;
        if let Some(place) = counts.get_mut(position as usize) {
            *place = cell;
        }
    }
    let n_answers = tally.progress.n_answers - tally.progress.n_failed;
    for judge in judges(&mut tx, id).await? {
        tally.judges.push(judged(&mut tx, id, judge, n_answers).await?);
    }
    Ok(tally)
}

async fn judged(tx: &mut SqliteConnection, id: RunId, judge: JudgeId, n_answers: u32) -> Result<JudgeProgress, Error> {
    let row = sqlx::query(
        "select count(*) filter (where not is_failed) as n_judged,
                count(*) filter (where not is_failed and is_unscored) as n_unscored,
                count(*) filter (where is_failed) as n_failed
         from (
           select max(judgements.error is not null) as is_failed, max(score is null) as is_unscored
           from comparisons
           join comparison_columns on comparison_columns.comparison_id = comparisons.id
           join answers on answers.column_id = comparison_columns.id
           join judgements on judgements.answer_id = answers.id and judge = $2
           where run_id = $1
           group by answers.id)",
    )
    .bind(id.0)
    .bind(&judge.0)
    .fetch_one(&mut *tx)
    .await?;
    let n_failed = row.try_get("n_failed")?;
    let failure = if n_failed > 0 { failure(tx, id, &judge).await? } else { None };
    Ok(JudgeProgress {
        n_answers,
        n_judged: row.try_get("n_judged")?,
        n_unscored: row.try_get("n_unscored")?,
        n_failed,
        failure,
        judge,
    })
}

async fn failure(tx: &mut SqliteConnection, id: RunId, judge: &JudgeId) -> Result<Option<String>, Error> {
    let failure = sqlx::query_scalar(
        "select judgements.error from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         join judgements on judgements.answer_id = answers.id and judge = $2
         where run_id = $1 and judgements.error is not null
         order by judgements.id desc limit 1",
    );
    Ok(failure.bind(id.0).bind(&judge.0).fetch_optional(tx).await?)
}
