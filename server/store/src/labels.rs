//! Labels: acts are added, never changed; what stands is worked out by `domain`.

use crate::{
    Db, Error, now,
    row::{blindness, word},
};
use domain::{Act, AnswerId, Blindness, ComparisonId, KeptAct, Labels, Timestamp, Verdict};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// Adds one act to an answer and returns what stands. Refused where the answer is locked or there is nothing to undo.
pub async fn insert(db: &Db, answer: AnswerId, act: &Act, by: &str) -> Result<Labels, Error> {
    let mut tx = db.write().await?;
    let blindness = blindness_of(&mut tx, answer).await?;
    let mut acts = acts_of(&mut tx, answer).await?;
    Labels::of(&acts, blindness).allows(act).map_err(Error::Refused)?;
    let kept = KeptAct { act: act.clone(), blind: blindness == Blindness::Blind, at: now() };
    let (word, verdict, note) = match act {
        Act::Say(verdict) => ("say", Some(verdict.as_str()), None),
        Act::Note(note) => ("note", None, Some(note)),
        Act::Undo => ("undo", None, None),
    };
    sqlx::query(
        "insert into labels (answer_id, act, verdict, note, blind, labelled_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(answer.0)
    .bind(word)
    .bind(verdict)
    .bind(note)
    .bind(kept.blind)
    .bind(by)
    .bind(kept.at.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    acts.push(kept);
    Ok(Labels::of(&acts, blindness))
}

async fn blindness_of(tx: &mut SqliteConnection, answer: AnswerId) -> Result<Blindness, Error> {
    let row = sqlx::query(
        "select blind, revealed_at from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where answers.id = $1",
    )
    .bind(answer.0)
    .fetch_optional(tx)
    .await?
    .ok_or(Error::NoAnswer(answer))?;
    blindness(&row)
}

async fn acts_of(tx: &mut SqliteConnection, answer: AnswerId) -> Result<Vec<KeptAct>, Error> {
    let rows =
        sqlx::query("select * from labels where answer_id = $1 order by id").bind(answer.0).fetch_all(tx).await?;
    rows.iter().map(kept_act).collect()
}

/// What stands on each labelled answer of a comparison.
pub(crate) async fn of_comparison(
    tx: &mut SqliteConnection,
    id: ComparisonId,
    blindness: Blindness,
) -> Result<HashMap<AnswerId, Labels>, Error> {
    let rows = sqlx::query(
        "select labels.* from labels
         join answers on answers.id = answer_id
         join comparison_columns on comparison_columns.id = column_id
         where comparison_id = $1
         order by labels.id",
    )
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    standing(&rows, blindness)
}

/// What stands on each answer of these rows, which are in the order of their numbers.
pub(crate) fn standing(rows: &[SqliteRow], blindness: Blindness) -> Result<HashMap<AnswerId, Labels>, Error> {
    let mut acts: HashMap<AnswerId, Vec<KeptAct>> = HashMap::new();
    for row in rows {
        acts.entry(AnswerId(row.try_get("answer_id")?)).or_default().push(kept_act(row)?);
    }
    Ok(acts.into_iter().map(|(answer, acts)| (answer, Labels::of(&acts, blindness))).collect())
}

fn kept_act(row: &SqliteRow) -> Result<KeptAct, Error> {
    let kind: String = row.try_get("act")?;
    let act = match kind.as_str() {
        "say" => Act::Say(word("verdict", row.try_get("verdict")?, Verdict::parse)?),
        "note" => Act::Note(row.try_get("note")?),
        "undo" => Act::Undo,
        _ => return Err(Error::Corrupt { what: "act of labelling", value: kind }),
    };
    Ok(KeptAct { act, blind: row.try_get("blind")?, at: Timestamp(row.try_get("created_at")?) })
}
