//! What one can do with a finished answer beside labelling it: continue it from a changed text, ask on.

use super::{desk::Desk, fields::focus, live_column::LiveColumn};
use domain::AnswerState;
use leptos::prelude::*;

/// Links, so that both can be reached before the wasm is there.
#[component]
pub fn AnswerActs(column: LiveColumn) -> impl IntoView {
    let is_finished = Memo::new(move |_| matches!(*column.shown.get().state.read(), AnswerState::Finished(_)));
    let column_idx = column.column_idx;
    move || {
        is_finished.get().then(|| {
            view! {
                <span class="acts">
                    <a
                        class="btn"
                        data-kind="quiet"
                        href=move || Desk::edit_href(column_idx, column.sample_idx.get())
                        on:click=move |event| {
                            event.prevent_default();
                            column.edit();
                        }
                    >
                        "Edit and continue "
                        <kbd>"E"</kbd>
                    </a>
                    <a
                        class="btn"
                        data-kind="quiet"
                        href="#ask-on"
                        on:click=move |event| {
                            event.prevent_default();
                            column.desk.only_goes_on(column_idx);
                            focus("#on-question");
                        }
                    >
                        "Ask on here"
                    </a>
                </span>
            }
        })
    }
}
