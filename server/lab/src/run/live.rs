//! The run whose turn it is: its counts, kept along so that nobody has to count a hundred thousand answers, and what is
//! wished of it.

use super::meter::Meter;
use domain::{AnswerState, ComparisonId, JudgeId, Kept, Run, RunId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{
    Db,
    runs::{Made, Tally},
};
use tokio::sync::watch;

pub(crate) struct LiveRun {
    pub(crate) id: RunId,
    wish: watch::Sender<Wish>,
    counts: Mutex<Counts>,
}

/// How the run is to go on; later ones only ever are more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    GoOn,
    /// What is being written is finished, nothing new is begun.
    Drain,
    /// Nothing is waited for.
    Drop,
}

struct Counts {
    tally: Tally,
    meter: Meter,
    /// Why it cannot go on; the first reason counts.
    fault: Option<String>,
}

/// About what the row of an answer takes beside its text, in bytes.
const ROW_BYTES: u64 = 120;

impl LiveRun {
    pub(crate) fn new(id: RunId, tally: Tally) -> Self {
        let counts = Counts { tally, meter: Meter::default(), fault: None };
        Self { id, wish: watch::Sender::new(Wish::GoOn), counts: Mutex::new(counts) }
    }

    pub(crate) fn wish(&self, wish: Wish) {
        self.wish.send_if_modified(|it| {
            let is_new = wish > *it;
            *it = wish.max(*it);
            is_new
        });
    }

    /// The server goes down.
    pub(crate) fn drop_all(&self) {
        self.wish(Wish::Drop);
    }

    pub(crate) fn wished(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Returns once at least this much is wished.
    pub(crate) async fn wished_at_least(&self, wish: Wish) {
        let mut wishes = self.wish.subscribe();
        let _ = wishes.wait_for(|it| *it >= wish).await;
    }

    /// The run cannot go on, for a reason that is a sentence.
    pub(crate) fn fail(&self, reason: String, wish: Wish) {
        self.counts().fault.get_or_insert(reason);
        self.wish(wish);
    }

    pub(crate) fn take_fault(&self) -> Option<String> {
        self.counts().fault.take()
    }

    /// An answer of a cell is begun, or is over.
    pub(crate) fn count_writing(&self, cell: ComparisonId, model_idx: usize, is_begun: bool) {
        let mut counts = self.counts();
        let Some(cell) = counts.tally.cells.get_mut(&cell).and_then(|it| it.get_mut(model_idx)) else { return };
        cell.n_writing = if is_begun { cell.n_writing + 1 } else { cell.n_writing.saturating_sub(1) };
    }

    /// An answer is kept.
    pub(crate) fn count_made(&self, cell: ComparisonId, model_idx: usize, made: &Made) {
        let mut counts = self.counts();
        let is_failed = matches!(made.state, AnswerState::Failed(_));
        let (n_finished, n_failed) = (u32::from(!is_failed), u32::from(is_failed));
        let n_tokens = made.facts.map_or(0, |it| u64::from(it.n_tokens));
        counts.meter.count(n_tokens);
        let progress = &mut counts.tally.progress;
        progress.n_finished += n_finished;
        progress.n_failed += n_failed;
        progress.n_tokens += n_tokens;
        progress.stored_bytes += made.text.len() as u64;
        if let Some(check) = made.check.as_ref().filter(|it| it.kept != Kept::NothingToCheck) {
            progress.n_formed += 1;
            progress.n_form_kept += u32::from(check.kept == Kept::Yes);
        }
        if let Some(cell) = counts.tally.cells.get_mut(&cell).and_then(|it| it.get_mut(model_idx)) {
            cell.n_finished += n_finished;
            cell.n_failed += n_failed;
        }
    }

    /// A judge is done with an answer, or failed at it; without a number, where it gave none.
    pub(crate) fn count_judged(&self, judge: &JudgeId, has_score: bool, failure: Option<&str>) {
        let mut counts = self.counts();
        let Some(judge) = counts.tally.judges.iter_mut().find(|it| it.judge == *judge) else { return };
        match failure {
            Some(reason) => {
                judge.n_failed += 1;
                judge.failure = Some(reason.to_owned());
            }
            None => {
                judge.n_judged += 1;
                judge.n_unscored += u32::from(!has_score);
            }
        }
    }

    /// Counts anew, after something was added or taken back.
    pub(crate) async fn recount(&self, db: &Db) -> Result<(), store::Error> {
        let mut tally = store::runs::tally(db, self.id).await?;
        let mut counts = self.counts();
        for (cell, models) in &mut tally.cells {
            let before = counts.tally.cells.get(cell).into_iter().flatten();
            models.iter_mut().zip(before).for_each(|(now, before)| now.n_writing = before.n_writing);
        }
        counts.tally = tally;
        Ok(())
    }

    /// Puts the counts of this moment in their places.
    pub(crate) fn fill(&self, run: &mut Run) {
        let (mut tally, pace) = {
            let counts = self.counts();
            (counts.tally.clone(), counts.meter.pace())
        };
        let progress = &mut tally.progress;
        let n_to_come = u64::from(progress.n_answers.saturating_sub(progress.n_finished + progress.n_failed));
        progress.stored_bytes = progress.stored_bytes.max(ROW_BYTES * u64::from(progress.n_answers));
        if let Some(pace) = pace.filter(|_| n_to_come > 0) {
            progress.tokens_per_second = Some(pace.tokens_per_second);
            progress.answers_per_minute = Some(60.0 * pace.answers_per_second);
            progress.remaining_s = Some((n_to_come as f64 / pace.answers_per_second).ceil() as u64);
        }
        for judge in &mut tally.judges {
            judge.n_answers = progress.n_answers - progress.n_failed;
        }
        tally.fill(run);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing panics while holding it, and a count is never half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
