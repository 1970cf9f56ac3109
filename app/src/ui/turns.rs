//! What was said before: the earlier turns of a conversation, with what each column goes on from.

use super::{
    answer_head::name,
    desk::Desk,
    live::Live,
    mark::{Mark, Slot},
};
use domain::{Beginning, Column, ComparisonId, Format, Said, Turn};
use leptos::prelude::*;

/// The last two stand open. Nothing where a comparison is a first turn.
#[component]
pub fn Turns(live: Live, is_blind: Memo<bool>) -> impl IntoView {
    move || {
        // Names come with the reveal.
        let _ = is_blind.get();
        let head = live.head.get_untracked();
        let n_turns = head.turns.len();
        let turn = |(idx, turn): (usize, Turn)| {
            let (number, is_open) = (idx + 1, idx + 2 >= n_turns);
            view! { <OneTurn number is_open turn columns=head.columns.clone()/> }
        };
        (n_turns > 0).then(|| {
            view! {
                <section class="turns" aria-label="Earlier turns">
                    {head.turns.clone().into_iter().enumerate().map(turn).collect_view()}
                </section>
            }
        })
    }
}

#[component]
fn OneTurn(number: usize, is_open: bool, turn: Turn, columns: Vec<Column>) -> impl IntoView {
    let Turn { comparison, question_text, format, system, beginning, answers, .. } = turn;
    let badge = (format != Format::Plain).then(|| view! { <span class="badge">{format.name()}</span> });
    let said = answers.into_iter().zip(columns).map(|(said, column)| {
        let beginning = beginning.clone();
        view! { <WasSaid comparison format beginning said column/> }
    });
    view! {
        <details class="turn" open=is_open>
            <summary>
                <span class="dim num">{format!("Turn {number}")}</span>
                <strong>{question_text}</strong>
                {badge}
            </summary>
            <p class="cap">"Asked in " <a href=href(comparison)>{format!("#{}", comparison.0)}</a></p>
            {system.map(|it| view! { <SystemText text=it.text().to_owned()/> })}
            <div class="columns">{said.collect_view()}</div>
        </details>
    }
}

/// A reviewer's own system prompt, as it was given.
#[component]
pub fn SystemText(text: String) -> impl IntoView {
    view! {
        <p class="given-text">
            <span class="dim">"System prompt: "</span>
            {text}
        </p>
    }
}

#[component]
fn WasSaid(
    comparison: ComparisonId,
    format: Format,
    beginning: Beginning,
    said: Said,
    column: Column,
) -> impl IntoView {
    let Said { column_idx, sample_idx, text, .. } = said;
    let place = Desk::href(column_idx as usize, sample_idx as usize);
    let role = column.model.as_ref().map_or("hidden", |it| it.role.as_str());
    view! {
        <article class="said" data-role=role>
            <header>
                {match &column.model {
                    Some(model) => view! { <Mark role=model.role/> }.into_any(),
                    None => view! { <Slot number=column.slot/> }.into_any(),
                }}
                <h3>{name(column.slot, column.model.as_ref())}</h3>
                <a class="end" href=format!("{}{place}", href(comparison))>
                    {format!("sample {}", sample_idx + 1)}
                </a>
            </header>
            // Long ones scroll, and whoever has no pointer must get there as well.
            <div class="text" tabindex="0" data-form=format.is_code().then_some("code")>
                <GivenStart beginning/>
                {text}
            </div>
        </article>
    }
}

/// The beginning of an answer, marked as given.
#[component]
pub fn GivenStart(beginning: Beginning) -> impl IntoView {
    (!beginning.is_empty()).then(|| view! { <mark class="given">{beginning.text().to_owned()}</mark> })
}

/// The page of a comparison.
pub fn href(comparison: ComparisonId) -> String {
    format!("/comparisons/{}", comparison.0)
}
