//! Other ways to look at a column's answer: how likely each token was, and what is said otherwise than elsewhere.

use super::{
    answer_head::name, difference::DifferenceView, heat::Heat, icon::Icon, live::Live, live_column::LiveColumn,
};
use domain::{Format, Role};
use leptos::prelude::*;

/// What a column shows of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lens {
    /// The text as it is written.
    #[default]
    Text,
    /// Each token, marked by how unlikely it was.
    Heat,
    /// What is said otherwise than in the reference column.
    Difference,
}

impl Live {
    /// The column that others are compared with: the one that was chosen, else that of the base model.
    pub fn reference(self) -> Option<usize> {
        let is_base = |it: &domain::Column| it.model.as_ref().is_some_and(|it| it.role == Role::Base);
        self.reference.get().or_else(|| self.head.read().columns.iter().position(is_base))
    }

    /// Whether there is anything that this column could be compared with, and it is not what all are compared with.
    pub fn can_differ(self, column_idx: usize) -> bool {
        self.head.read().columns.len() > 1 && self.reference() != Some(column_idx)
    }

    /// The columns that `column_idx` can be compared with, with their names.
    pub fn others(self, column_idx: usize) -> Vec<(usize, String)> {
        let head = self.head.read();
        let named = head.columns.iter().enumerate().map(|(idx, it)| (idx, name(it.slot, it.model.as_ref())));
        named.filter(|(idx, _)| *idx != column_idx).collect()
    }
}

impl LiveColumn {
    /// Looks through a lens, or at the text again where it is on already.
    pub fn toggle(self, lens: Lens) {
        self.lens.update(|it| *it = if *it == lens { Lens::Text } else { lens });
    }
}

/// The switches of a column. They need the wasm, and are not shown where there is none.
#[component]
pub fn LensButtons(live: Live, column: LiveColumn) -> impl IntoView {
    let can_differ = Memo::new(move |_| live.can_differ(column.column_idx));
    view! {
        <LensButton column lens=Lens::Heat icon="heat" label="Token probabilities" key="H"/>
        {move || {
            can_differ
                .get()
                .then(|| view! { <LensButton column lens=Lens::Difference icon="difference" label="Difference by words" key="D"/> })
        }}
    }
}

#[component]
fn LensButton(
    column: LiveColumn,
    lens: Lens,
    icon: &'static str,
    label: &'static str,
    key: &'static str,
) -> impl IntoView {
    view! {
        <button
            class="btn scripted"
            data-kind="icon"
            type="button"
            aria-label=label
            title=format!("{label} ({key})")
            aria-pressed=move || (column.lens.get() == lens).to_string()
            on:click=move |_| column.toggle(lens)
        >
            <Icon name=icon/>
        </button>
    }
}

/// What the chosen lens shows; nothing while it is the plain text. Nothing on the server.
#[component]
pub fn Through(live: Live, column: LiveColumn, format: Format) -> impl IntoView {
    move || match column.lens.get() {
        Lens::Text => None,
        Lens::Heat => Some(view! { <Heat column format/> }.into_any()),
        Lens::Difference => Some(view! { <DifferenceView live column format/> }.into_any()),
    }
}
