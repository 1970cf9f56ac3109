//! The comparisons that go on from the one shown.

use super::{answer_head::name, turns::href};
use domain::{Column, Comparison, FollowUp};
use leptos::prelude::*;
use std::sync::Arc;

/// Nothing where none does.
#[component]
pub fn FollowUps(follow_ups: Vec<FollowUp>, head: Arc<Comparison>) -> impl IntoView {
    let line = |it: FollowUp| {
        let what = if it.is_edit { "continues an answer" } else { "asks on" };
        view! {
            <li>
                <a href=href(it.comparison)>{format!("#{}", it.comparison.0)}</a>
                <span class="soft">{what}</span>
                {(!it.is_edit).then_some(it.title)}
                <span class="dim">{of_whom(&it.slots, &head.columns)}</span>
            </li>
        }
    };
    (!follow_ups.is_empty()).then(|| {
        view! {
            <section class="follow-ups" aria-label="Follow-ups">
                <h2>"Goes on in"</h2>
                <ul>{follow_ups.into_iter().map(line).collect_view()}</ul>
            </section>
        }
    })
}

/// The columns that go on, where not all do.
fn of_whom(slots: &[u32], columns: &[Column]) -> Option<String> {
    let going_on = columns.iter().filter(|it| slots.contains(&it.slot));
    let names: Vec<_> = going_on.map(|it| name(it.slot, it.model.as_ref())).collect();
    (names.len() < columns.len()).then(|| names.join(", "))
}
