//! One model's answers while they are written and labelled.

use super::{desk::Desk, lens::Lens, live_answer::LiveAnswer};
use domain::{Act, Answer, AnswerState, Folds, Verdict, Wait};
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub struct LiveColumn {
    pub column_idx: usize,
    pub answers: StoredValue<Vec<LiveAnswer>>,
    pub folds: Memo<Folds>,
    pub sample_idx: Memo<usize>,
    /// The answer that is shown.
    pub shown: Memo<LiveAnswer>,
    pub is_running: Memo<bool>,
    /// How the answer is looked at, whichever is shown.
    pub lens: RwSignal<Lens>,
    /// What its answers wait for, where it is not just their turn.
    pub wait: RwSignal<Option<Wait>>,
    pub desk: Desk,
}

impl LiveColumn {
    pub fn new(column_idx: usize, answers: Vec<Answer>, desk: Desk) -> Self {
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
            lens: RwSignal::new(Lens::default()),
            wait: RwSignal::new(None),
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

    /// What a link to the shown sample has as its query.
    pub fn href(self) -> impl Fn() -> String + Clone {
        move || Desk::href(self.column_idx, self.sample_idx.get())
    }

    /// Whether the shown answer is being changed.
    pub fn is_edited(self) -> bool {
        self.desk.is_edited(self.column_idx, self.sample_idx.get())
            && matches!(*self.shown.get().state.read(), AnswerState::Finished(_))
    }

    /// Opens the shown answer to be changed, where it is finished, or closes it.
    pub fn edit(self) {
        let is_finished = matches!(*self.shown.get_untracked().state.read_untracked(), AnswerState::Finished(_));
        match untrack(|| self.is_edited()) {
            true => self.desk.stop_editing(),
            false if is_finished => self.desk.edit(self.column_idx, self.sample_idx.get_untracked()),
            false => {}
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

    /// Gives the shown answer a verdict, where it takes one and has not this one already.
    pub fn say(self, verdict: Verdict) {
        let answer = self.shown.get_untracked();
        let stands =
            answer.labels.read_untracked().verdict == Some(verdict) && answer.pending.read_untracked().is_empty();
        if answer.takes_verdict() && !stands {
            self.act(Act::Say(verdict));
        }
    }

    pub fn undo(self) {
        if self.shown.get_untracked().can_undo() {
            self.act(Act::Undo);
        }
    }

    /// Opens the box for a note with what is noted already, or closes it.
    pub fn toggle_note(self) {
        let answer = self.shown.get_untracked();
        let note = answer.labels.read_untracked().note.clone();
        answer.draft.update(|it| *it = if it.is_some() { None } else { Some(note) });
    }

    pub fn save_note(self) {
        if let Some(note) = self.shown.get_untracked().draft.get_untracked() {
            self.act(Act::Note(note));
        }
    }

    /// Acts on the shown answer and on those that say the same, as far as they allow it.
    fn act(self, act: Act) {
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
