//! Answers: what they were made with, how they ended and how likely each token was, which must be made again.

use crate::{
    Db, Error, now,
    row::{seed, word},
};
use domain::{AnswerId, AnswerState, ComparisonId, Facts, FormatCheck, Kept, RenderedPrompt, RunId, Scores};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// What the answers of one column are made with. One column never mixes two of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    pub model_hash: String,
    pub device: String,
    pub precision: String,
    pub engine: String,
    pub prompt: RenderedPrompt,
}

/// How an answer ended.
pub struct Ended<'a> {
    /// Over: finished, failed or cut off.
    pub state: &'a AnswerState,
    pub text: &'a str,
    /// None where not one token was drawn.
    pub facts: Option<Facts>,
    pub check: Option<&'a FormatCheck>,
    /// Of the tokens in `text`; empty where the engine told none.
    pub scores: &'a Scores,
}

/// Writes down what a column's answers are about to be made with.
///
/// Refused where the column already has answers made with something else, so that no rate mixes two models. Returns the seed
/// of each answer, as it was drawn when the comparison was asked.
pub async fn begin(
    db: &Db,
    id: ComparisonId,
    column_idx: u32,
    made_with: &Provenance,
) -> Result<HashMap<AnswerId, u64>, Error> {
    let mut tx = db.write().await?;
    let row = sqlx::query("select * from comparison_columns where comparison_id = $1 and position = $2")
        .bind(id.0)
        .bind(column_idx)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NoComparison(id))?;
    if let Some(difference) = difference(&row, made_with)? {
        return Err(Error::Refused(difference));
    }
    let column_id: i64 = row.try_get("id")?;
    keep(&mut tx, column_id, made_with).await?;
    let seeds = seeds(&mut tx, column_id).await?;
    tx.commit().await?;
    Ok(seeds)
}

async fn seeds(tx: &mut SqliteConnection, column_id: i64) -> Result<HashMap<AnswerId, u64>, Error> {
    let rows = sqlx::query("select id, seed from answers where column_id = $1").bind(column_id).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((AnswerId(row.try_get("id")?), seed(row)?))).collect()
}

/// What is no longer as it was when this column's first answer began, as a sentence.
fn difference(row: &SqliteRow, now: &Provenance) -> Result<Option<String>, Error> {
    let what = made_with(row)?.and_then(|then| then.difference(now));
    Ok(what.map(|what| format!("{what} changed since these answers were begun; ask the question anew")))
}

/// What the answers of this column are made with; None before the first of them.
pub(crate) fn made_with(row: &SqliteRow) -> Result<Option<Provenance>, Error> {
    let Some(prompt) = prompt(row)? else { return Ok(None) };
    Ok(Some(Provenance {
        model_hash: row.try_get("model_hash")?,
        device: row.try_get("device")?,
        precision: row.try_get("precision")?,
        engine: row.try_get("engine")?,
        prompt,
    }))
}

/// The prompt of a column, before the chat template was applied there is none.
pub(crate) fn prompt(row: &SqliteRow) -> Result<Option<RenderedPrompt>, Error> {
    let Some(text) = row.try_get("prompt")? else { return Ok(None) };
    let specials = word("list of special tokens", row.try_get("prompt_specials")?, |it| serde_json::from_str(it).ok())?;
    Ok(Some(RenderedPrompt { text, n_tokens: row.try_get("prompt_n_tokens")?, specials }))
}

impl Provenance {
    /// What is another with `now`, as the beginning of a sentence; None where answers of both may stand in one column.
    pub fn difference(&self, now: &Self) -> Option<&'static str> {
        let pairs = [
            ("the model's files", &self.model_hash, &now.model_hash),
            ("the device", &self.device, &now.device),
            ("the precision", &self.precision, &now.precision),
            ("the engine's version", &self.engine, &now.engine),
            ("the prompt as sent", &self.prompt.text, &now.prompt.text),
        ];
        pairs.into_iter().find(|(_, then, now)| then != now).map(|(what, ..)| what)
    }
}

