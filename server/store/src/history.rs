//! The list of comparisons, searched and paged by key.

use crate::{
    Db, Error, families, labels,
    row::{blindness, word},
};
use domain::{
    Blindness, ComparisonId, HistoryPage, HistoryQuery, HistoryRow, OwnQuestion, PAGE_ROWS, Question, Role, Timestamp,
    Verdict,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// One page of the comparisons that match, newest first. The cells of runs are not among them: there would be little else.
pub async fn page(db: &Db, query: &HistoryQuery) -> Result<HistoryPage, Error> {
    let mut tx = db.reader.begin().await?;
    let words: Vec<String> = query.search.split_whitespace().map(str::to_lowercase).collect();
    let words = serde_json::to_string(&words).expect("strings serialize");
    let format = query.format.map(|it| it.as_str());
    let n_found: i64 = sqlx::query_scalar(COUNT).bind(&words).bind(format).fetch_one(&mut *tx).await?;
    // One row more than a page tells whether there is a next one.
    let found = sqlx::query(PAGE)
        .bind(&words)
        .bind(format)
        .bind(query.before.map(|it| it.0))
        .bind(PAGE_ROWS + 1)
        .fetch_all(&mut *tx)
        .await?;
    let mut rows = Vec::new();
    for row in found.iter().take(PAGE_ROWS as usize) {
        rows.push(history_row(&mut tx, row).await?);
    }
    let has_more = found.len() > rows.len();
    let next = rows.last().filter(|_| has_more).map(|it| it.id);
    Ok(HistoryPage { rows, n_found: n_found.unsigned_abs(), next })
}

/// Every word of the JSON array $1 occurs in the question, the system prompt, an answer with its
/// beginning or a note, and the format is $2 where one is given.
macro_rules! matching {
    () => {
        "from comparisons
         where run_id is null and ($2 is null or format = $2)
           and not exists (
             select 1 from json_each($1) as word
             where instr(lower(question), word.value) = 0
               and instr(lower(coalesce(system, '')), word.value) = 0
               and not exists (
                 select 1 from comparison_columns
                 join answers on answers.column_id = comparison_columns.id
                 left join labels on labels.answer_id = answers.id and labels.act = 'note'
                 where comparison_columns.comparison_id = comparisons.id
                   and (instr(lower(comparisons.beginning || answers.text), word.value) > 0 or instr(lower(labels.note), word.value) > 0)))"
    };
}
const COUNT: &str = concat!("select count(*) ", matching!());
const PAGE: &str =
    concat!("select comparisons.* ", matching!(), " and ($3 is null or id < $3) order by id desc limit $4");

async fn history_row(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<HistoryRow, Error> {
    let id = ComparisonId(row.try_get("id")?);
    let question_id: Option<String> = row.try_get("question_id")?;
    let blindness = blindness(row)?;
    let models = models(tx, id).await?;
    let counts = sqlx::query(
        "select count(*) as n_answers, count(*) filter (where state = 'finished') as n_finished,
                count(*) filter (where state = 'failed') as n_failed,
                count(*) filter (where state = 'cut-off') as n_cut_off
         from answers join comparison_columns on comparison_columns.id = column_id
         where comparison_id = $1",
    )
    .bind(id.0)
    .fetch_one(&mut *tx)
    .await?;
    Ok(HistoryRow {
        id,
        created_at: Timestamp(row.try_get("created_at")?),
        title: title(question_id.as_deref(), &row.try_get::<String, _>("question")?),
        follows: follows(row)?,
        is_own_question: question_id.is_none(),
        format: word("format", row.try_get("format")?, |word| word.parse().ok())?,
        n_samples: row.try_get("n_samples")?,
        slots: families::slots(tx, id).await?,
        models: (blindness != Blindness::Blind).then_some(models),
        n_answers: counts.try_get("n_answers")?,
        n_finished: counts.try_get("n_finished")?,
        n_failed: counts.try_get("n_failed")?,
        n_cut_off: counts.try_get("n_cut_off")?,
        verdicts: verdicts(tx, id, blindness).await?,
    })
}

fn follows(row: &SqliteRow) -> Result<Option<(ComparisonId, bool)>, Error> {
    let edited: Option<i64> = row.try_get("edited_answer_id")?;
    Ok(row.try_get::<Option<i64>, _>("parent_id")?.map(|parent| (ComparisonId(parent), edited.is_some())))
}

pub(crate) fn title(question_id: Option<&str>, text: &str) -> String {
    let question = question_id.and_then(Question::main);
    let question = question.or_else(|| OwnQuestion::parse(text).ok().map(Question::Own));
    question.map_or_else(|| text.to_owned(), |it| it.title())
}

async fn models(tx: &mut SqliteConnection, id: ComparisonId) -> Result<Vec<(String, Role)>, Error> {
    sqlx::query("select model_name, model_role from comparison_columns where comparison_id = $1 order by position")
        .bind(id.0)
        .fetch_all(tx)
        .await?
        .iter()
        .map(|row| Ok((row.try_get("model_name")?, word("role", row.try_get("model_role")?, Role::parse)?)))
        .collect()
}

async fn verdicts(tx: &mut SqliteConnection, id: ComparisonId, blindness: Blindness) -> Result<Vec<Verdict>, Error> {
    let labels = labels::of_comparison(tx, id, blindness).await?;
    let mut verdicts: Vec<_> =
        labels.into_iter().filter_map(|(answer, labels)| labels.verdict.map(|it| (answer, it))).collect();
    verdicts.sort_by_key(|(answer, _)| *answer);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}
