//! The list of runs.

use super::{models, pack_id, state};
use crate::{Db, Error, row::word};
use domain::{Format, RunId, RunRow, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// All runs, newest first.
pub async fn list(db: &Db) -> Result<Vec<RunRow>, Error> {
    let mut tx = db.reader.begin().await?;
    let rows = sqlx::query("select * from runs order by id desc").fetch_all(&mut *tx).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        runs.push(run_row(&mut tx, row).await?);
    }
    Ok(runs)
}

async fn run_row(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<RunRow, Error> {
    let id = RunId(row.try_get("id")?);
    Ok(RunRow {
        id,
        title: row.try_get("title")?,
        created_at: Timestamp(row.try_get("created_at")?),
        state: state(row)?,
        pack: pack_id(row)?,
        models: models(tx, id).await?.into_iter().map(|it| (it.name, it.role)).collect(),
        formats: formats(tx, id).await?,
        n_answers: row.try_get("n_answers")?,
        n_finished: row.try_get("n_finished")?,
        n_failed: row.try_get("n_failed")?,
    })
}

async fn formats(tx: &mut SqliteConnection, id: RunId) -> Result<Vec<Format>, Error> {
    let words: Vec<String> = sqlx::query_scalar("select distinct format from comparisons where run_id = $1")
        .bind(id.0)
        .fetch_all(tx)
        .await?;
    let formats = words.into_iter().map(|it| word("format", it, |word| word.parse().ok()));
    let formats = formats.collect::<Result<Vec<Format>, _>>()?;
    Ok(Format::ALL.into_iter().filter(|it| formats.contains(it)).collect())
}
