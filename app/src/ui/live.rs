//! A comparison while its answers are being written.

use super::{
    desk::Desk,
    event_stream::{Arrival, EventStream},
    words::sentence,
};
use crate::{api, backend::ApiError};
use domain::{
    Act, Answer, AnswerId, AnswerState, Comparison, ComparisonId, Folds, Labels, LiveEvent, Misfit, Piece, Progress,
};
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;
use std::{sync::Arc, time::Duration};

/// The comparison of a page: first as it was loaded, then as the event stream brings it.
///
/// Each answer is a signal of its own, so that a piece touches one text and nothing else. On the server it stays as loaded.
#[derive(Clone, Copy)]
pub struct Live {
    /// Everything but the answers, which lie in `columns`. Changes when names are revealed.
    pub head: RwSignal<Arc<Comparison>>,
    columns: StoredValue<Vec<LiveColumn>>,
    pub progress: Memo<Progress>,
    /// Whether the line to the server is broken at the moment.
    pub is_lost: RwSignal<bool>,
    /// Why the last stop, reveal or continuing did not happen.
    pub refused: RwSignal<Option<ApiError>>,
    /// Closed when the page is left, since it is dropped then.
    stream: StoredValue<Option<SendWrapper<EventStream>>>,
}

/// One model's answers.
#[derive(Clone, Copy)]
pub struct LiveColumn {
    pub column_idx: usize,
    pub answers: StoredValue<Vec<LiveAnswer>>,
    pub folds: Memo<Folds>,
    pub sample_idx: Memo<usize>,
    /// The answer that is shown.
    pub shown: Memo<LiveAnswer>,
    pub is_running: Memo<bool>,
    pub desk: Desk,
}

#[derive(Clone, Copy, PartialEq)]
pub struct LiveAnswer {
    pub id: AnswerId,
    pub now: RwSignal<Answer>,
    pub state: Memo<AnswerState>,
    pub labels: Memo<Labels>,
    /// Acts on their way to the server, oldest first.
    pub pending: RwSignal<Vec<Act>>,
    /// Why the last act was not kept.
    pub refused: RwSignal<Option<String>>,
    /// The note that is being written, while its form is open.
    pub draft: RwSignal<Option<String>>,
}

impl Live {
    pub fn new(mut comparison: Comparison, desk: Desk) -> Self {
        let answers = take_answers(&mut comparison);
        let columns: Vec<_> =
            answers.into_iter().enumerate().map(|(idx, answers)| LiveColumn::new(idx, answers, desk)).collect();
        let states: Vec<_> = columns.iter().flat_map(|it| it.answers.get_value()).map(|it| it.state).collect();
        let live = Self {
            head: RwSignal::new(Arc::new(comparison)),
            columns: StoredValue::new(columns),
            progress: Memo::new(move |_| Progress::of(states.iter().map(|it| it.get()))),
            is_lost: RwSignal::new(false),
            refused: RwSignal::new(None),
            stream: StoredValue::new(None),
        };
        Effect::new(move |_| {
            if live.progress.with_untracked(Progress::is_running) {
                live.follow();
            }
        });
        live
    }

    pub fn columns(self) -> Vec<LiveColumn> {
        self.columns.get_value()
    }

    pub fn answers(self) -> Vec<LiveAnswer> {
        self.columns().iter().flat_map(|it| it.answers.get_value()).collect()
    }

    /// Stops the answers of one column, or of all.
    pub fn stop(self, column_idx: Option<usize>) {
        let column_idx = column_idx.map(|it| it as u32);
        self.then(api::stop(self.id(), column_idx), |_| {});
    }

    /// Starts what was cut off or failed once more.
    pub fn resume(self) {
        self.then(api::resume(self.id()), Self::follow);
    }

    /// Shows the names for good.
    pub fn reveal(self) {
        self.then(api::reveal(self.id()), Self::follow);
    }

    fn id(self) -> ComparisonId {
        self.head.read_untracked().id
    }

    fn then(self, act: impl Future<Output = Result<(), ApiError>> + 'static, and_then: fn(Self)) {
        self.refused.set(None);
        spawn_local(async move {
            match act.await {
                Ok(()) => and_then(self),
                Err(err) => drop(self.refused.try_set(Some(err))),
            }
        });
    }

    /// Opens the event stream, anew where it was open. Its first event is the whole comparison as it is now.
    fn follow(self) {
        let Some(id) = self.head.try_with_untracked(|it| it.id) else { return };
        let url = format!("/comparisons/{}/events", id.0);
        let stream = EventStream::open(&url, move |arrival| self.take(arrival)).map(SendWrapper::new);
        self.stream.try_update_value(|it| *it = stream);
    }

    fn follow_after(self, pause: Duration) {
        // Not at once: this runs inside an event of the very stream that is dropped then.
        set_timeout(move || self.follow(), pause);
    }

    fn take(self, arrival: Arrival) {
        self.is_lost.set(!matches!(arrival, Arrival::Event(_)));
        match arrival {
            Arrival::Event(LiveEvent::Whole(whole)) => self.replace(*whole),
            Arrival::Event(LiveEvent::Pieces(pieces)) => {
                if pieces.into_iter().any(|it| self.join(it).is_err()) {
                    self.follow_after(Duration::ZERO);
                }
            }
            Arrival::Event(LiveEvent::End) => self.end(),
            Arrival::Broken => {}
            Arrival::Refused => self.follow_after(PAUSE),
        }
    }

