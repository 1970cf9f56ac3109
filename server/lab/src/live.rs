//! A comparison while its answers are coming, and those who watch it.

use domain::{AnswerId, AnswerState, Blindness, Comparison, Labels, LiveEvent, Piece, Wait};
use std::collections::HashMap;
use tokio::sync::watch;

/// The state of a running comparison, names included, shared by those who write it and those who watch.
pub(crate) struct Live {
    now: watch::Sender<Comparison>,
    /// One for each column.
    halts: Vec<watch::Sender<Halt>>,
}

/// Whether a column's answers are to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    No,
    /// A reviewer's wish.
    Stopped,
    /// The server goes down.
    GoingDown,
}

impl Live {
    pub(crate) fn new(comparison: Comparison) -> Self {
        let halts = comparison.columns.iter().map(|_| watch::Sender::new(Halt::No)).collect();
        Self { now: watch::Sender::new(comparison), halts }
    }

    pub(crate) fn snapshot(&self) -> Comparison {
        self.now.borrow().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Comparison)) {
        self.now.send_modify(change);
    }

    pub(crate) fn change_answer(&self, id: AnswerId, change: impl FnOnce(&mut domain::Answer)) {
        self.change(|comparison| change(comparison.answer_mut(id).expect("its own answers are part of it")));
    }

    /// Whether this is the comparison of that answer; if so its labels now stand as given.
    pub(crate) fn set_labels(&self, id: AnswerId, labels: &Labels) -> bool {
        self.now.send_if_modified(|comparison| match comparison.answer_mut(id) {
            Some(answer) => {
                answer.labels = labels.clone();
                true
            }
            None => false,
        })
    }

    pub(crate) fn halt(&self, halt: Halt) {
        (0..self.halts.len()).for_each(|column_idx| self.halt_column(column_idx, halt));
    }

    pub(crate) fn halt_column(&self, column_idx: usize, halt: Halt) {
        if let Some(sender) = self.halts.get(column_idx) {
            sender.send_replace(halt);
        }
    }

    pub(crate) fn halts_of(&self, column_idx: usize) -> watch::Receiver<Halt> {
        self.halts[column_idx].subscribe()
    }

    /// Returns once no answer is to come any more.
    pub(crate) async fn ended(&self) {
        let mut now = self.now.subscribe();
        let _ = now.wait_for(|comparison| !comparison.is_running()).await;
    }

    pub(crate) fn watch(&self) -> Watcher {
        Watcher { now: self.now.subscribe(), seen: None }
    }
}

/// One reader of a running comparison. It keeps how far it has read, so a slow one gets longer pieces and costs nothing.
pub struct Watcher {
    now: watch::Receiver<Comparison>,
    seen: Option<Seen>,
}

struct Seen {
    head: Head,
    /// Bytes of text and the state, as last told.
    answers: HashMap<AnswerId, (usize, AnswerState)>,
    waits: Vec<Option<Wait>>,
}

/// What stands above the answers: changed by a reveal, and when a column's prompt becomes known.
#[derive(PartialEq)]
struct Head {
    blindness: Blindness,
    n_prompts: usize,
}

impl Head {
    fn of(comparison: &Comparison) -> Self {
        let n_prompts = comparison.columns.iter().filter(|it| it.prompt.is_some()).count();
        Self { blindness: comparison.blindness, n_prompts }
    }
}

impl Watcher {
    /// What is new since the last call: the whole comparison at first and whenever its head changes, otherwise pieces; None
    /// after the end.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            if self.seen.is_some() && self.now.changed().await.is_err() {
                return None;
            }
            if let Some(event) = self.look() {
                if matches!(event, LiveEvent::Waits(_)) {
                    // Whatever else is new is told with the next look.
                    self.now.mark_changed();
                }
                return Some(event);
            }
        }
    }

    fn look(&mut self) -> Option<LiveEvent> {
        let comparison = self.now.borrow_and_update();
        match &mut self.seen {
            Some(seen) if seen.head == Head::of(&comparison) => {
                if let Some(waits) = seen.new_waits(&comparison) {
                    return Some(LiveEvent::Waits(waits));
                }
                let pieces = seen.catch_up(&comparison);
                (!pieces.is_empty()).then_some(LiveEvent::Pieces(pieces))
            }
            _ => {
                self.seen = Some(Seen::all_of(&comparison));
                Some(LiveEvent::Whole(Box::new(comparison.clone().as_seen())))
            }
        }
    }
}

impl Seen {
    fn all_of(comparison: &Comparison) -> Self {
        let answers = comparison.answers().map(|it| (it.id, (it.text.len(), it.state.clone()))).collect();
        Self { head: Head::of(comparison), answers, waits: waits(comparison) }
    }

    fn new_waits(&mut self, comparison: &Comparison) -> Option<Vec<Option<Wait>>> {
        let waits = waits(comparison);
        (waits != self.waits).then(|| {
            self.waits.clone_from(&waits);
            waits
        })
    }

    fn catch_up(&mut self, comparison: &Comparison) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for answer in comparison.answers() {
            let (n_bytes, state) = self.answers.get_mut(&answer.id).expect("answers are never added to a comparison");
            if *n_bytes == answer.text.len() && *state == answer.state {
                continue;
            }
            let mut piece = Piece::since(answer, *n_bytes);
            if comparison.is_blind() {
                piece.veil();
            }
            pieces.push(piece);
            (*n_bytes, *state) = (answer.text.len(), answer.state.clone());
        }
        pieces
    }
}

/// What a model is waited for would say which one it is.
fn waits(comparison: &Comparison) -> Vec<Option<Wait>> {
    let wait = |it: &domain::Column| it.wait.clone().filter(|_| !comparison.is_blind());
    comparison.columns.iter().map(wait).collect()
}

#[cfg(test)]
mod tests;
