//! How long answers of a model are, and how fast runs were on this machine: for estimates.

use crate::{Db, Error};
use domain::ModelId;
use sqlx::Row;

/// What earlier answers of one model tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Of an answer; None where there is none.
    pub mean_tokens: Option<f64>,
    pub mean_bytes: Option<f64>,
    /// Of the last runs that asked this model, of all their models together.
    pub tokens_per_second: Option<f64>,
}

/// From the last answers and runs of a model.
pub async fn speed(db: &Db, model: &ModelId) -> Result<Speed, Error> {
    let mut tx = db.reader.begin().await?;
    // By number from the newest on, so that a large database is not read to its beginning.
    let means = sqlx::query(
        "select avg(n_tokens) as mean_tokens, avg(n_bytes) as mean_bytes from (
           select n_tokens, octet_length(text) as n_bytes from answers
           where column_id in (
             select id from comparison_columns where model_id = $1 order by id desc limit 200)
             and state = 'finished' and n_tokens is not null
           limit 2000)",
    )
    .bind(&model.0)
    .fetch_one(&mut *tx)
    .await?;
    let pace = sqlx::query(
        "select sum(n_tokens) as n_tokens, sum(active_ms) as active_ms from (
           select n_tokens, active_ms from runs
           where active_ms > 0 and id in (select run_id from run_models where model_id = $1)
           order by id desc limit 5)",
    )
    .bind(&model.0)
    .fetch_one(&mut *tx)
    .await?;
    let (n_tokens, active_ms): (Option<i64>, Option<i64>) = (pace.try_get("n_tokens")?, pace.try_get("active_ms")?);
    Ok(Speed {
        mean_tokens: means.try_get("mean_tokens")?,
        mean_bytes: means.try_get("mean_bytes")?,
        tokens_per_second: n_tokens.zip(active_ms).map(|(tokens, ms)| tokens as f64 * 1_000.0 / ms as f64),
    })
}
