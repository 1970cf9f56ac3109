//! A run is written down as a whole before it begins: its cells, its columns, and the seed of every answer to come.

use super::{models, row, state, steps::tell};
use crate::{
    Db, Error,
    comparisons::{self, NewColumn},
    now, packs,
};
use domain::{
    Beginning, CellKey, Format, JudgeId, Judgement, ModelCard, ModelId, ModelState, OwnQuestion, Pack, PackQuestion,
    Prompt, Question, Role, RunId, RunState, Sampling, Seed, Wrapper,
};
use sqlx::{Row, SqliteConnection};

/// A run to be kept and queued.
pub struct New<'a> {
    pub title: &'a str,
    pub pack: &'a Pack,
    /// Of the pack, in the order to be asked.
    pub rows: Vec<&'a PackQuestion>,
    pub wrappers: &'a [Wrapper],
    pub models: &'a [ModelCard],
    pub n_samples: u32,
    pub sampling: Sampling,
    pub seed: Seed,
    pub judges: &'a [JudgeId],
}

/// Keeps a run with all its answers waiting, at the end of the queue.
pub async fn insert(db: &Db, new: &New<'_>) -> Result<RunId, Error> {
    let mut tx = db.write().await?;
    let at = now().0;
    let pack_id = packs::id_of(&mut tx, new.pack).await?;
    let row_ids: Vec<&str> = new.rows.iter().map(|it| it.id()).collect();
    let wrappers: Vec<&str> = new.wrappers.iter().map(|it| it.as_str()).collect();
    let id = sqlx::query_scalar(
        "insert into runs
            (title, pack_id, pack_slug, pack_version, pack_hash, row_ids, wrappers, temperature, top_p, max_tokens, seed,
             n_samples, state, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'queued', $13)
         returning id",
    )
    .bind(new.title)
    .bind(pack_id)
    .bind(&new.pack.heading().id)
    .bind(new.pack.heading().version)
    .bind(packs::hash(new.pack))
    .bind(json(&row_ids))
    .bind(json(&wrappers))
    .bind(new.sampling.temperature)
    .bind(new.sampling.top_p)
    .bind(new.sampling.max_tokens)
    .bind(new.seed.0)
    .bind(new.n_samples)
    .bind(at)
    .fetch_one(&mut *tx)
    .await
    .map(RunId)?;
    insert_models(&mut tx, id, 0, new.models).await?;
    insert_judges(&mut tx, id, 0, new.judges).await?;
    for wrapper in new.wrappers {
        for question in &new.rows {
            let cell = Cell::of(question, *wrapper, new.seed);
            let comparison = cell.insert(&mut tx, id, new.sampling, new.n_samples, new.seed).await?;
            for (position, model) in (0..).zip(new.models) {
                let column = insert_column(&mut tx, comparison, position, model).await?;
                insert_answers(&mut tx, column, &cell.answers(&model.id, new.seed, 0..new.n_samples)).await?;
            }
        }
    }
    count_answers(&mut tx, id).await?;
    tell(&mut tx, id, false, "queued").await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds samples, models and judges to a run, and queues it where there is something to do; what it has stays.
pub async fn extend(
    db: &Db,
    id: RunId,
    pack: &Pack,
    n_samples: Option<u32>,
    more: &[ModelCard],
    judges: &[JudgeId],
) -> Result<RunState, Error> {
    let mut tx = db.write().await?;
    let kept = row(&mut tx, id).await?;
    let before = state(&kept)?;
    if before == RunState::Cancelled {
        return Err(Error::Refused("this run was cancelled and never goes on; repeat it".into()));
    }
    let n_before: u32 = kept.try_get("n_samples")?;
    let n_samples = n_samples.unwrap_or(n_before);
    if n_samples < n_before {
        return Err(Error::Refused(format!(
            "the run has {n_before} samples of each cell already, and none is taken away"
        )));
    }
    let seed = Seed(kept.try_get("seed")?);
    let there = models(&mut tx, id).await?;
    let more: Vec<ModelCard> = more.iter().filter(|it| there.iter().all(|model| model.id != it.id)).cloned().collect();
    insert_models(&mut tx, id, there.len(), &more).await?;
    let judging = super::judges(&mut tx, id).await?;
    let judges: Vec<JudgeId> = judges.iter().filter(|it| !judging.contains(it)).cloned().collect();
    insert_judges(&mut tx, id, judging.len(), &judges).await?;
    sqlx::query("update runs set n_samples = $2 where id = $1").bind(id.0).bind(n_samples).execute(&mut *tx).await?;
    sqlx::query("update comparisons set n_samples = $2 where run_id = $1")
        .bind(id.0)
        .bind(n_samples)
        .execute(&mut *tx)
        .await?;
    let cells = sqlx::query("select id, row_id, wrapper from comparisons where run_id = $1 order by id")
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await?;
    for row in &cells {
        let (comparison, row_id): (i64, String) = (row.try_get("id")?, row.try_get("row_id")?);
        let question = pack.question(&row_id).ok_or(Error::Corrupt { what: "row of a pack", value: row_id.clone() })?;
        let cell = Cell::of(question, super::wrapper(row.try_get("wrapper")?)?, seed);
        for (position, model) in (0_i64..).zip(&there) {
            let column = column_id(&mut tx, comparison, position).await?;
            insert_answers(&mut tx, column, &cell.answers(&model.id, seed, n_before..n_samples)).await?;
        }
        for (position, model) in (there.len()..).zip(&more) {
            let column = insert_column(&mut tx, comparison, position, model).await?;
            insert_answers(&mut tx, column, &cell.answers(&model.id, seed, 0..n_samples)).await?;
        }
    }
    count_answers(&mut tx, id).await?;
    let has_more = n_samples > n_before || !more.is_empty() || !judges.is_empty();
    if has_more && before == RunState::Finished {
        sqlx::query("update runs set state = 'queued', ended_at = null where id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
    }
    tell(&mut tx, id, false, &extended(n_samples - n_before, &more, &judges)).await?;
    let after = state(&row(&mut tx, id).await?)?;
    tx.commit().await?;
    Ok(after)
}

fn extended(n_samples: u32, models: &[ModelCard], judges: &[JudgeId]) -> String {
    let mut what = Vec::new();
    if n_samples > 0 {
        what.push(format!("{n_samples} more samples of each cell"));
    }
    what.extend(models.iter().map(|it| it.name.clone()));
    what.extend(judges.iter().map(|it| format!("the judge {}", it.0)));
    if what.is_empty() {
        "extended by nothing that was not there".into()
    } else {
        format!("extended by {}", what.join(", "))
    }
}

/// Answers that were judged elsewhere, to be kept as a run that is over.
pub struct Imported<'a> {
    pub title: &'a str,
    pub model: &'a ModelId,
    pub judge: &'a JudgeId,
    pub source: &'a str,
    pub answers: Vec<ImportedAnswer>,
}

pub struct ImportedAnswer {
    pub row_id: String,
    pub key: CellKey,
    /// The user message word for word; a legal question.
    pub message: OwnQuestion,
    pub text: String,
    pub judgements: Vec<Judgement>,
}

/// Keeps imported answers: cells in the order in which they first occur, samples in theirs.
pub async fn insert_imported(db: &Db, new: &Imported<'_>) -> Result<RunId, Error> {
    let mut tx = db.write().await?;
    let at = now().0;
    let mut cells: Vec<(&str, Vec<&ImportedAnswer>)> = Vec::new();
    let mut place_of = std::collections::HashMap::new();
    for answer in &new.answers {
        let idx = *place_of.entry(answer.row_id.as_str()).or_insert_with(|| {
            cells.push((&answer.row_id, Vec::new()));
            cells.len() - 1
        });
        cells[idx].1.push(answer);
    }
    let n_samples = cells.iter().map(|(_, answers)| answers.len()).max().unwrap_or(0);
    let row_ids: Vec<&str> = cells.iter().map(|(id, _)| *id).collect();
    let sampling = Sampling::default();
    let id = sqlx::query_scalar(
        "insert into runs
            (title, pack_slug, pack_version, pack_hash, row_ids, wrappers, temperature, top_p, max_tokens, seed, n_samples,
             state, started_at, ended_at, created_at)
         values ($1, 'imported', 1, '', $2, $3, $4, $5, $6, 0, $7, 'finished', $8, $8, $8)
         returning id",
    )
    .bind(new.title)
    .bind(json(&row_ids))
    .bind(json(&[Wrapper::Bare.as_str()]))
    .bind(sampling.temperature)
    .bind(sampling.top_p)
    .bind(sampling.max_tokens)
    .bind(n_samples as i64)
    .bind(at)
    .fetch_one(&mut *tx)
    .await
    .map(RunId)?;
    let model = ModelCard {
        id: new.model.clone(),
        name: new.model.0.clone(),
        role: Role::parse(&new.model.0).unwrap_or(Role::Other),
        about: format!("imported from {}", new.source),
        is_demo: false,
        state: ModelState::Unloaded("its answers were imported".into()),
    };
    insert_models(&mut tx, id, 0, std::slice::from_ref(&model)).await?;
    insert_judges(&mut tx, id, 0, std::slice::from_ref(new.judge)).await?;
    for (row_id, answers) in &cells {
        let first = answers[0];
        let cell = Cell::imported(row_id, first);
        let comparison = cell.insert(&mut tx, id, sampling, answers.len() as u32, Seed(0)).await?;
        let column = insert_column(&mut tx, comparison, 0, &model).await?;
        for (sample_idx, answer) in (0_i64..).zip(answers) {
            let own = (answer.message != first.message).then(|| answer.message.text());
            insert_imported_answer(&mut tx, column, sample_idx, own, answer, new.judge).await?;
        }
    }
    count_answers(&mut tx, id).await?;
    tell(&mut tx, id, false, &format!("{} answers imported from {}", new.answers.len(), new.source)).await?;
    tx.commit().await?;
    Ok(id)
}

async fn insert_imported_answer(
    tx: &mut SqliteConnection,
    column: i64,
    sample_idx: i64,
    own_message: Option<&str>,
    answer: &ImportedAnswer,
    judge: &JudgeId,
) -> Result<(), Error> {
    let check = answer.key.format.check_message(own_message.unwrap_or(answer.message.text()), &answer.text);
    let at = now().0;
    let id: i64 = sqlx::query_scalar(
        "insert into answers
            (column_id, sample_idx, seed, state, text, finish, format_kept, format_reason, message, ended_at, created_at)
         values ($1, $2, 0, 'finished', $3, 'stop', $4, $5, $6, $7, $7)
         returning id",
    )
    .bind(column)
    .bind(sample_idx)
    .bind(&answer.text)
    .bind(crate::answers::kept(check.kept))
    .bind(&check.reason)
    .bind(own_message)
    .bind(at)
    .fetch_one(&mut *tx)
    .await?;
    for judgement in &answer.judgements {
        crate::judgements::insert_within(tx, domain::AnswerId(id), judge, &judgement.key, Ok(judgement), None).await?;
    }
    Ok(())
}

/// One row of a pack in one wrapper, as a comparison has it.
struct Cell<'a> {
    row_id: &'a str,
    wrapper: Wrapper,
    question: Question,
    format: Format,
    /// What the first sample is sent.
    prompt: Prompt,
    /// The row; None for imported answers.
    row: Option<&'a PackQuestion>,
}

