//! Families: the comparisons that go on from each other, which are revealed together.

use crate::{Db, Error, history::title, labels, row::blindness};
use domain::{Blindness, ComparisonId, Family, FollowUp};
use sqlx::{Row, SqliteConnection};

/// What stands around a comparison.
pub async fn get(db: &Db, id: ComparisonId) -> Result<Family, Error> {
    let mut tx = db.reader.begin().await?;
    let members = members(&mut tx, id).await?;
    let mut family = Family { follow_ups: follow_ups(&mut tx, id).await?, ..Family::default() };
    for other in members.into_iter().filter(|it| *it != id) {
        let row = sqlx::query("select blind, revealed_at from comparisons where id = $1")
            .bind(other.0)
            .fetch_one(&mut *tx)
            .await?;
        if blindness(&row)? == Blindness::Blind {
            family.n_hidden_others += 1;
            family.n_labels_others += n_labels(&mut tx, other).await?;
        }
    }
    Ok(family)
}

/// All comparisons of the family, this one included.
pub(crate) async fn members(tx: &mut SqliteConnection, id: ComparisonId) -> Result<Vec<ComparisonId>, Error> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "with recursive
           back (id, parent_id) as (
             select id, parent_id from comparisons where id = $1
             union all
             select comparisons.id, comparisons.parent_id from comparisons join back on comparisons.id = back.parent_id),
           family (id) as (
             select id from back where parent_id is null
             union all
             select comparisons.id from comparisons join family on comparisons.parent_id = family.id)
         select id from family order by id",
    )
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    if ids.is_empty() {
        return Err(Error::NoComparison(id));
    }
    Ok(ids.into_iter().map(ComparisonId).collect())
}

async fn follow_ups(tx: &mut SqliteConnection, id: ComparisonId) -> Result<Vec<FollowUp>, Error> {
    let rows = sqlx::query("select * from comparisons where parent_id = $1 order by id")
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await?;
    let mut follow_ups = Vec::new();
    for row in &rows {
        let comparison = ComparisonId(row.try_get("id")?);
        let question_id: Option<String> = row.try_get("question_id")?;
        follow_ups.push(FollowUp {
            comparison,
            is_edit: row.try_get::<Option<i64>, _>("edited_answer_id")?.is_some(),
            title: title(question_id.as_deref(), &row.try_get::<String, _>("question")?),
            slots: slots(tx, comparison).await?,
        });
    }
    Ok(follow_ups)
}

/// The slots of a comparison's columns, in the order shown.
pub(crate) async fn slots(tx: &mut SqliteConnection, id: ComparisonId) -> Result<Vec<u32>, Error> {
    let slots = sqlx::query_scalar("select slot from comparison_columns where comparison_id = $1 order by position");
    Ok(slots.bind(id.0).fetch_all(tx).await?)
}

async fn n_labels(tx: &mut SqliteConnection, id: ComparisonId) -> Result<u32, Error> {
    let labels = labels::of_comparison(tx, id, Blindness::Blind).await?;
    let n_labels = labels.values().filter(|it| it.verdict.is_some()).count();
    Ok(u32::try_from(n_labels).expect("a comparison has few answers"))
}
