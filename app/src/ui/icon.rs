//! Drawings of the sprite.

use leptos::prelude::*;

/// An icon without a meaning of its own; words stand beside it.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("/sprite.svg#i-{name}")></use>
        </svg>
    }
}
