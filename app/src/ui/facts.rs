//! What is known of an answer beside its text: whether it kept the form, its length, its pace, why it ended.

use super::{answer_acts::AnswerActs, icon::Icon, live::Live, live_column::LiveColumn, words::count};
use domain::{AnswerState, Facts, Finish, Format, FormatCheck, Kept};
use leptos::prelude::*;

/// Shows no figures while the comparison is blind, since the server sends none.
#[component]
pub fn FactsLine(live: Live, column: LiveColumn, format: Format) -> impl IntoView {
    let state = Memo::new(move |_| column.shown.get().state.get());
    let check = Memo::new(move |_| column.shown.get().now.read().check.clone());
    let facts = Memo::new(move |_| column.shown.get().now.read().facts);
    let n_tokens =
        move || facts.get().map(|it| view! { <span class="num">{count(it.n_tokens.into(), "token")}</span> });
    let pace = move || facts.get().and_then(pace).map(|it| view! { <span class="num">{it}</span> });
    view! {
        <div class="facts">
            {move || badge(format, &state.read(), check.read().as_ref())} {n_tokens} {pace}
            <span>{move || ending(&state.read())}</span>
            {move || likelihood_link(live, column)}
            {move || reason(&state.read(), check.read().as_ref()).map(|it| view! { <span class="why">{it}</span> })}
            <AnswerActs column/>
        </div>
    }
}

fn badge(format: Format, state: &AnswerState, check: Option<&FormatCheck>) -> impl IntoView + use<> {
    let (is, icon, word) = match (check.map(|it| it.kept), state) {
        (Some(Kept::Yes), _) => (Some("ok"), Some("ok"), "kept"),
        (Some(Kept::No), _) => (Some("fail"), Some("x"), "not kept"),
        (Some(Kept::NothingToCheck), _) => (None, None, "nothing to check"),
        (None, AnswerState::Failed(_) | AnswerState::CutOff) => (None, None, "cut off"),
        (None, AnswerState::Waiting | AnswerState::Writing | AnswerState::Finished(_)) => (None, None, "open"),
    };
    let name = if format == Format::Plain { "Plain text" } else { format.name() };
    view! {
        <span class="badge" data-is=is>
            {icon.map(|name| view! { <Icon name/> })}
            {format!("{name}: {word}")}
        </span>
    }
}

/// To the page that asks every model how likely this answer is; it names them, so it is closed while names are hidden.
fn likelihood_link(live: Live, column: LiveColumn) -> Option<impl IntoView> {
    let answer = column.shown.get();
    let can_be_scored = answer.state.with(AnswerState::is_over) && !answer.now.read().text.is_empty();
    (can_be_scored && !live.head.read().is_blind()).then(|| {
        view! { <a href=format!("/likelihood?answer={}", answer.id.0)>"How likely to each model?"</a> }
    })
}

fn pace(facts: Facts) -> Option<String> {
    facts.tokens_per_second().map(|it| format!("{it:.1} tok/s"))
}

fn ending(state: &AnswerState) -> &'static str {
    match state {
        AnswerState::Waiting => "waits",
        AnswerState::Writing => "writing",
        AnswerState::Finished(Finish::Stop) => "ended by itself",
        AnswerState::Finished(Finish::Length) => "reached max tokens",
        AnswerState::Finished(Finish::Full) => "the model has no room for more",
        AnswerState::Finished(Finish::Stopped) => "stopped by hand",
        AnswerState::Failed(_) => "stopped by an error",
        AnswerState::CutOff => "cut off by a stop of the server",
    }
}

/// Why the form is said to be kept or not, or what holds of the answer as it is.
fn reason(state: &AnswerState, check: Option<&FormatCheck>) -> Option<String> {
    match (check, state) {
        (Some(check), _) => Some(check.reason.clone()).filter(|it| !it.is_empty()),
        (None, AnswerState::Writing) => Some("A label may be given before the end.".into()),
        (None, AnswerState::Failed(_) | AnswerState::CutOff) => Some("It is left out of every rate.".into()),
        (None, AnswerState::Waiting | AnswerState::Finished(_)) => None,
    }
}