impl<'a> Cell<'a> {
    fn of(row: &'a PackQuestion, wrapper: Wrapper, seed: Seed) -> Self {
        let (format, bare) = (row.format(), row.prompt(Wrapper::Bare, seed, 0));
        let own = || Question::Own(OwnQuestion::parse(row.paraphrase(0)).expect("a pack's questions are legal"));
        let main = Question::main(row.question_id()).filter(|it| format.apply(it).as_ref() == Ok(&bare));
        let prompt = row.prompt(wrapper, seed, 0);
        Self { row_id: row.id(), wrapper, question: main.unwrap_or_else(own), format, prompt, row: Some(row) }
    }

    /// The table says what was asked and not with which system prompt, so there is none.
    fn imported(row_id: &'a str, first: &ImportedAnswer) -> Self {
        let prompt = Prompt { system: None, user: first.message.text().to_owned() };
        let format = first.key.format;
        let main =
            Question::main(&first.key.question).filter(|it| format.apply(it).is_ok_and(|it| it.user == prompt.user));
        let question = main.unwrap_or_else(|| Question::Own(first.message.clone()));
        Self { row_id, wrapper: first.key.wrapper, question, format, prompt, row: None }
    }

    /// None where the format makes the same of the question, and the comparison is like any other.
    fn verbatim(&self) -> Option<&Prompt> {
        (self.format.apply(&self.question).as_ref() != Ok(&self.prompt)).then_some(&self.prompt)
    }

