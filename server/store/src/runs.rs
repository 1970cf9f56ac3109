//! Runs: what they ask, where they stand, and what happened. Their answers are those of their comparisons.

mod insert;
mod list;
mod speed;
mod steps;
mod tally;
mod work;

pub use insert::{Imported, ImportedAnswer, New, extend, insert, insert_imported};
pub use list::list;
pub use speed::{Speed, speed};
pub use steps::{begin, finish, happened, next, pause, steer};
pub use tally::{Tally, tally};
pub use work::{Group, Made, ToMake, Waiting, keep, to_make};

use crate::{Db, Error, row::word};
use domain::{
    CellCounts, CellKey, Happened, JudgeId, JudgeProgress, ModelId, NewRun, PackId, Role, Run, RunCell, RunId,
    RunModel, RunProgress, RunState, Sampling, Seed, Timestamp, Wrapper,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// How many events are told.
const EVENTS: u32 = 100;

/// A run without its counts, which are those of [`tally`].
pub async fn head(db: &Db, id: RunId) -> Result<Run, Error> {
    let mut tx = db.reader.begin().await?;
    let row = row(&mut tx, id).await?;
    let models = models(&mut tx, id).await?;
    let cells = cells(&mut tx, id, models.len()).await?;
    let judges = judges(&mut tx, id).await?.into_iter().map(nothing_judged).collect();
    Ok(Run {
        id,
        title: row.try_get("title")?,
        pack: pack_id(&row)?,
        pack_hash: row.try_get("pack_hash")?,
        models,
        n_samples: row.try_get("n_samples")?,
        sampling: sampling(&row)?,
        seed: Seed(row.try_get("seed")?),
        state: state(&row)?,
        created_at: Timestamp(row.try_get("created_at")?),
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(Timestamp),
        progress: RunProgress::default(),
        cells,
        judges,
        happened: events(&mut tx, id).await?,
    })
}

/// What a run asks, so that the same can be asked again.
pub async fn plan(db: &Db, id: RunId) -> Result<NewRun, Error> {
    let mut tx = db.reader.begin().await?;
    let row = row(&mut tx, id).await?;
    if row.try_get::<Option<i64>, _>("pack_id")?.is_none() {
        return Err(Error::Refused("these answers were imported; there is nothing to ask again".into()));
    }
    Ok(NewRun {
        title: row.try_get("title")?,
        pack: pack_id(&row)?,
        rows: list_of("row_ids", &row)?,
        wrappers: list_of("wrappers", &row)?.into_iter().map(wrapper).collect::<Result<_, _>>()?,
        models: models(&mut tx, id).await?.into_iter().map(|it| it.id).collect(),
        n_samples: row.try_get("n_samples")?,
        sampling: sampling(&row)?,
        seed: Some(Seed(row.try_get("seed")?)),
        judges: judges(&mut tx, id).await?,
    })
}

pub(crate) async fn row(tx: &mut SqliteConnection, id: RunId) -> Result<SqliteRow, Error> {
    let row = sqlx::query("select * from runs where id = $1").bind(id.0).fetch_optional(tx).await?;
    row.ok_or(Error::NoRun(id))
}

pub(crate) fn state(row: &SqliteRow) -> Result<RunState, Error> {
    let state: String = row.try_get("state")?;
    Ok(match state.as_str() {
        "queued" => RunState::Queued,
        "running" => RunState::Running,
        "paused" => RunState::Paused(row.try_get("reason")?),
        "finished" => RunState::Finished,
        "cancelled" => RunState::Cancelled,
        _ => return Err(Error::Corrupt { what: "state of a run", value: state }),
    })
}

pub(crate) fn pack_id(row: &SqliteRow) -> Result<PackId, Error> {
    Ok(PackId { id: row.try_get("pack_slug")?, version: row.try_get("pack_version")? })
}

fn sampling(row: &SqliteRow) -> Result<Sampling, Error> {
    Ok(Sampling {
        temperature: row.try_get("temperature")?,
        top_p: row.try_get("top_p")?,
        max_tokens: row.try_get("max_tokens")?,
    })
}

fn list_of(column: &'static str, row: &SqliteRow) -> Result<Vec<String>, Error> {
    word("list of words", row.try_get(column)?, |text| serde_json::from_str(text).ok())
}

pub(crate) fn wrapper(text: String) -> Result<Wrapper, Error> {
    word("wrapper", text, |text| text.parse().ok())
}

pub(crate) async fn models(tx: &mut SqliteConnection, id: RunId) -> Result<Vec<RunModel>, Error> {
    let rows =
        sqlx::query("select * from run_models where run_id = $1 order by position").bind(id.0).fetch_all(tx).await?;
    rows.iter().map(model).collect()
}

fn model(row: &SqliteRow) -> Result<RunModel, Error> {
    let or_empty = |name| row.try_get::<Option<String>, _>(name).map(Option::unwrap_or_default);
    Ok(RunModel {
        id: ModelId(row.try_get("model_id")?),
        name: row.try_get("name")?,
        role: word("role", row.try_get("role")?, Role::parse)?,
        hash: or_empty("model_hash")?,
        device: or_empty("device")?,
        precision: or_empty("precision")?,
        engine: or_empty("engine")?,
    })
}

pub(crate) async fn judges(tx: &mut SqliteConnection, id: RunId) -> Result<Vec<JudgeId>, Error> {
    let judges = sqlx::query_scalar("select judge from run_judges where run_id = $1 order by position");
    Ok(judges.bind(id.0).fetch_all(tx).await?.into_iter().map(JudgeId).collect())
}

fn nothing_judged(judge: JudgeId) -> JudgeProgress {
    JudgeProgress { judge, n_answers: 0, n_judged: 0, n_unscored: 0, n_failed: 0, failure: None }
}

/// In the order in which they are asked, with `n_models` empty counts each.
pub(crate) async fn cells(tx: &mut SqliteConnection, id: RunId, n_models: usize) -> Result<Vec<RunCell>, Error> {
    let rows = sqlx::query(
        "select id, question_id, question, format, row_id, wrapper from comparisons where run_id = $1 order by id",
    )
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    let cell = |row: &SqliteRow| {
        let (question_id, text): (Option<String>, String) = (row.try_get("question_id")?, row.try_get("question")?);
        Ok(RunCell {
            comparison: domain::ComparisonId(row.try_get("id")?),
            key: cell_key(row)?,
            title: crate::history::title(question_id.as_deref(), &text),
            counts: vec![CellCounts::default(); n_models],
        })
    };
    rows.iter().map(cell).collect()
}

/// The cell of a comparison's row: by what its row is called, in the format that it was found to ask for.
fn cell_key(row: &SqliteRow) -> Result<CellKey, Error> {
    let format: domain::Format = word("format", row.try_get("format")?, |word| word.parse().ok())?;
    let row_id: String = row.try_get("row_id")?;
    let (question, of_id) = domain::Format::of_id(&row_id);
    let question = if of_id == format { question.to_owned() } else { row_id };
    Ok(CellKey { question, format, wrapper: wrapper(row.try_get("wrapper")?)? })
}

async fn events(tx: &mut SqliteConnection, id: RunId) -> Result<Vec<Happened>, Error> {
    let rows = sqlx::query("select * from run_events where run_id = $1 order by id desc limit $2")
        .bind(id.0)
        .bind(EVENTS)
        .fetch_all(tx)
        .await?;
    let event = |row: &SqliteRow| {
        Ok(Happened {
            at: Timestamp(row.try_get("created_at")?),
            is_failure: row.try_get("is_failure")?,
            what: row.try_get("what")?,
        })
    };
    rows.iter().map(event).collect()
}
