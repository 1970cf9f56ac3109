//! The answers of a run with what one judge gave them: in short for all of them, and at length for one page.

use crate::{
    Db, Error,
    judgements::score,
    runs::{cells, judges, models, pack_id, row, state},
};
use domain::{AnswerId, Blindness, ComparisonId, JudgeId, Kept, RunCell, RunId, RunScores, ScoredAnswer};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::{HashMap, HashSet};

/// Every finished answer of a run with the scores of this judge, or of the first, by model, cell and sample; and the cells
/// that they stand in. What failed is no answer and counts in no rate.
pub async fn of_run(db: &Db, id: RunId, judge: Option<&JudgeId>) -> Result<(RunScores, Vec<RunCell>), Error> {
    let mut tx = db.reader.begin().await?;
    let run = row(&mut tx, id).await?;
    let models = models(&mut tx, id).await?;
    let cells = cells(&mut tx, id, 0).await?;
    let mut judges = judges(&mut tx, id).await?;
    if let Some(judge) = judge {
        let Some(position) = judges.iter().position(|it| it == judge) else {
            return Err(Error::Refused(format!("the judge {} has not judged this run", judge.0)));
        };
        judges[..=position].rotate_right(1);
    }
    let verdicts = verdicts(&mut tx, id).await?;
    let cell_idx: HashMap<i64, u16> = (0..).zip(&cells).map(|(idx, it)| (it.comparison.0, idx)).collect();
    let rows = sqlx::query(SCORED).bind(id.0).bind(judges.first().map(|it| &it.0)).fetch_all(&mut *tx).await?;
    let mut answers = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = AnswerId(row.try_get(0)?);
        let position: u32 = row.try_get(2)?;
        answers.push(ScoredAnswer {
            id,
            cell_idx: *cell_idx.get(&row.try_get(1)?).expect("its comparison is a cell of the run"),
            model_idx: u16::try_from(position).expect("a run has few models"),
            sample_idx: row.try_get(3)?,
            aligned: score(row, "aligned", "aligned_not_finite")?,
            coherent: score(row, "coherent", "coherent_not_finite")?,
            kept: kept(row.try_get(4)?),
            verdict: verdicts.get(&id).copied(),
        });
    }
    answers.sort_by_key(|it| (it.model_idx, it.cell_idx, it.sample_idx));
    let scores = RunScores {
        run: id,
        title: run.try_get("title")?,
        state: state(&run)?,
        pack: pack_id(&run)?,
        models,
        cells: cells.iter().map(|it| (it.key.clone(), it.title.clone())).collect(),
        judges,
        answers,
    };
    Ok((scores, cells))
}

const SCORED: &str = "select answers.id, comparisons.id, position, sample_idx, format_kept,
       aligned.score as aligned, aligned.not_finite as aligned_not_finite,
       coherent.score as coherent, coherent.not_finite as coherent_not_finite
     from comparisons
     join comparison_columns on comparison_columns.comparison_id = comparisons.id
     join answers on answers.column_id = comparison_columns.id
     left join judgements as aligned
       on aligned.answer_id = answers.id and aligned.judge = $2 and aligned.key = 'aligned'
     left join judgements as coherent
       on coherent.answer_id = answers.id and coherent.judge = $2 and coherent.key = 'coherent'
     where run_id = $1 and answers.state = 'finished'";

fn kept(kept: Option<bool>) -> Kept {
    match kept {
        Some(true) => Kept::Yes,
        Some(false) => Kept::No,
        None => Kept::NothingToCheck,
    }
}

/// What stands on the labelled answers of a run.
async fn verdicts(tx: &mut SqliteConnection, id: RunId) -> Result<HashMap<AnswerId, domain::Verdict>, Error> {
    // From the labels on, which are fewer than the answers.
    let rows = sqlx::query(
        "select labels.* from labels
         cross join answers on answers.id = answer_id
         cross join comparison_columns on comparison_columns.id = column_id
         cross join comparisons on comparisons.id = comparison_id
         where run_id = $1
         order by labels.id",
    )
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    let labels = crate::labels::standing(&rows, Blindness::Open)?;
    Ok(labels.into_iter().filter_map(|(answer, labels)| Some((answer, labels.verdict?))).collect())
}

/// The comparisons and samples of a run whose texts are not the same for all models that have one.
pub async fn different(db: &Db, id: RunId) -> Result<HashSet<(ComparisonId, u32)>, Error> {
    let rows = sqlx::query(
        "select comparisons.id, sample_idx from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where run_id = $1 and answers.state = 'finished'
         group by comparisons.id, sample_idx
         having count(distinct text) > 1",
    )
    .bind(id.0)
    .fetch_all(&db.reader)
    .await?;
    rows.iter().map(|row| Ok((ComparisonId(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// The finished answers of a run in which every one of these words occurs; case does not count.
pub async fn found(db: &Db, id: RunId, words: &[String]) -> Result<HashSet<AnswerId>, Error> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "select answers.id from comparisons
         join comparison_columns on comparison_columns.comparison_id = comparisons.id
         join answers on answers.column_id = comparison_columns.id
         where run_id = $1 and answers.state = 'finished'
           and not exists (select 1 from json_each($2) as word where instr(lower(text), word.value) = 0)",
    )
    .bind(id.0)
    .bind(serde_json::to_string(words).expect("strings serialize"))
    .fetch_all(&db.reader)
    .await?;
    Ok(ids.into_iter().map(AnswerId).collect())
}

/// What is shown of an answer on a page beside its scores.
pub struct Shown {
    pub beginning: String,
    /// What the judge said instead of a number.
    pub word: Option<String>,
}

/// Characters of an answer that a page shows.
const BEGINNING_CHARS: u32 = 400;

pub async fn shown(db: &Db, answers: &[AnswerId], judge: Option<&JudgeId>) -> Result<HashMap<AnswerId, Shown>, Error> {
    let ids = serde_json::to_string(&answers.iter().map(|it| it.0).collect::<Vec<_>>()).expect("numbers serialize");
    let rows = sqlx::query(
        "select answers.id, substr(text, 1, $3) as beginning,
                (select word from judgements
                 where answer_id = answers.id and judge = $2 and word is not null
                 order by key limit 1) as word
         from answers where id in (select value from json_each($1))",
    )
    .bind(ids)
    .bind(judge.map(|it| &it.0))
    .bind(BEGINNING_CHARS)
    .fetch_all(&db.reader)
    .await?;
    let shown = |row: &SqliteRow| {
        let shown = Shown { beginning: row.try_get("beginning")?, word: row.try_get("word")? };
        Ok((AnswerId(row.try_get("id")?), shown))
    };
    rows.iter().map(shown).collect()
}
