//! The columns and their states, to jump to.

use super::{
    answer_head::name,
    live::Live,
    live_column::LiveColumn,
    mark::{Mark, Slot},
};
use domain::{Column, Comparison};
use leptos::prelude::*;
use std::sync::Arc;

/// Shown by the style on a phone, where the columns stand one below the other.
#[component]
pub fn Jump(live: Live, head: Arc<Comparison>) -> impl IntoView {
    let link = |(column_idx, (column, about)): (usize, (LiveColumn, Column))| {
        let title = name(about.slot, about.model.as_ref());
        let mark = match about.model {
            Some(model) => view! { <Mark role=model.role/> }.into_any(),
            None => view! { <Slot number=about.slot/> }.into_any(),
        };
        view! {
            <a href=format!("#column-{}", column_idx + 1) title=title>
                {mark}
                <span class="sr">{title.clone()}</span>
                {move || column.in_a_word()}
            </a>
        }
    };
    let columns = live.columns().into_iter().zip(head.columns.clone()).enumerate();
    view! {
        <nav class="jump" aria-label="Columns">
            {columns.map(link).collect_view()}
        </nav>
    }
}
