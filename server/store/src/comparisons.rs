//! Comparisons with their columns and answers, as they were asked and as they stand.

use crate::{
    Db, Error, labels, now,
    row::{blindness, word},
};
use domain::{
    Answer, AnswerId, AnswerState, Blindness, Column, ColumnModel, Comparison, ComparisonId, Facts, Finish, Format,
    FormatCheck, Kept, ModelId, RenderedPrompt, Role, Sampling, Seed, Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// A comparison to be kept before any of its answers begins.
pub struct New<'a> {
    pub question_id: Option<&'a str>,
    pub question_text: &'a str,
    pub format: Format,
    pub sampling: Sampling,
    pub n_samples: u32,
    pub seed: Seed,
    pub blind: bool,
    /// In the order to be shown.
    pub columns: Vec<NewColumn>,
}

pub struct NewColumn {
    pub model_id: ModelId,
    pub model_name: String,
    pub role: Role,
    pub about: String,
    /// The seed of each answer, in sample order.
    pub seeds: Vec<u64>,
}

/// Keeps a comparison with all its answers waiting.
pub async fn insert(db: &Db, new: &New<'_>) -> Result<ComparisonId, Error> {
    let mut tx = db.write().await?;
    let created_at = now().0;
    let id = sqlx::query_scalar(
        "insert into comparisons
            (question_id, question, format, temperature, top_p, max_tokens, n_samples, seed, blind, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning id",
    )
    .bind(new.question_id)
    .bind(new.question_text)
    .bind(new.format.as_str())
    .bind(new.sampling.temperature)
    .bind(new.sampling.top_p)
    .bind(new.sampling.max_tokens)
    .bind(new.n_samples)
    .bind(new.seed.0)
    .bind(new.blind)
    .bind(created_at)
    .fetch_one(&mut *tx)
    .await?;
    for (position, column) in (0i64..).zip(&new.columns) {
        insert_column(&mut tx, id, position, column, created_at).await?;
    }
    tx.commit().await?;
    Ok(ComparisonId(id))
}

async fn insert_column(
    tx: &mut SqliteConnection,
    comparison_id: i64,
    position: i64,
    column: &NewColumn,
    created_at: i64,
) -> Result<(), Error> {
    let id: i64 = sqlx::query_scalar(
        "insert into comparison_columns
            (comparison_id, position, model_id, model_name, model_role, model_about, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         returning id",
    )
    .bind(comparison_id)
    .bind(position)
    .bind(&column.model_id.0)
    .bind(&column.model_name)
    .bind(column.role.as_str())
    .bind(&column.about)
    .bind(created_at)
    .fetch_one(&mut *tx)
    .await?;
    for (sample_idx, seed) in (0i64..).zip(&column.seeds) {
        sqlx::query(
            "insert into answers (column_id, sample_idx, seed, state, created_at) values ($1, $2, $3, 'waiting', $4)",
        )
        .bind(id)
        .bind(sample_idx)
        .bind(i64::try_from(*seed).expect("answer seeds have 63 bits"))
        .bind(created_at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The comparison with everything that is known of it, names included: for the server's own use, see [`Comparison::as_seen`].
pub async fn get(db: &Db, id: ComparisonId) -> Result<Comparison, Error> {
    // One transaction, so that columns, answers and labels are of one moment.
    let mut tx = db.reader.begin().await?;
    let row = sqlx::query("select * from comparisons where id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NoComparison(id))?;
    let blindness = blindness(&row)?;
    let mut answers = answers_by_column(&mut tx, id, blindness).await?;
    let columns = sqlx::query("select * from comparison_columns where comparison_id = $1 order by position")
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| column(row, answers.remove(&row.try_get("id")?).unwrap_or_default()))
        .collect::<Result<_, Error>>()?;
    Ok(Comparison {
        id,
        question_id: row.try_get("question_id")?,
        question_text: row.try_get("question")?,
        format: word("format", row.try_get("format")?, |word| word.parse().ok())?,
        sampling: Sampling {
            temperature: row.try_get("temperature")?,
            top_p: row.try_get("top_p")?,
            max_tokens: row.try_get("max_tokens")?,
        },
        n_samples: row.try_get("n_samples")?,
        seed: Seed(row.try_get("seed")?),
        blindness,
        created_at: Timestamp(row.try_get("created_at")?),
        columns,
    })
}

/// Shows the names of a blind comparison from now on. Doing it twice changes nothing.
pub async fn reveal(db: &Db, id: ComparisonId) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let n_rows = sqlx::query("update comparisons set revealed_at = $2 where id = $1 and blind and revealed_at is null")
        .bind(id.0)
        .bind(now().0)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if n_rows == 0 && !exists(&mut tx, id).await? {
        return Err(Error::NoComparison(id));
    }
    tx.commit().await?;
    Ok(())
}

async fn exists(tx: &mut SqliteConnection, id: ComparisonId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select 1 from comparisons where id = $1)").bind(id.0).fetch_one(tx).await?)
}

fn column(row: &SqliteRow, answers: Vec<Answer>) -> Result<Column, Error> {
    let or_empty = |name| row.try_get::<Option<String>, _>(name).map(Option::unwrap_or_default);
    let model = ColumnModel {
        id: ModelId(row.try_get("model_id")?),
        name: row.try_get("model_name")?,
        role: word("role", row.try_get("model_role")?, Role::parse)?,
        about: row.try_get("model_about")?,
        hash: or_empty("model_hash")?,
        device: or_empty("device")?,
        precision: or_empty("precision")?,
        engine: or_empty("engine")?,
    };
    Ok(Column { model: Some(model), prompt: prompt(row)?, answers })
}

fn prompt(row: &SqliteRow) -> Result<Option<RenderedPrompt>, Error> {
    let Some(text) = row.try_get("prompt")? else { return Ok(None) };
    let specials = word("list of special tokens", row.try_get("prompt_specials")?, |it| serde_json::from_str(it).ok())?;
    Ok(Some(RenderedPrompt { text, n_tokens: row.try_get("prompt_n_tokens")?, specials }))
}

async fn answers_by_column(
    tx: &mut SqliteConnection,
    id: ComparisonId,
    blindness: Blindness,
) -> Result<HashMap<i64, Vec<Answer>>, Error> {
    let mut labels = labels::of_comparison(tx, id, blindness).await?;
    let rows = sqlx::query(
        "select answers.* from answers
         join comparison_columns on comparison_columns.id = column_id
         where comparison_id = $1
         order by column_id, sample_idx",
    )
    .bind(id.0)
    .fetch_all(&mut *tx)
    .await?;
    let mut by_column: HashMap<i64, Vec<Answer>> = HashMap::new();
    for row in &rows {
        let mut answer = answer(row)?;
        answer.labels = labels.remove(&answer.id).unwrap_or_default();
        by_column.entry(row.try_get("column_id")?).or_default().push(answer);
    }
    Ok(by_column)
}

fn answer(row: &SqliteRow) -> Result<Answer, Error> {
    Ok(Answer {
        id: AnswerId(row.try_get("id")?),
        state: state(row)?,
        text: row.try_get("text")?,
        facts: facts(row)?,
        check: check(row)?,
        labels: Default::default(),
    })
}

fn state(row: &SqliteRow) -> Result<AnswerState, Error> {
    let state: String = row.try_get("state")?;
    Ok(match state.as_str() {
        "waiting" => AnswerState::Waiting,
        "finished" => AnswerState::Finished(word("finish", row.try_get("finish")?, Finish::parse)?),
        "failed" => AnswerState::Failed(row.try_get("error")?),
        "cut-off" => AnswerState::CutOff,
        _ => return Err(Error::Corrupt { what: "state of an answer", value: state }),
    })
}

fn facts(row: &SqliteRow) -> Result<Option<Facts>, Error> {
    let Some(n_tokens) = row.try_get("n_tokens")? else { return Ok(None) };
    let seed: i64 = row.try_get("seed")?;
    Ok(Some(Facts {
        seed: u64::try_from(seed).map_err(|_| Error::Corrupt { what: "seed", value: seed.to_string() })?,
        n_tokens,
        first_token_ms: row.try_get("first_token_ms")?,
        writing_ms: row.try_get("writing_ms")?,
    }))
}

fn check(row: &SqliteRow) -> Result<Option<FormatCheck>, Error> {
    let Some(reason) = row.try_get("format_reason")? else { return Ok(None) };
    let kept = match row.try_get("format_kept")? {
        Some(true) => Kept::Yes,
        Some(false) => Kept::No,
        None => Kept::NothingToCheck,
    };
    Ok(Some(FormatCheck { kept, reason }))
}
