//! Has the answers of a run judged: those that were kept before, found in the database, and those that are kept meanwhile.

use super::{
    LiveRun,
    driver::{Order, told},
    live::Wish,
};
use crate::{Asked, Judge, Lab};
use domain::{AnswerId, AnswerState, JudgeId, Judgement};
use futures::{StreamExt as _, stream};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use store::{
    judgements::{Seen, ToJudge},
    packs::sha256,
    runs::Made,
};
use tokio::{sync::Notify, task::JoinSet};

/// Answers that are read at once.
const CHUNK: usize = 64;

/// The judges of a run at work.
pub(super) struct Judging {
    lines: Vec<Arc<Line>>,
    tasks: JoinSet<()>,
    live: Arc<LiveRun>,
    /// What was missing at the start, of all judges together.
    pub n_missing: usize,
}

/// The answers that wait for one judge: at most those of the run.
#[derive(Default)]
struct Line {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    answers: VecDeque<AnswerId>,
    is_closed: bool,
}

impl Judging {
    pub(super) async fn start(lab: &Lab, live: &Arc<LiveRun>, order: &Arc<Order>) -> Result<Self, store::Error> {
        let mut judging = Self { lines: Vec::new(), tasks: JoinSet::new(), live: live.clone(), n_missing: 0 };
        for id in &order.plan.judges {
            let Some(judge) = lab.runs.judges.get(id) else {
                live.fail(format!("there is no judge “{}” on this server", id.0), Wish::Drain);
                continue;
            };
            let n_prompts =
                |row: &str| order.pack.question(row).map_or(0, |question| order.pack.judge_prompts_of(question).len());
            let missing = store::judgements::missing(&lab.db, live.id, id, n_prompts).await?;
            judging.n_missing += missing.len();
            let line = Arc::new(Line::default());
            line.push(missing);
            let desk = Desk {
                lab: lab.clone(),
                live: live.clone(),
                order: order.clone(),
                judge,
                id: id.clone(),
                line: line.clone(),
            };
            judging.lines.push(line);
            judging.tasks.spawn(desk.work());
        }
        Ok(judging)
    }

    /// These are kept now.
    pub(super) fn push<'a>(&self, made: impl Iterator<Item = &'a Made>) {
        let is_finished = |it: &&Made| matches!(it.state, AnswerState::Finished(_));
        let ids: Vec<AnswerId> = made.filter(is_finished).map(|it| it.id).collect();
        self.lines.iter().for_each(|line| line.push(ids.iter().copied()));
    }

    /// Nothing more comes; returns once all is judged, or the run is not to go on.
    pub(super) async fn finish(mut self) {
        for line in &self.lines {
            line.waiting().is_closed = true;
            line.more.notify_one();
        }
        tokio::select! {
            biased;
            () = self.live.wished_at_least(Wish::Drop) => {}
            () = async { while self.tasks.join_next().await.is_some() {} } => {}
        }
    }
}

impl Line {
    fn push(&self, answers: impl IntoIterator<Item = AnswerId>) {
        self.waiting().answers.extend(answers);
        self.more.notify_one();
    }

    /// The next answers; none once the line is closed and empty.
    async fn next(&self) -> Vec<AnswerId> {
        loop {
            {
                let mut waiting = self.waiting();
                let n = waiting.answers.len().min(CHUNK);
                if n > 0 || waiting.is_closed {
                    return waiting.answers.drain(..n).collect();
                }
            }
            self.more.notified().await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one judge sits.
struct Desk {
    lab: Lab,
    live: Arc<LiveRun>,
    order: Arc<Order>,
    judge: Arc<dyn Judge>,
    id: JudgeId,
    line: Arc<Line>,
}

impl Desk {
    async fn work(self) {
        loop {
            let answers = tokio::select! {
                biased;
                () = self.live.wished_at_least(Wish::Drain) => return,
                answers = self.line.next() => answers,
            };
            if answers.is_empty() {
                return;
            }
            if let Err(err) = self.judge_all(&answers).await {
                return self.live.fail(told(&err), Wish::Drop);
            }
        }
    }

    async fn judge_all(&self, answers: &[AnswerId]) -> Result<(), store::Error> {
        let to_judge = store::judgements::to_judge(&self.lab.db, &self.id, answers).await?;
        let seen = stream::iter(to_judge).map(|it| self.judge_one(it)).buffer_unordered(self.judge.n_at_once());
        // Whatever is there is kept together, and nothing waits for the slowest.
        let mut groups = std::pin::pin!(seen.ready_chunks(CHUNK));
        while let Some(group) = groups.next().await {
            let seen: Vec<Seen> = group.into_iter().flatten().collect();
            store::judgements::insert(&self.lab.db, &self.id, &seen).await?;
            self.count(&seen);
        }
        Ok(())
    }

    /// By every prompt of its row by which the judge has not seen it.
    async fn judge_one(&self, to_judge: ToJudge) -> Vec<Seen> {
        let Some(row) = self.order.pack.question(&to_judge.row_id) else { return Vec::new() };
        let seed = self.order.plan.seed.expect("a kept run has one");
        let question = row.prompt(to_judge.wrapper, seed, to_judge.sample_idx).user;
        let mut seen = Vec::new();
        for prompt in self.order.pack.judge_prompts_of(row) {
            if to_judge.seen.contains(prompt.key()) {
                continue;
            }
            let (question, answer) = (question.clone(), to_judge.text.clone());
            let asked = Asked { prompt: prompt.clone(), question, answer, format: to_judge.format };
            let said = self.judge.judge(&asked).await;
            let said = said.map_err(|it| it.reason).map(|it| Judgement { key: prompt.key().to_owned(), ..it });
            let prompt_hash = sha256(&asked.message());
            seen.push(Seen { answer: to_judge.answer, key: prompt.key().to_owned(), said, prompt_hash });
        }
        seen
    }

    /// By answers, not by prompts: one is judged when all of its prompts were asked.
    fn count(&self, seen: &[Seen]) {
        let mut rest = seen;
        while let Some(first) = rest.first() {
            let n = rest.iter().take_while(|it| it.answer == first.answer).count();
            let (of_one, others) = rest.split_at(n);
            let failure = of_one.iter().find_map(|it| it.said.as_ref().err());
            let has_score = of_one.iter().all(|it| it.said.as_ref().is_ok_and(|it| it.score.is_some()));
            self.live.count_judged(&self.id, has_score, failure.map(String::as_str));
            rest = others;
        }
        self.lab.runs.touch(self.live.id);
    }
}
