//! One answer while it is written and labelled.

use super::words::sentence;
use crate::api;
use domain::{Act, Answer, AnswerId, AnswerState, Labels, Lock, Misfit, Piece};
use leptos::{prelude::*, task::spawn_local};

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

impl LiveAnswer {
    pub fn new(answer: Answer) -> Self {
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

    /// Takes over what the server says of it now.
    pub fn replace(self, answer: Answer) {
        self.now.try_maybe_update(|it| {
            let is_new = *it != answer;
            *it = answer;
            (is_new, ())
        });
    }

    pub fn join(self, piece: Piece) -> Result<(), Misfit> {
        self.now.try_update(|it| piece.join(it)).unwrap_or(Ok(()))
    }

    /// Whether a verdict may be given or changed.
    pub fn takes_verdict(self) -> bool {
        self.state.with(AnswerState::takes_label) && self.labels.read().lock != Lock::Locked
    }

    pub fn can_undo(self) -> bool {
        self.labels.read().can_undo && self.pending.read().is_empty()
    }

    /// Sends an act after those on their way. What stands changes once the server has committed it.
    pub fn act(self, act: Act) {
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
