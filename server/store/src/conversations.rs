//! What was said before a comparison, and where it comes from.

use crate::{
    Error,
    row::{asked, beginning, word},
};
use domain::{AnswerId, ComparisonId, Edited, Origin, Said, Turn};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// The earlier turns of a comparison's columns, oldest first; each with one answer for each column.
pub(crate) async fn turns(tx: &mut SqliteConnection, id: ComparisonId) -> Result<Vec<Turn>, Error> {
    let rows = sqlx::query(TURNS).bind(id.0).fetch_all(tx).await?;
    let mut turns: Vec<Turn> = Vec::new();
    for row in &rows {
        // All columns go on from answers of one comparison, and no comparison stands twice in a conversation.
        let turn = turn(row)?;
        if turns.last().map(|it| it.comparison) != Some(turn.comparison) {
            turns.push(turn);
        }
        turns.last_mut().expect("one was pushed at the latest now").answers.push(said(row)?);
    }
    Ok(turns)
}

/// From each column of comparison $1 back to the first turn, one answer after the other.
const TURNS: &str = "with recursive turns (for_position, n_back, answer_id) as (
       select position, 1, after_answer_id from comparison_columns
       where comparison_id = $1 and after_answer_id is not null
       union all
       select for_position, n_back + 1, after_answer_id from turns
       join answers on answers.id = turns.answer_id
       join comparison_columns on comparison_columns.id = answers.column_id
       where after_answer_id is not null)
     select comparisons.id as comparison_id, question_id, question, format, system, beginning,
            comparisons.message, answers.id as answer_id, position, sample_idx, answers.message as own_message, text
     from turns
     join answers on answers.id = turns.answer_id
     join comparison_columns on comparison_columns.id = answers.column_id
     join comparisons on comparisons.id = comparison_columns.comparison_id
     order by n_back desc, for_position";

fn turn(row: &SqliteRow) -> Result<Turn, Error> {
    let (verbatim, system) = asked(row)?;
    Ok(Turn {
        comparison: ComparisonId(row.try_get("comparison_id")?),
        question_id: row.try_get("question_id")?,
        question_text: row.try_get("question")?,
        format: word("format", row.try_get("format")?, |word| word.parse().ok())?,
        verbatim,
        system,
        beginning: beginning(row)?,
        answers: Vec::new(),
    })
}

fn said(row: &SqliteRow) -> Result<Said, Error> {
    Ok(Said {
        answer: AnswerId(row.try_get("answer_id")?),
        column_idx: row.try_get("position")?,
        sample_idx: row.try_get("sample_idx")?,
        message: row.try_get("own_message")?,
        text: row.try_get("text")?,
    })
}

/// What the comparison of this row goes on from.
pub(crate) async fn origin(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<Option<Origin>, Error> {
    let Some(comparison) = row.try_get::<Option<_>, _>("parent_id")?.map(ComparisonId) else { return Ok(None) };
    let Some(answer) = row.try_get::<Option<_>, _>("edited_answer_id")?.map(AnswerId) else {
        return Ok(Some(Origin::Follows(comparison)));
    };
    let source = sqlx::query(
        "select position, slot, model_name, sample_idx from answers
         join comparison_columns on comparison_columns.id = column_id
         where answers.id = $1",
    )
    .bind(answer.0)
    .fetch_one(tx)
    .await?;
    let edited = Edited {
        answer,
        column_idx: source.try_get("position")?,
        sample_idx: source.try_get("sample_idx")?,
        slot: source.try_get("slot")?,
        model_name: Some(source.try_get("model_name")?),
        is_changed: row.try_get("edit_changed")?,
    };
    Ok(Some(Origin::Edits { comparison, edited }))
}
