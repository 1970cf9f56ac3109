//! What a person says of the shown answer.

use super::{
    clock::Clock,
    live_answer::LiveAnswer,
    live_column::LiveColumn,
    mark::Glyph,
    note_form::{NoteButton, NoteForm},
};
use domain::{Act, AnswerState, Labels, Lock, Verdict};
use leptos::prelude::*;

/// The foot of a column: seven labels, the note, and what became of them.
#[component]
pub fn LabelFoot(column: LiveColumn) -> impl IntoView {
    view! {
        <footer>
            <div class="labels" role="group" aria-label="Label this answer">
                {Verdict::ALL.map(|verdict| view! { <LabelButton column verdict/> }).collect_view()}
                <NoteButton column/>
            </div>
            <NoteForm column/>
            <LabelState column/>
        </footer>
    }
}

#[component]
fn LabelButton(column: LiveColumn, verdict: Verdict) -> impl IntoView {
    let is_pressed = move || column.shown.get().labels.read().verdict == Some(verdict);
    let is_pending = move || column.shown.get().pending.read().contains(&Act::Say(verdict));
    view! {
        <button
            class="lab"
            type="button"
            data-label=verdict.as_str()
            aria-pressed=move || is_pressed().to_string()
            aria-busy=move || is_pending().then_some("true")
            disabled=move || !column.shown.get().takes_verdict()
            on:click=move |_| column.say(verdict)
        >
            <Glyph verdict/>
            <span>{verdict.name()}</span>
            <kbd>{verdict.key()}</kbd>
        </button>
    }
}

/// Whether a label is on its way, kept, or refused.
#[component]
fn LabelState(column: LiveColumn) -> impl IntoView {
    let clock = Clock::here();
    let refused = move || column.shown.get().refused.get();
    let is_next =
        move || column.desk.column_idx.get() == column.column_idx && column.shown.get().labels.read().verdict.is_none();
    view! {
        <div class="lab-end">
            {move || match refused() {
                Some(reason) => view! { <span class="wrong" role="alert">{reason}" Press again to repeat."</span> }.into_any(),
                None => view! { <span>{move || state(column.shown.get(), clock)}</span> }.into_any(),
            }}
            <span class="end">
                {move || is_next().then(|| view! { <span class="desk-only">"Keys act here " <kbd>"["</kbd> <kbd>"]"</kbd></span> })}
                <button
                    class="btn"
                    data-kind="quiet"
                    type="button"
                    disabled=move || !column.shown.get().can_undo()
                    on:click=move |_| column.undo()
                >
                    "Undo "
                    <kbd>"U"</kbd>
                </button>
            </span>
        </div>
    }
}

fn state(answer: LiveAnswer, clock: Clock) -> String {
    if !answer.pending.read().is_empty() {
        return "Saving…".into();
    }
    let Labels { verdict, note, saved_at, lock, .. } = answer.labels.get();
    let seen = match lock {
        Lock::Locked => return "Labelled blind; locked at reveal".into(),
        Lock::Blind => "blind",
        Lock::Open => "names shown",
    };
    let time = saved_at.map(|at| clock.time(at)).unwrap_or_default();
    match (verdict, note.is_empty()) {
        (Some(_), true) => format!("Saved {time} · {seen}"),
        (Some(_), false) => format!("Saved {time} · {seen} · note"),
        (None, false) => format!("Note saved {time}"),
        (None, true) if answer.state.with(AnswerState::takes_label) => "Not labelled".into(),
        (None, true) => unlabelled(answer).into(),
    }
}

fn unlabelled(answer: LiveAnswer) -> &'static str {
    match *answer.state.read() {
        AnswerState::Waiting => "Not begun",
        AnswerState::CutOff => "Cut-off answers take no label",
        _ => "Failed answers take no label",
    }
}
