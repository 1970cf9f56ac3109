//! What an answer says. Hostile: always a text, never markup.

use super::{
    edit_box::EditBox,
    icon::Icon,
    lens::{Lens, Through},
    live::Live,
    live_answer::LiveAnswer,
    live_column::LiveColumn,
    preferences::Preferences,
    turns::GivenStart,
    words::{count, sentence},
};
use domain::{AnswerState, Comparison, Format, Wait};
use leptos::prelude::*;

/// The shown answer, with the caret while it is being written and a note where it broke off.
#[component]
pub fn AnswerText(live: Live, column: LiveColumn, format: Format) -> impl IntoView {
    let preferences = Preferences::here();
    let state = Memo::new(move |_| column.shown.get().state.get());
    let text = move || column.shown.get().now.read().text.clone();
    let is_edited = Memo::new(move |_| column.is_edited());
    let head = live.head.get_untracked();
    let is_broken = move || matches!(*state.read(), AnswerState::Failed(_) | AnswerState::CutOff);
    view! {
        <div class="body">
            {move || note(live, column, &state.read())}
            {given(&head).map(|it| view! { <p class="cap">{it}</p> })}
            {move || {
                is_edited.get().then(|| view! { <EditBox live column answer=column.shown.get_untracked()/> })
            }}
            <div
                class="text"
                class:soft=is_broken
                data-form=format.is_code().then_some("code")
                hidden=move || is_edited.get() || column.lens.get() != Lens::Text
                // What is blurred must be reachable to become sharp.
                tabindex=move || preferences.blur.get().then_some("0")
            >
                <GivenStart beginning=head.beginning.clone()/>
                {text}
                {move || {
                    (*state.read() == AnswerState::Writing).then(|| view! { <span class="caret" aria-hidden="true"></span> })
                }}
            </div>
            <Through live column format/>
        </div>
    }
}

/// What is marked in the text, where something was given.
fn given(head: &Comparison) -> Option<String> {
    let edited = head.origin.as_ref().and_then(|it| it.edited());
    match edited {
        _ if head.beginning.is_empty() => None,
        None => Some("The marked beginning was given; the model wrote what follows.".into()),
        Some(edited) => {
            let what = if edited.is_changed { "an edited answer" } else { "an answer" };
            Some(format!("The marked beginning is {what} of {}; the model wrote what follows.", edited.name()))
        }
    }
}

fn note(live: Live, column: LiveColumn, state: &AnswerState) -> Option<AnyView> {
    match state {
        AnswerState::Waiting => Some(view! { <Waiting column/> }.into_any()),
        AnswerState::Failed(reason) => Some(failed(live, column.shown.get_untracked(), reason)),
        AnswerState::CutOff => Some(cut_off(live)),
        AnswerState::Writing | AnswerState::Finished(_) => None,
    }
}

/// Why it is not begun, with how far its model is where that is being loaded.
#[component]
fn Waiting(column: LiveColumn) -> impl IntoView {
    move || match column.wait.get() {
        None => view! { <p class="dim">"Waits for its turn."</p> }.into_any(),
        Some(Wait { reason, percent }) => {
            let bar = percent.map(|it| {
                view! { <progress class="bar" max="100" value=it aria-label="Loading the model"></progress> }
            });
            view! { <p class="dim">{sentence(reason)}</p> {bar} }.into_any()
        }
    }
}

fn failed(live: Live, answer: LiveAnswer, reason: &str) -> AnyView {
    let answer = answer.now.read_untracked();
    let what = match answer.facts.map_or(0, |it| it.n_tokens) {
        _ if answer.text.is_empty() => "This answer was not written.".to_owned(),
        0 => "This answer stopped.".to_owned(),
        n => format!("This answer stopped after {}.", count(n.into(), "token")),
    };
    let rest = if answer.text.is_empty() {
        "The other models go on."
    } else {
        "What was written is kept; the other models go on."
    };
    view! {
        <div class="note" data-is="fail">
            <Icon name="fail"/>
            <p>
                <strong>{what}</strong>
                " "
                {sentence(reason)}
                " "
                {rest}
            </p>
            <button class="btn" type="button" on:click=move |_| live.resume()>
                "Try again"
            </button>
        </div>
    }
    .into_any()
}

fn cut_off(live: Live) -> AnyView {
    view! {
        <div class="note" data-is="fail">
            <Icon name="fail"/>
            <p>
                <strong>"The server stopped before this answer was finished."</strong>
                " What was written is kept until it is continued: then it is written once more, with its own seed."
            </p>
            <button class="btn" type="button" on:click=move |_| live.resume()>
                "Continue"
            </button>
        </div>
    }
    .into_any()
}
