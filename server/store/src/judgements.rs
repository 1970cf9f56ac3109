//! Judgements: what each judge said of each answer, and what is still to be judged.

use crate::{Db, Error, now, row::word};
use domain::{AnswerId, Format, JudgeId, Judgement, RunId, Wrapper};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::{HashMap, HashSet};

/// What came of asking a judge about one answer by one of its prompts.
pub struct Seen {
    pub answer: AnswerId,
    pub key: String,
    /// Or why it could not be asked.
    pub said: Result<Judgement, String>,
    /// SHA-256 of what it was asked, in hexadecimal.
    pub prompt_hash: String,
}

/// Keeps a group of judgements. What a judge has said of an answer stands; only a failure is replaced.
pub async fn insert(db: &Db, judge: &JudgeId, seen: &[Seen]) -> Result<(), Error> {
    let mut tx = db.write().await?;
    for Seen { answer, key, said, prompt_hash } in seen {
        insert_within(&mut tx, *answer, judge, key, said.as_ref().map_err(String::as_str), Some(prompt_hash)).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn insert_within(
    tx: &mut SqliteConnection,
    answer: AnswerId,
    judge: &JudgeId,
    key: &str,
    said: Result<&Judgement, &str>,
    prompt_hash: Option<&str>,
) -> Result<(), Error> {
    let score = said.ok().and_then(|it| it.score);
    sqlx::query(
        "insert into judgements
            (answer_id, judge, key, score, not_finite, word, numeric_mass, prompt_hash, error, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (answer_id, judge, key) do update
         set score = excluded.score, not_finite = excluded.not_finite, word = excluded.word,
             numeric_mass = excluded.numeric_mass, prompt_hash = excluded.prompt_hash, error = excluded.error,
             created_at = excluded.created_at
         where judgements.error is not null",
    )
    .bind(answer.0)
    .bind(&judge.0)
    .bind(key)
    .bind(score.filter(|it| it.is_finite()))
    .bind(score.and_then(not_finite))
    .bind(said.ok().and_then(|it| it.word.as_deref()))
    .bind(said.ok().and_then(|it| it.numeric_mass).filter(|it| it.is_finite()))
    .bind(prompt_hash)
    .bind(said.err())
    .bind(now().0)
    .execute(tx)
    .await?;
    Ok(())
}

/// The word that stands for a score that is no number.
fn not_finite(score: f64) -> Option<&'static str> {
    match score {
        _ if score.is_finite() => None,
        _ if score.is_nan() => Some("NaN"),
        f64::INFINITY => Some("inf"),
        _ => Some("-inf"),
    }
}

/// The score of a row: as it was kept, also where it is none.
pub(crate) fn score(row: &SqliteRow, score: &str, not_finite: &str) -> Result<Option<f64>, Error> {
    match row.try_get::<Option<String>, _>(not_finite)? {
        Some(text) => word("score", text, |text| text.parse().ok()).map(Some),
        None => Ok(row.try_get(score)?),
    }
}

/// What judges said of one answer.
pub async fn of_answer(db: &Db, answer: AnswerId) -> Result<Vec<(JudgeId, Judgement)>, Error> {
    let rows = sqlx::query("select * from judgements where answer_id = $1 and error is null order by judge, key")
        .bind(answer.0)
        .fetch_all(&db.reader)
        .await?;
    let judgement = |row: &SqliteRow| {
        let judgement = Judgement {
            key: row.try_get("key")?,
            score: score(row, "score", "not_finite")?,
            word: row.try_get("word")?,
            numeric_mass: row.try_get("numeric_mass")?,
        };
        Ok((JudgeId(row.try_get("judge")?), judgement))
    };
    rows.iter().map(judgement).collect()
}

/// The finished answers of a run that a judge has not seen by as many prompts as their row has.
pub async fn missing(
    db: &Db,
    run: RunId,
    judge: &JudgeId,
    n_prompts: impl Fn(&str) -> usize,
) -> Result<Vec<AnswerId>, Error> {
    let rows = sqlx::query(
        "select answers.id, row_id, count(judgements.id) as n_seen from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         left join judgements on judgements.answer_id = answers.id and judge = $2
         where run_id = $1 and answers.state = 'finished'
         group by answers.id
         order by answers.id",
    )
    .bind(run.0)
    .bind(&judge.0)
    .fetch_all(&db.reader)
    .await?;
    let mut missing = Vec::new();
    for row in &rows {
        let n_seen: u32 = row.try_get("n_seen")?;
        if (n_seen as usize) < n_prompts(&row.try_get::<String, _>("row_id")?) {
            missing.push(AnswerId(row.try_get("id")?));
        }
    }
    Ok(missing)
}

/// A finished answer, as its judges are told of it.
pub struct ToJudge {
    pub answer: AnswerId,
    pub row_id: String,
    pub wrapper: Wrapper,
    pub format: Format,
    pub sample_idx: u32,
    /// Hostile, as every answer.
    pub text: String,
    /// Prompts by which this judge has seen it.
    pub seen: HashSet<String>,
}

pub async fn to_judge(db: &Db, judge: &JudgeId, answers: &[AnswerId]) -> Result<Vec<ToJudge>, Error> {
    let ids = serde_json::to_string(&answers.iter().map(|it| it.0).collect::<Vec<_>>()).expect("numbers serialize");
    let mut tx = db.reader.begin().await?;
    let seen = sqlx::query(
        "select answer_id, key from judgements where judge = $2 and answer_id in (select value from json_each($1))",
    )
    .bind(&ids)
    .bind(&judge.0)
    .fetch_all(&mut *tx)
    .await?;
    let mut keys: HashMap<i64, HashSet<String>> = HashMap::new();
    for row in &seen {
        keys.entry(row.try_get("answer_id")?).or_default().insert(row.try_get("key")?);
    }
    let rows = sqlx::query(
        "select answers.id, row_id, wrapper, format, sample_idx, text from answers
         join comparison_columns on comparison_columns.id = column_id
         join comparisons on comparisons.id = comparison_id
         where answers.id in (select value from json_each($1)) and state = 'finished' and run_id is not null",
    )
    .bind(&ids)
    .fetch_all(&mut *tx)
    .await?;
    let to_judge = |row: &SqliteRow| {
        let id: i64 = row.try_get("id")?;
        Ok(ToJudge {
            answer: AnswerId(id),
            row_id: row.try_get("row_id")?,
            wrapper: crate::runs::wrapper(row.try_get("wrapper")?)?,
            format: word("format", row.try_get("format")?, |word| word.parse().ok())?,
            sample_idx: row.try_get("sample_idx")?,
            text: row.try_get("text")?,
            seen: keys.get(&id).cloned().unwrap_or_default(),
        })
    };
    rows.iter().map(to_judge).collect()
}