/// Writes down what a column's answers are made with.
pub(crate) async fn keep(tx: &mut SqliteConnection, column_id: i64, made_with: &Provenance) -> Result<(), Error> {
    sqlx::query(
        "update comparison_columns
         set model_hash = $2, device = $3, precision = $4, engine = $5,
             prompt = $6, prompt_n_tokens = $7, prompt_specials = $8
         where id = $1",
    )
    .bind(column_id)
    .bind(&made_with.model_hash)
    .bind(&made_with.device)
    .bind(&made_with.precision)
    .bind(&made_with.engine)
    .bind(&made_with.prompt.text)
    .bind(made_with.prompt.n_tokens)
    .bind(serde_json::to_string(&made_with.prompt.specials).expect("strings serialize"))
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps how an answer ended. The format's verdict, the measurements, the text and its scores go in together.
pub async fn end(db: &Db, id: AnswerId, ended: &Ended<'_>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    if !end_within(&mut tx, id, ended).await? {
        return Err(Error::NoAnswer(id));
    }
    if !ended.scores.0.is_empty() {
        insert_scores(&mut tx, id, ended.scores).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Keeps how an answer ended, if it was waited for; returns whether it was. Its scores are not kept.
pub(crate) async fn end_within(tx: &mut SqliteConnection, id: AnswerId, ended: &Ended<'_>) -> Result<bool, Error> {
    let (state, finish, error) = match ended.state {
        AnswerState::Finished(finish) => ("finished", Some(finish.as_str()), None),
        AnswerState::Failed(error) => ("failed", None, Some(error.as_str())),
        AnswerState::CutOff => ("cut-off", None, None),
        AnswerState::Waiting | AnswerState::Writing => unreachable!("only an answer that is over has ended"),
    };
    let n_rows = sqlx::query(
        "update answers
         set state = $2, finish = $3, error = $4, text = $5, n_tokens = $6, first_token_ms = $7, writing_ms = $8,
             format_kept = $9, format_reason = $10, ended_at = $11
         where id = $1 and state = 'waiting'",
    )
    .bind(id.0)
    .bind(state)
    .bind(finish)
    .bind(error)
    .bind(ended.text)
    .bind(ended.facts.map(|it| it.n_tokens))
    .bind(ended.facts.map(|it| it.first_token_ms))
    .bind(ended.facts.map(|it| it.writing_ms))
    .bind(ended.check.and_then(|it| kept(it.kept)))
    .bind(ended.check.map(|it| &it.reason))
    .bind(now().0)
    .execute(tx)
    .await?
    .rows_affected();
    Ok(n_rows > 0)
}

/// How `scores` is written in the database.
const SCORES_VERSION: i64 = 1;

async fn insert_scores(tx: &mut SqliteConnection, id: AnswerId, scores: &Scores) -> Result<(), Error> {
    sqlx::query("insert into answer_scores (answer_id, version, scores, created_at) values ($1, $2, $3, $4)")
        .bind(id.0)
        .bind(SCORES_VERSION)
        .bind(serde_json::to_string(scores).expect("finite numbers and texts serialize"))
        .bind(now().0)
        .execute(tx)
        .await?;
    Ok(())
}

/// How likely each token of an answer was; None where none are kept: while it is being written, where not one token was
/// drawn, and for answers from before they were kept.
pub async fn scores(db: &Db, id: AnswerId) -> Result<Option<Scores>, Error> {
    let row = sqlx::query(
        "select version, scores from answers left join answer_scores on answer_id = answers.id where answers.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&db.reader)
    .await?
    .ok_or(Error::NoAnswer(id))?;
    let Some(version) = row.try_get::<Option<i64>, _>("version")? else { return Ok(None) };
    if version != SCORES_VERSION {
        return Err(Error::Corrupt { what: "version of an answer's scores", value: version.to_string() });
    }
    let scores: String = row.try_get("scores")?;
    let parsed = serde_json::from_str(&scores);
    parsed.map(Some).map_err(|err| Error::Corrupt { what: "list of scores", value: err.to_string() })
}

/// The comparison that an answer is part of.
pub async fn comparison_of(db: &Db, id: AnswerId) -> Result<ComparisonId, Error> {
    let comparison = sqlx::query_scalar(
        "select comparison_id from comparison_columns
         join answers on answers.column_id = comparison_columns.id
         where answers.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&db.reader)
    .await?;
    comparison.map(ComparisonId).ok_or(Error::NoAnswer(id))
}

pub(crate) fn kept(kept: Kept) -> Option<bool> {
    match kept {
        Kept::Yes => Some(true),
        Kept::No => Some(false),
        Kept::NothingToCheck => None,
    }
}

/// The run that an answer is part of.
pub async fn run_of(db: &Db, id: AnswerId) -> Result<Option<RunId>, Error> {
    let run: Option<Option<i64>> = sqlx::query_scalar(
        "select run_id from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where answers.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&db.reader)
    .await?;
    Ok(run.flatten().map(RunId))
}

/// Lets the answers that were cut off or failed wait once more; their labels, which were on another text, are kept in the
/// database and refuse this. Returns how many wait now.
pub async fn reopen(db: &Db, id: ComparisonId) -> Result<u64, Error> {
    let mut tx = db.write().await?;
    let run: Option<i64> = sqlx::query_scalar("select run_id from comparisons where id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NoComparison(id))?;
    if let Some(run) = run {
        return Err(Error::Refused(format!("these answers belong to run {run}; what failed is tried again there")));
    }
    let n_labelled: i64 = sqlx::query_scalar(
        "select count(distinct answers.id) from answers
         join comparison_columns on comparison_columns.id = column_id
         join labels on labels.answer_id = answers.id
         where comparison_id = $1 and state in ('failed', 'cut-off')",
    )
    .bind(id.0)
    .fetch_one(&mut *tx)
    .await?;
    if n_labelled > 0 {
        return Err(Error::Refused(format!(
            "{n_labelled} of the unfinished answers have labels, which would stand on another text; ask the question anew"
        )));
    }
    sqlx::query(
        "delete from answer_scores where answer_id in (
           select answers.id from answers
           join comparison_columns on comparison_columns.id = column_id
           where comparison_id = $1 and state in ('failed', 'cut-off'))",
    )
    .bind(id.0)
    .execute(&mut *tx)
    .await?;
    let n_rows = sqlx::query(
        "update answers
         set state = 'waiting', text = '', finish = null, error = null, n_tokens = null, first_token_ms = null,
             writing_ms = null, format_kept = null, format_reason = null, ended_at = null
         where state in ('failed', 'cut-off')
           and column_id in (select id from comparison_columns where comparison_id = $1)",
    )
    .bind(id.0)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(n_rows)
}

/// At the start: what still waits was cut off when the server stopped. Returns how many answers. Those of runs go on
/// waiting: they are made by themselves.
pub async fn mark_cut_off(db: &Db) -> Result<u64, Error> {
    let mut tx = db.write().await?;
    let n_rows = sqlx::query(
        "update answers set state = 'cut-off', ended_at = $1
         where state = 'waiting' and column_id in (
           select comparison_columns.id from comparison_columns
           join comparisons on comparisons.id = comparison_id
           where run_id is null)",
    )
    .bind(now().0)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(n_rows)
}