    async fn insert(
        &self,
        tx: &mut SqliteConnection,
        run: RunId,
        sampling: Sampling,
        n_samples: u32,
        seed: Seed,
    ) -> Result<i64, Error> {
        let new = comparisons::New {
            question_id: self.question.id(),
            question_text: self.question.text(),
            format: self.format,
            verbatim: self.verbatim(),
            system: None,
            beginning: &Beginning::default(),
            sampling,
            n_samples,
            seed,
            blind: false,
            origin: None,
            turn_idx: 0,
            columns: Vec::new(),
        };
        let id = comparisons::insert_alone(tx, &new).await?;
        sqlx::query("update comparisons set run_id = $2, row_id = $3, wrapper = $4 where id = $1")
            .bind(id)
            .bind(run.0)
            .bind(self.row_id)
            .bind(self.wrapper.as_str())
            .execute(tx)
            .await?;
        Ok(id)
    }

    /// Number, seed and own message of each of these samples of one model.
    fn answers(&self, model: &ModelId, seed: Seed, samples: std::ops::Range<u32>) -> Vec<(u32, u64, Option<String>)> {
        let row = self.row.expect("only imported answers have no row, and nothing is added to them");
        let is_one_text = !self.wrapper.draws() && row.paraphrases().len() == 1;
        let message = |sample_idx| row.prompt(self.wrapper, seed, sample_idx).user;
        let own = |sample_idx| (!is_one_text).then(|| message(sample_idx)).filter(|it| *it != self.prompt.user);
        let seed = |sample_idx| seed.of_run_answer(model, self.row_id, self.format, self.wrapper, sample_idx);
        samples.map(|sample_idx| (sample_idx, seed(sample_idx), own(sample_idx))).collect()
    }
}

