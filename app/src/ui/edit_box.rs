//! An answer as a reviewer changes it, to be continued. The answer itself stays as it is.

use super::{
    fields::{Message, TextBox, Wrong, failure, focus},
    live::Live,
    live_answer::LiveAnswer,
    live_column::LiveColumn,
    words::{count, sentence},
};
use crate::api::Edit;
use domain::{Beginning, Field, NewEdit};
use leptos::{
    form::{ActionForm, FromFormData},
    html::Form,
    prelude::*,
};
use web_sys::{KeyboardEvent, SubmitEvent};

/// Works before the wasm is there, where the URL opens it.
#[component]
pub fn EditBox(live: Live, column: LiveColumn, answer: LiveAnswer) -> impl IntoView {
    let edit = ServerAction::<Edit>::new();
    let wrong = Wrong::new("edit-");
    wrong.take_answer(edit.value().get_untracked());
    Effect::new(move |_| wrong.take_answer(edit.value().get()));
    Effect::new(move |_| {
        // A box that takes no focus can still be clicked.
        focus("#edit-beginning");
    });
    let form = NodeRef::<Form>::new();
    let n_columns = live.columns().len();
    let text = live.head.read_untracked().beginning.and(&answer.now.read_untracked().text);
    view! {
        <ActionForm
            action=edit
            node_ref=form
            attr:class="edit"
            attr:aria-label="Edit and continue"
            on:submit:capture=move |event| check(wrong, &event)
            on:input=move |_| wrong.forget()
            on:keydown=move |event| key(&event, form, column)
        >
            <input type="hidden" name="form[answer]" value=answer.id.0/>
            <div class="field">
                <label for="edit-beginning">"The answer, to be changed and continued"</label>
                <TextBox
                    wrong
                    field=Field::Beginning
                    id="edit-beginning"
                    name="form[text]"
                    text
                    chars_max=Beginning::CHARS_MAX
                />
                <Message wrong field=Field::Beginning/>
            </div>
            {(n_columns > 1)
                .then(|| {
                    view! {
                        <label class="switch">
                            <input type="checkbox" role="switch" name="form[all]" value="on"/>
                            <span>{format!("By all {}", count(n_columns as u64, "column"))}</span>
                        </label>
                    }
                })}
            <div class="row">
                <button class="btn" type="submit" disabled=move || edit.pending().get()>
                    "Continue from here "
                    <kbd>"Ctrl ↵"</kbd>
                </button>
                <a
                    class="btn"
                    data-kind="quiet"
                    href=column.href()
                    on:click=move |event| {
                        event.prevent_default();
                        column.desk.stop_editing();
                    }
                >
                    "Cancel "
                    <kbd>"Esc"</kbd>
                </a>
            </div>
            {move || {
                failure(edit.value().get()).map(|it| view! { <span class="wrong" role="alert">{sentence(it)}</span> })
            }}
        </ActionForm>
    }
}

/// Holds back a text that cannot be continued, and says why.
fn check(wrong: Wrong, event: &SubmitEvent) {
    let Ok(Edit { form }) = Edit::from_event(event) else { return };
    if let Err(err) = NewEdit::parse(&form) {
        event.prevent_default();
        wrong.first.set(Some(err));
    }
}

/// The two keys of the box, which then mean nothing else.
fn key(event: &KeyboardEvent, form: NodeRef<Form>, column: LiveColumn) {
    match event.key().as_str() {
        "Enter" if event.ctrl_key() || event.meta_key() => {
            // Refused only where the form has left the page.
            let _ = form.get_untracked().map(|form| form.request_submit());
        }
        "Escape" => column.desk.stop_editing(),
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}
