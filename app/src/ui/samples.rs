//! The samples of a column: steps, a tick for each, and how many say the same.

use super::{desk::Desk, icon::Icon, live_answer::LiveAnswer, live_column::LiveColumn};
use domain::AnswerState;
use leptos::prelude::*;

#[component]
pub fn Samples(column: LiveColumn) -> impl IntoView {
    let n_samples = column.answers.read_value().len();
    let position = move || format!("{} of {n_samples}", column.sample_idx.get() + 1);
    let is_first = move || column.folds.read().previous(column.sample_idx.get()) == column.sample_idx.get();
    let is_last = move || column.folds.read().next(column.sample_idx.get()) == column.sample_idx.get();
    let ticks = column.answers.get_value().into_iter().enumerate();
    view! {
        <div class="samples">
            <button
                class="btn"
                data-kind="icon"
                type="button"
                aria-label="Previous sample"
                disabled=is_first
                on:click=move |_| column.show_previous()
            >
                <Icon name="left"/>
            </button>
            <span class="num">{position}</span>
            <button
                class="btn"
                data-kind="icon"
                type="button"
                aria-label="Next sample"
                disabled=is_last
                on:click=move |_| column.show_next()
            >
                <Icon name="right"/>
            </button>
            <div class="ticks" role="group" aria-label="Samples">
                {ticks.map(|(idx, answer)| view! { <Tick column idx answer/> }).collect_view()}
            </div>
            <span class="end dim">{move || folded(column)}</span>
        </div>
    }
}

/// A link, so that every sample can be reached before the wasm is there.
#[component]
fn Tick(column: LiveColumn, idx: usize, answer: LiveAnswer) -> impl IntoView {
    let verdict = move || answer.labels.read().verdict;
    let state = move |is: fn(&AnswerState) -> bool| move || answer.state.with(is);
    let name = move || {
        let state = verdict().map_or_else(|| in_a_word(&answer.state.read()), |it| it.name());
        format!("Sample {}: {}", idx + 1, state.to_lowercase())
    };
    view! {
        <a
            href=Desk::href(column.column_idx, idx)
            aria-label=name
            aria-current=move || (column.sample_idx.get() == idx).then_some("true")
            data-done=state(|it| matches!(it, AnswerState::Finished(_)))
            data-live=state(|it| *it == AnswerState::Writing)
            data-fail=state(|it| matches!(it, AnswerState::Failed(_) | AnswerState::CutOff))
            data-label=move || verdict().map(|it| it.as_str())
            on:click=move |event| {
                event.prevent_default();
                column.show(idx);
            }
        ></a>
    }
}

fn in_a_word(state: &AnswerState) -> &'static str {
    match state {
        AnswerState::Waiting => "waits",
        AnswerState::Writing => "being written",
        AnswerState::Finished(_) => "finished",
        AnswerState::Failed(_) => "failed",
        AnswerState::CutOff => "cut off",
    }
}

/// `same text ×2` of the shown sample, or how many different texts there are.
fn folded(column: LiveColumn) -> Option<String> {
    let folds = column.folds.read();
    match folds.copies(column.sample_idx.get()).len() {
        0 | 1 => folds.n_different().map(|n| if n == 1 { "all the same".into() } else { format!("{n} differ") }),
        n => Some(format!("same text ×{n}")),
    }
}
