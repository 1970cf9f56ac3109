//! The head of a column: whose answers these are.

use super::{
    copy::CopyIcon,
    icon::Icon,
    lens::LensButtons,
    live::Live,
    live_column::LiveColumn,
    mark::{Mark, Slot},
};
use domain::{Column, ColumnModel, slot_letter};
use leptos::prelude::*;

/// The model, or the slot while it is hidden.
#[component]
pub fn AnswerHead(live: Live, column: LiveColumn, about: Column) -> impl IntoView {
    let Column { slot, model, .. } = about;
    let name = name(slot, model.as_ref());
    let whole = move || {
        let answer = column.shown.get_untracked().now;
        live.head.read_untracked().beginning.and(&answer.read_untracked().text)
    };
    view! {
        <header>
            {match model {
                Some(ColumnModel { role, name, about, .. }) => {
                    view! {
                        <Mark role/>
                        <h2>{name}</h2>
                        <span class="role">{about}</span>
                    }
                        .into_any()
                }
                None => {
                    view! {
                        <Slot number=slot/>
                        <h2>{name.clone()}</h2>
                        <span class="veil" role="img" aria-label="model hidden"></span>
                    }
                        .into_any()
                }
            }}
            <span class="end">
                <StopButton live column name/>
                <LensButtons live column/>
                <CopyIcon label="Copy this answer" text=whole/>
            </span>
        </header>
    }
}

/// What a column is called.
pub fn name(slot: u32, model: Option<&ColumnModel>) -> String {
    model.map_or_else(|| format!("Slot {}", slot_letter(slot)), |it| it.name.clone())
}

#[component]
fn StopButton(live: Live, column: LiveColumn, name: String) -> impl IntoView {
    let name = format!("Stop {name}");
    move || {
        column.is_running.get().then(|| {
            view! {
                <button
                    class="btn"
                    data-kind="quiet"
                    type="button"
                    aria-label=name.clone()
                    on:click=move |_| live.stop(Some(column.column_idx))
                >
                    <Icon name="stop"/>
                    "Stop"
                </button>
            }
        })
    }
}