async fn insert_models(tx: &mut SqliteConnection, id: RunId, first: usize, cards: &[ModelCard]) -> Result<(), Error> {
    for (position, card) in (first as i64..).zip(cards) {
        sqlx::query(
            "insert into run_models (run_id, position, model_id, name, role, about, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.0)
        .bind(position)
        .bind(&card.id.0)
        .bind(&card.name)
        .bind(card.role.as_str())
        .bind(&card.about)
        .bind(now().0)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_judges(tx: &mut SqliteConnection, id: RunId, first: usize, judges: &[JudgeId]) -> Result<(), Error> {
    for (position, judge) in (first as i64..).zip(judges) {
        sqlx::query("insert into run_judges (run_id, position, judge, created_at) values ($1, $2, $3, $4)")
            .bind(id.0)
            .bind(position)
            .bind(&judge.0)
            .bind(now().0)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn insert_column(
    tx: &mut SqliteConnection,
    comparison: i64,
    position: usize,
    card: &ModelCard,
) -> Result<i64, Error> {
    let column = NewColumn {
        slot: position as u32,
        after: None,
        model_id: card.id.clone(),
        model_name: card.name.clone(),
        role: card.role,
        about: card.about.clone(),
    };
    comparisons::insert_empty_column(tx, comparison, position as i64, &column, now().0).await
}

async fn column_id(tx: &mut SqliteConnection, comparison: i64, position: i64) -> Result<i64, Error> {
    let id = sqlx::query_scalar("select id from comparison_columns where comparison_id = $1 and position = $2");
    Ok(id.bind(comparison).bind(position).fetch_one(tx).await?)
}

/// Many at once: a run may have a hundred thousand.
async fn insert_answers(
    tx: &mut SqliteConnection,
    column: i64,
    answers: &[(u32, u64, Option<String>)],
) -> Result<(), Error> {
    sqlx::query(
        "insert into answers (column_id, sample_idx, seed, message, state, created_at)
         select $1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), 'waiting', $3
         from json_each($2)",
    )
    .bind(column)
    .bind(json(answers))
    .bind(now().0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts the answers of a run anew.
pub(super) async fn count_answers(tx: &mut SqliteConnection, id: RunId) -> Result<(), Error> {
    sqlx::query(
        "update runs set (n_answers, n_finished, n_failed) = (
           select count(*), count(*) filter (where answers.state = 'finished'), count(*) filter (where answers.state = 'failed')
           from comparisons
           join comparison_columns on comparison_columns.comparison_id = comparisons.id
           join answers on answers.column_id = comparison_columns.id
           where run_id = $1)
         where id = $1",
    )
    .bind(id.0)
    .execute(tx)
    .await?;
    Ok(())
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers have a JSON form")
}
