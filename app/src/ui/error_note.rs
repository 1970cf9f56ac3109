//! A failure, told where it happened.

use super::{icon::Icon, words::sentence};
use leptos::prelude::*;

/// What went wrong, and a button that tries again.
#[component]
pub fn ErrorNote(
    #[prop(into)] message: String,
    #[prop(into)] retry: Callback<()>,
    #[prop(default = "Try again")] verb: &'static str,
) -> impl IntoView {
    view! {
        <div class="note" data-is="fail" role="alert">
            <Icon name="fail"/>
            <p>{sentence(message)}</p>
            <button class="btn" type="button" on:click=move |_| retry.run(())>
                {verb}
            </button>
        </div>
    }
}