    fn replace(self, mut comparison: Comparison) {
        for answer in take_answers(&mut comparison).into_iter().flatten() {
            if let Some(live) = self.answer(answer.id) {
                live.replace(answer);
            }
        }
        if **self.head.read_untracked() != comparison {
            self.head.set(Arc::new(comparison));
        }
    }

    fn join(self, piece: Piece) -> Result<(), Misfit> {
        let live = self.answer(piece.answer).ok_or(Misfit)?;
        live.now.try_update(|it| piece.join(it)).unwrap_or(Ok(()))
    }

    /// If answers are still to come, the server is going down, and is looked for again.
    fn end(self) {
        self.stream.try_with_value(|it| it.iter().for_each(|it| it.close()));
        if self.progress.with_untracked(Progress::is_running) {
            self.is_lost.set(true);
            self.follow_after(PAUSE);
        }
    }

    fn answer(self, id: AnswerId) -> Option<LiveAnswer> {
        self.answers().into_iter().find(|it| it.id == id)
    }
}

/// How long to wait before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(2);

impl LiveColumn {
    fn new(column_idx: usize, answers: Vec<Answer>, desk: Desk) -> Self {
        let answers = StoredValue::new(answers.into_iter().map(LiveAnswer::new).collect::<Vec<_>>());
        let last = answers.read_value().len().saturating_sub(1);
        let sample_idx = Memo::new(move |_| desk.sample_idx(column_idx).min(last));
        Self {
            column_idx,
            answers,
            folds: Memo::new(move |_| folds(&answers.read_value())),
            sample_idx,
            shown: Memo::new(move |_| answers.read_value()[sample_idx.get()]),
            is_running: Memo::new(move |_| answers.read_value().iter().any(|it| !it.state.read().is_over())),
            desk,
        }
    }

    /// How far the column is, in as little room as there is.
    pub fn in_a_word(self) -> String {
        let answers = self.answers.read_value();
        let n_over = answers.iter().filter(|it| it.state.read().is_over()).count();
        match &*self.shown.get().state.read() {
            AnswerState::Failed(_) => "failed".into(),
            AnswerState::CutOff => "cut off".into(),
            AnswerState::Writing => "writing".into(),
            _ if answers.iter().all(|it| it.labels.read().verdict.is_some()) => "labelled".into(),
            _ => format!("{n_over}/{}", answers.len()),
        }
    }

    pub fn show(self, sample_idx: usize) {
        self.desk.show(self.column_idx, sample_idx);
    }

    pub fn show_previous(self) {
        self.show(self.folds.read_untracked().previous(self.sample_idx.get_untracked()));
    }

    pub fn show_next(self) {
        self.show(self.folds.read_untracked().next(self.sample_idx.get_untracked()));
    }

    /// Acts on the shown answer and on those that say the same, as far as they allow it.
    pub fn act(self, act: Act) {
        for sample_idx in self.folds.read_untracked().copies(self.sample_idx.get_untracked()) {
            let answer = self.answers.read_value()[sample_idx];
            let is_shown = answer == self.shown.get_untracked();
            if is_shown || answer.labels.read_untracked().allows(&act).is_ok() {
                answer.act(act.clone());
            }
        }
    }
}

fn folds(answers: &[LiveAnswer]) -> Folds {
    let text = |it: &LiveAnswer| {
        matches!(*it.state.read(), AnswerState::Finished(_)).then(|| it.now.read_untracked().text.clone())
    };
    let texts: Vec<_> = answers.iter().map(text).collect();
    Folds::of(texts.iter().map(Option::as_deref))
}

impl LiveAnswer {
    fn new(answer: Answer) -> Self {
        let id = answer.id;
        let now = RwSignal::new(answer);
        Self {
            id,
            now,
            state: Memo::new(move |_| now.read().state.clone()),
            labels: Memo::new(move |_| now.read().labels.clone()),
            pending: RwSignal::new(Vec::new()),
            refused: RwSignal::new(None),
            draft: RwSignal::new(None),
        }
    }

    fn replace(self, answer: Answer) {
        self.now.try_maybe_update(|it| {
            let is_new = *it != answer;
            *it = answer;
            (is_new, ())
        });
    }

    /// Sends an act after those on their way. What stands changes once the server has committed it.
    fn act(self, act: Act) {
        self.refused.set(None);
        self.pending.update(|it| it.push(act));
        if self.pending.read_untracked().len() == 1 {
            spawn_local(self.send());
        }
    }

    async fn send(self) {
        while let Some(act) = self.pending.try_with_untracked(|it| it.first().cloned()).flatten() {
            match api::label(self.id, act.clone()).await {
                Ok(labels) => self.kept(&act, labels),
                Err(err) => {
                    self.refused.try_set(Some(sentence(err)));
                    self.pending.try_update(Vec::clear);
                }
            }
        }
    }

    fn kept(self, act: &Act, labels: Labels) {
        self.now.try_update(|it| it.labels = labels);
        self.pending.try_update(|it| it.remove(0));
        if let Act::Note(note) = act {
            // What was typed meanwhile stays in the box.
            self.draft.try_update(|it| drop(it.take_if(|draft| draft == note)));
        }
    }
}

/// The answers of each column, taken out of the comparison.
fn take_answers(comparison: &mut Comparison) -> Vec<Vec<Answer>> {
    comparison.columns.iter_mut().map(|it| std::mem::take(&mut it.answers)).collect()
}
