//! A comparison while its answers are being written.

use super::{
    desk::Desk,
    event_stream::{Arrival, EventStream},
    live_answer::LiveAnswer,
    live_column::LiveColumn,
};
use crate::{api, backend::ApiError};
use domain::{Answer, AnswerId, Comparison, ComparisonId, LiveEvent, Misfit, Piece, Progress};
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
    /// The column that others are compared with, where one was chosen.
    pub reference: RwSignal<Option<usize>>,
    /// Why the last stop, reveal or continuing did not happen.
    pub refused: RwSignal<Option<ApiError>>,
    /// Closed when the page is left, since it is dropped then.
    stream: StoredValue<Option<SendWrapper<EventStream>>>,
}

impl Live {
    pub fn new(mut comparison: Comparison, desk: Desk) -> Self {
        let answers = take_answers(&mut comparison);
        let columns: Vec<_> =
            answers.into_iter().enumerate().map(|(idx, answers)| LiveColumn::new(idx, answers, desk)).collect();
        show_waits(&columns, &comparison);
        let states: Vec<_> = columns.iter().flat_map(|it| it.answers.get_value()).map(|it| it.state).collect();
        let live = Self {
            head: RwSignal::new(Arc::new(comparison)),
            columns: StoredValue::new(columns),
            progress: Memo::new(move |_| Progress::of(states.iter().map(|it| it.get()))),
            is_lost: RwSignal::new(false),
            reference: RwSignal::new(None),
            refused: RwSignal::new(None),
            stream: StoredValue::new(None),
        };
        // Not in an effect, which would wait until the page is drawn: the answers are being written already.
        if is_browser() && live.progress.with_untracked(Progress::is_running) {
            live.follow();
        }
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

    fn take(self, arrival: Arrival<LiveEvent>) {
        self.is_lost.set(!matches!(arrival, Arrival::Event(_)));
        match arrival {
            Arrival::Event(LiveEvent::Whole(whole)) => self.replace(*whole),
            Arrival::Event(LiveEvent::Pieces(pieces)) => {
                if pieces.into_iter().any(|it| self.join(it).is_err()) {
                    self.follow_after(Duration::ZERO);
                }
            }
            Arrival::Event(LiveEvent::Waits(waits)) => {
                for (column, wait) in self.columns().into_iter().zip(waits) {
                    column.wait.set(wait);
                }
            }
            Arrival::Event(LiveEvent::End) => self.end(),
            Arrival::Broken => {}
            Arrival::Refused => self.follow_after(PAUSE),
        }
    }

    fn replace(self, mut comparison: Comparison) {
        show_waits(&self.columns(), &comparison);
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
        self.answer(piece.answer).ok_or(Misfit)?.join(piece)
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

fn show_waits(columns: &[LiveColumn], comparison: &Comparison) {
    for (column, about) in columns.iter().zip(&comparison.columns) {
        column.wait.set(about.wait.clone());
    }
}

/// How long to wait before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// The answers of each column, taken out of the comparison.
fn take_answers(comparison: &mut Comparison) -> Vec<Vec<Answer>> {
    comparison.columns.iter_mut().map(|it| std::mem::take(&mut it.answers)).collect()
}
