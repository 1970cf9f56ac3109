//! What an answer says. Hostile: always a text, never markup.

use super::{
    icon::Icon,
    live::{Live, LiveColumn},
    preferences::Preferences,
    words::sentence,
};
use domain::{AnswerState, Format};
use leptos::prelude::*;

/// The shown answer, with the caret while it is being written and a note where it broke off.
#[component]
pub fn AnswerText(live: Live, column: LiveColumn, format: Format) -> impl IntoView {
    let preferences = Preferences::here();
    let state = Memo::new(move |_| column.shown.get().state.get());
    let text = move || column.shown.get().now.read().text.clone();
    let is_broken = move || matches!(*state.read(), AnswerState::Failed(_) | AnswerState::CutOff);
    view! {
        <div class="body">
            {move || note(live, column, &state.read())}
            <div
                class="text"
                class:soft=is_broken
                data-form=format.is_code().then_some("code")
                // What is blurred must be reachable to become sharp.
                tabindex=move || preferences.blur.get().then_some("0")
            >
                {text}
                {move || {
                    (*state.read() == AnswerState::Writing).then(|| view! { <span class="caret" aria-hidden="true"></span> })
                }}
            </div>
        </div>
    }
}

fn note(live: Live, column: LiveColumn, state: &AnswerState) -> Option<AnyView> {
    match state {
        AnswerState::Waiting => Some(view! { <p class="dim">"Waits for its turn."</p> }.into_any()),
        AnswerState::Failed(reason) => Some(failed(column, reason)),
        AnswerState::CutOff => Some(cut_off(live)),
        AnswerState::Writing | AnswerState::Finished(_) => None,
    }
}

fn failed(column: LiveColumn, reason: &str) -> AnyView {
    let answer = column.shown.get_untracked().now;
    let n_tokens = answer.read_untracked().facts.map_or(0, |it| it.n_tokens);
    let (what, kept) = match (n_tokens, answer.read_untracked().text.is_empty()) {
        (_, true) => ("This answer was not written.".to_owned(), ""),
        (0, false) => ("This answer stopped.".to_owned(), "What was written is kept; "),
        (n, false) => (format!("This answer stopped after {n} tokens."), "What was written is kept; "),
    };
    let rest = if kept.is_empty() { "The other models go on." } else { "the other models go on." };
    view! {
        <div class="note" data-is="fail">
            <Icon name="fail"/>
            <p>
                <strong>{what}</strong>
                " "
                {sentence(reason)}
                " "
                {kept}
                {rest}
            </p>
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
                " Continued, it is written once more from its start, with its own seed."
            </p>
            <button class="btn" type="button" on:click=move |_| live.resume()>
                "Continue"
            </button>
        </div>
    }
    .into_any()
}
