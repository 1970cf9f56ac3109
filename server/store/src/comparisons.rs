//! Comparisons with their columns and answers, as they were asked and as they stand.

use crate::{
    Db, Error,
    answers::prompt,
    conversations, families, labels, now,
    row::{asked, beginning, blindness, seed, word},
};
use domain::{
    Answer, AnswerId, AnswerState, Beginning, Blindness, Column, ColumnModel, Comparison, ComparisonId, Facts, Finish,
    Format, FormatCheck, Kept, ModelId, Prompt, Role, Sampling, Seed, SystemPrompt, Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// A comparison to be kept before any of its answers begins.
pub struct New<'a> {
    pub question_id: Option<&'a str>,
    pub question_text: &'a str,
    pub format: Format,
    /// What is sent word for word, where the format does not make it of the question; then there is no `system`.
    pub verbatim: Option<&'a Prompt>,
    pub system: Option<&'a SystemPrompt>,
    pub beginning: &'a Beginning,
    pub sampling: Sampling,
    pub n_samples: u32,
    pub seed: Seed,
    /// What has an origin is as blind as that is at the moment of keeping, whatever is said here.
    pub blind: bool,
    pub origin: Option<NewOrigin>,
    /// Turns before this one.
    pub turn_idx: usize,
    /// In the order to be shown.
    pub columns: Vec<NewColumn>,
}

/// What a new comparison goes on from.
#[derive(Clone, Copy, Debug)]
pub struct NewOrigin {
    pub comparison: ComparisonId,
    /// The answer there that is its beginning, and whether a reviewer changed it.
    pub edited: Option<(AnswerId, bool)>,
}

pub struct NewColumn {
    /// The place in the family; the position where there is none yet.
    pub slot: u32,
    /// The answer that the conversation goes on from.
    pub after: Option<AnswerId>,
    pub model_id: ModelId,
    pub model_name: String,
    pub role: Role,
    pub about: String,
}

/// Keeps a comparison with all its answers waiting.
pub async fn insert(db: &Db, new: &New<'_>) -> Result<ComparisonId, Error> {
    let mut tx = db.write().await?;
    let id = insert_alone(&mut tx, new).await?;
    for (position, column) in (0i64..).zip(&new.columns) {
        insert_column(&mut tx, id, position, column, new).await?;
    }
    tx.commit().await?;
    Ok(ComparisonId(id))
}

/// Keeps a comparison without its columns.
pub(crate) async fn insert_alone(tx: &mut SqliteConnection, new: &New<'_>) -> Result<i64, Error> {
    let blind = match &new.origin {
        Some(origin) => is_blind(tx, origin.comparison).await?,
        None => new.blind,
    };
    let edited = new.origin.and_then(|it| it.edited);
    let id = sqlx::query_scalar(
        "insert into comparisons
            (question_id, question, format, temperature, top_p, max_tokens, n_samples, seed, blind, created_at,
             system, beginning, parent_id, edited_answer_id, edit_changed, message)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
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
    .bind(blind)
    .bind(now().0)
    .bind(new.verbatim.map_or(new.system.map(SystemPrompt::text), |it| it.system.as_deref()))
    .bind(new.beginning.text())
    .bind(new.origin.map(|it| it.comparison.0))
    .bind(edited.map(|(answer, _)| answer.0))
    .bind(edited.map(|(_, is_changed)| is_changed))
    .bind(new.verbatim.map(|it| &it.user))
    .fetch_one(tx)
    .await?;
    Ok(id)
}

async fn insert_column(
    tx: &mut SqliteConnection,
    comparison_id: i64,
    position: i64,
    column: &NewColumn,
    new: &New<'_>,
) -> Result<(), Error> {
    let created_at = now().0;
    let id = insert_empty_column(tx, comparison_id, position, column, created_at).await?;
    for sample_idx in 0..new.n_samples {
        let seed = new.seed.of_answer(&column.model_id, new.question_text, new.format, sample_idx, new.turn_idx);
        sqlx::query(
            "insert into answers (column_id, sample_idx, seed, state, created_at) values ($1, $2, $3, 'waiting', $4)",
        )
        .bind(id)
        .bind(sample_idx)
        .bind(i64::try_from(seed).expect("answer seeds have 63 bits"))
        .bind(created_at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Keeps a column without its answers.
pub(crate) async fn insert_empty_column(
    tx: &mut SqliteConnection,
    comparison_id: i64,
    position: i64,
    column: &NewColumn,
    created_at: i64,
) -> Result<i64, Error> {
    let id = sqlx::query_scalar(
        "insert into comparison_columns
            (comparison_id, position, slot, after_answer_id, model_id, model_name, model_role, model_about, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning id",
    )
    .bind(comparison_id)
    .bind(position)
    .bind(column.slot)
    .bind(column.after.map(|it| it.0))
    .bind(&column.model_id.0)
    .bind(&column.model_name)
    .bind(column.role.as_str())
    .bind(&column.about)
    .bind(created_at)
    .fetch_one(tx)
    .await?;
    Ok(id)
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
    let turns = conversations::turns(&mut tx, id).await?;
    let origin = conversations::origin(&mut tx, &row).await?;
    let columns: Vec<_> = sqlx::query("select * from comparison_columns where comparison_id = $1 order by position")
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| column(row, answers.remove(&row.try_get("id")?).unwrap_or_default()))
        .collect::<Result<_, Error>>()?;
    if turns.iter().any(|it| it.answers.len() != columns.len()) {
        return Err(Error::Corrupt { what: "conversation of every column", value: format!("comparison {}", id.0) });
    }
    let (verbatim, system) = asked(&row)?;
    Ok(Comparison {
        id,
        question_id: row.try_get("question_id")?,
        question_text: row.try_get("question")?,
        format: word("format", row.try_get("format")?, |word| word.parse().ok())?,
        verbatim,
        system,
        beginning: beginning(&row)?,
        sampling: Sampling {
            temperature: row.try_get("temperature")?,
            top_p: row.try_get("top_p")?,
            max_tokens: row.try_get("max_tokens")?,
        },
        n_samples: row.try_get("n_samples")?,
        seed: Seed(row.try_get("seed")?),
        blindness,
        created_at: Timestamp(row.try_get("created_at")?),
        origin,
        turns,
        columns,
    })
}

/// Shows the names of a blind comparison and of all its family from now on, since one tells what the others hold. Doing it
/// twice changes nothing. Returns those that were hidden until now.
pub async fn reveal(db: &Db, id: ComparisonId) -> Result<Vec<ComparisonId>, Error> {
    let mut tx = db.write().await?;
    let now = now().0;
    let mut revealed = Vec::new();
    for member in families::members(&mut tx, id).await? {
        let n_rows =
            sqlx::query("update comparisons set revealed_at = $2 where id = $1 and blind and revealed_at is null")
                .bind(member.0)
                .bind(now)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        revealed.extend((n_rows > 0).then_some(member));
    }
    tx.commit().await?;
    Ok(revealed)
}

async fn is_blind(tx: &mut SqliteConnection, id: ComparisonId) -> Result<bool, Error> {
    let row =
        sqlx::query("select blind, revealed_at from comparisons where id = $1").bind(id.0).fetch_optional(tx).await?;
    Ok(blindness(&row.ok_or(Error::NoComparison(id))?)? == Blindness::Blind)
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
    Ok(Column { slot: row.try_get("slot")?, model: Some(model), prompt: prompt(row)?, answers, wait: None })
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
        message: row.try_get("message")?,
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
    Ok(Some(Facts {
        seed: seed(row)?,
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
