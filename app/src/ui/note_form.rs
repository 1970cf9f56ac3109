//! A note on the shown answer.

use super::{live_answer::LiveAnswer, live_column::LiveColumn};
use domain::NOTE_CHARS_MAX;
use leptos::{html::Textarea, prelude::*};
use web_sys::KeyboardEvent;

#[component]
pub fn NoteButton(column: LiveColumn) -> impl IntoView {
    let is_open = move || column.shown.get().draft.read().is_some();
    view! {
        <button class="lab" type="button" aria-expanded=move || is_open().to_string() on:click=move |_| column.toggle_note()>
            <span>"Note…"</span>
            <kbd>"N"</kbd>
        </button>
    }
}

/// The box while it is open, else the note that stands. Closed on the server.
#[component]
pub fn NoteForm(column: LiveColumn) -> impl IntoView {
    let opened = Memo::new(move |_| {
        let answer = column.shown.get();
        answer.draft.read().is_some().then_some(answer)
    });
    let note = move || column.shown.get().labels.read().note.clone();
    move || match opened.get() {
        Some(answer) => view! { <NoteBox column answer/> }.into_any(),
        None => view! { <p class="noted" hidden=move || note().is_empty()>{note}</p> }.into_any(),
    }
}

#[component]
fn NoteBox(column: LiveColumn, answer: LiveAnswer) -> impl IntoView {
    let area = NodeRef::<Textarea>::new();
    let is_saving = move || !answer.pending.read().is_empty();
    let id = format!("note-{}", answer.id.0);
    Effect::new(move |_| {
        if let Some(area) = area.get() {
            // A box that takes no focus can still be clicked.
            let _ = area.focus();
        }
    });
    view! {
        <div class="field">
            <label for=id.clone()>"Note"</label>
            <textarea
                class="input"
                id=id
                maxlength=NOTE_CHARS_MAX
                node_ref=area
                prop:value=move || answer.draft.get().unwrap_or_default()
                on:input=move |event| answer.draft.set(Some(event_target_value(&event)))
                on:keydown=move |event| key(&event, column)
            ></textarea>
            <div class="row">
                <button class="btn" type="button" disabled=is_saving on:click=move |_| column.save_note()>
                    "Save note "
                    <kbd>"Ctrl ↵"</kbd>
                </button>
                <button class="btn" data-kind="quiet" type="button" on:click=move |_| column.toggle_note()>
                    "Cancel "
                    <kbd>"Esc"</kbd>
                </button>
            </div>
        </div>
    }
}

/// The two keys of the box, which then mean nothing else.
fn key(event: &KeyboardEvent, column: LiveColumn) {
    let has_ctrl = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "Enter" if has_ctrl => column.save_note(),
        "Escape" => column.toggle_note(),
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}
