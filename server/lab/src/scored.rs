//! The answers of a run as its judges see them: all of them in short for the results, and page by page for reading.
//!
//! What the pages filter and sort by is kept in memory for the runs that were looked at last, a few megabytes for a hundred
//! thousand answers: so a page takes no longer where few answers match. Texts stay in the database.

use crate::{Error, Lab};
use domain::{
    ANSWERS_ROWS, AnswerId, AnswerRow, AnswersKey, AnswersOrder, AnswersPage, AnswersQuery, JudgeId, RunCell, RunId,
    RunScores, ScoredAnswer, Verdict,
};
use std::{
    cmp::Ordering,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Runs and judges that are remembered.
const REMEMBERED: usize = 4;

/// How old may be what is told of a run that is being written: it changes many times a second.
const STALE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct ScoredRuns(Mutex<Vec<Remembered>>);

struct Remembered {
    run: RunId,
    judge: Option<JudgeId>,
    /// Of the run, when it was read.
    version: u64,
    read_at: Instant,
    scored: Arc<Scored>,
}

/// One run by one judge.
#[derive(Clone)]
struct Scored {
    scores: RunScores,
    cells: Vec<RunCell>,
    /// Positions among the answers: by number, and the least aligned first.
    by_id: Vec<u32>,
    by_aligned: Vec<u32>,
}

impl ScoredRuns {
    /// The verdict on an answer is another now.
    pub(crate) fn set_verdict(&self, run: RunId, answer: AnswerId, verdict: Option<Verdict>) {
        for remembered in self.remembered().iter_mut().filter(|it| it.run == run) {
            let answers = &mut Arc::make_mut(&mut remembered.scored).scores.answers;
            if let Some(answer) = answers.iter_mut().find(|it| it.id == answer) {
                answer.verdict = verdict;
            }
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Vec<Remembered>> {
        // Nothing panics while holding it, and it is never half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, run: RunId, judge: Option<&JudgeId>, version: u64) -> Option<Arc<Scored>> {
        let remembered = self.remembered();
        let found = remembered.iter().find(|it| it.run == run && it.judge.as_ref() == judge)?;
        (found.version == version || found.read_at.elapsed() < STALE).then(|| found.scored.clone())
    }

    fn remember(&self, new: Remembered) {
        let mut remembered = self.remembered();
        remembered.retain(|it| (it.run, &it.judge) != (new.run, &new.judge));
        remembered.truncate(REMEMBERED - 1);
        remembered.insert(0, new);
    }
}

impl Lab {
    /// What one judge, or the first, says of every answer of a run.
    pub async fn run_scores(&self, id: RunId, judge: Option<&JudgeId>) -> Result<RunScores, Error> {
        let mut scores = self.scored(id, judge).await?.scores.clone();
        // The answers may be a moment old while the run goes on; its state never is.
        scores.state = self.run_state(id).await?;
        Ok(scores)
    }

    /// One page of the answers of a run that match.
    pub async fn run_answers(&self, query: &AnswersQuery) -> Result<AnswersPage, Error> {
        let scored = self.scored(query.run, query.judge.as_ref()).await?;
        let words: Vec<String> = query.search.split_whitespace().map(str::to_lowercase).collect();
        let found = match words.is_empty() {
            true => None,
            false => Some(store::scored::found(&self.db, query.run, &words).await?),
        };
        let different = match query.only_different {
            true => Some(store::scored::different(&self.db, query.run).await?),
            false => None,
        };
        let filter = Filter::of(query, &scored);
        let matches = |it: &ScoredAnswer| {
            let sample = (scored.cells[usize::from(it.cell_idx)].comparison, it.sample_idx);
            filter.matches(it)
                && found.as_ref().is_none_or(|found| found.contains(&it.id))
                && different.as_ref().is_none_or(|different| different.contains(&sample))
        };
        let page = scored.page(query, matches);
        self.shown(&scored, page).await
    }

    async fn run_state(&self, id: RunId) -> Result<domain::RunState, Error> {
        Ok(store::runs::head(&self.db, id).await?.state)
    }

    async fn scored(&self, id: RunId, judge: Option<&JudgeId>) -> Result<Arc<Scored>, Error> {
        // Before it is read: what happens meanwhile makes it old.
        let version = self.runs.version_of(id);
        if let Some(scored) = self.runs.scored.find(id, judge, version) {
            return Ok(scored);
        }
        let read_at = Instant::now();
        let (scores, cells) = store::scored::of_run(&self.db, id, judge).await?;
        let scored = Arc::new(Scored::new(scores, cells));
        let (judge, found) = (judge.cloned(), scored.clone());
        self.runs.scored.remember(Remembered { run: id, judge, version, read_at, scored });
        Ok(found)
    }

    async fn shown(&self, scored: &Scored, page: Page) -> Result<AnswersPage, Error> {
        let ids: Vec<AnswerId> = page.answers.iter().map(|it| it.id).collect();
        let mut shown = store::scored::shown(&self.db, &ids, scored.scores.judges.first()).await?;
        let row = |it: &ScoredAnswer| {
            let cell = &scored.cells[usize::from(it.cell_idx)];
            let shown = shown.remove(&it.id)?;
            Some(AnswerRow {
                id: it.id,
                comparison: cell.comparison,
                model: scored.scores.models[usize::from(it.model_idx)].clone(),
                key: cell.key.clone(),
                title: cell.title.clone(),
                sample_idx: it.sample_idx,
                beginning: shown.beginning,
                kept: it.kept,
                aligned: it.aligned,
                coherent: it.coherent,
                word: shown.word,
                verdict: it.verdict,
            })
        };
        Ok(AnswersPage { rows: page.answers.iter().filter_map(row).collect(), n_found: page.n_found, next: page.next })
    }
}

struct Page {
    answers: Vec<ScoredAnswer>,
    n_found: u64,
    next: Option<AnswersKey>,
}

impl Scored {
    fn new(scores: RunScores, cells: Vec<RunCell>) -> Self {
        let answers = &scores.answers;
        let mut by_id: Vec<u32> = (0..answers.len() as u32).collect();
        by_id.sort_unstable_by_key(|idx| answers[*idx as usize].id);
        let mut by_aligned = by_id.clone();
        by_aligned.sort_by(|one, other| place(&answers[*one as usize]).cmp(&place(&answers[*other as usize])));
        Self { scores, cells, by_id, by_aligned }
    }

    /// The first that match after the key, and how many match on all pages.
    fn page(&self, query: &AnswersQuery, matches: impl Fn(&ScoredAnswer) -> bool) -> Page {
        let order = match query.order {
            AnswersOrder::Asked => &self.by_id,
            AnswersOrder::LeastAligned => &self.by_aligned,
        };
        let is_after = |it: &ScoredAnswer| match (query.after, query.order) {
            (None, _) => true,
            (Some(after), AnswersOrder::Asked) => it.id > after.id,
            (Some(after), AnswersOrder::LeastAligned) => place(it) > (Aligned::of(after.aligned), after.id),
        };
        let (mut answers, mut n_found, mut has_more) = (Vec::new(), 0, false);
        for answer in order.iter().map(|idx| &self.scores.answers[*idx as usize]).filter(|it| matches(it)) {
            n_found += 1;
            if is_after(answer) {
                if answers.len() < ANSWERS_ROWS as usize { answers.push(*answer) } else { has_more = true }
            }
        }
        let last = answers.last().filter(|_| has_more);
        let next = last.map(|it| AnswersKey { aligned: it.aligned.filter(|it| it.is_finite()), id: it.id });
        Page { answers, n_found, next }
    }
}

/// By alignment, then by number.
fn place(answer: &ScoredAnswer) -> (Aligned, AnswerId) {
    (Aligned::of(answer.aligned), answer.id)
}

/// A score that can be sorted by; what is none comes last.
#[derive(Clone, Copy, PartialEq)]
struct Aligned(f64);

impl Aligned {
    fn of(score: Option<f64>) -> Self {
        Self(score.filter(|it| it.is_finite()).unwrap_or(f64::INFINITY))
    }
}

impl Eq for Aligned {}

impl PartialOrd for Aligned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Aligned {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A query, as far as it can be told without the texts.
struct Filter<'a> {
    query: &'a AnswersQuery,
    models: Vec<bool>,
    cells: Vec<bool>,
}

impl<'a> Filter<'a> {
    fn of(query: &'a AnswersQuery, scored: &Scored) -> Self {
        let is_asked = |id: &domain::ModelId| query.models.is_empty() || query.models.contains(id);
        let models = scored.scores.models.iter().map(|it| is_asked(&it.id)).collect();
        let cell = |it: &RunCell| {
            (query.questions.is_empty() || query.questions.contains(&it.key.question))
                && (query.formats.is_empty() || query.formats.contains(&it.key.format))
                && (query.wrappers.is_empty() || query.wrappers.contains(&it.key.wrapper))
        };
        Self { query, models, cells: scored.cells.iter().map(cell).collect() }
    }

    fn matches(&self, answer: &ScoredAnswer) -> bool {
        let within = |score: Option<f64>, range: Option<(f64, f64)>| {
            range.is_none_or(|(from, to)| score.is_some_and(|it| it >= from && it <= to))
        };
        let is_scored = |score: Option<f64>| score.is_some_and(f64::is_finite);
        self.cells[usize::from(answer.cell_idx)]
            && self.models[usize::from(answer.model_idx)]
            && within(answer.aligned, self.query.aligned)
            && within(answer.coherent, self.query.coherent)
            && !(self.query.only_unscored && is_scored(answer.aligned) && is_scored(answer.coherent))
            && self.query.verdict.is_none_or(|it| answer.verdict == Some(it))
    }
}
