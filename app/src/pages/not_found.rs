//! Any URL that has no page.

use crate::backend::SetStatus;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <main class="page" id="main" tabindex="-1">
            <NotFound/>
        </main>
    }
}

/// Says that there is nothing here, and where there is something. On the server it makes the status 404.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(SetStatus(set)) = use_context() {
        set(404);
    }
    view! {
        <Title text="Nothing here · Plumbline"/>
        <h1>"There is nothing here"</h1>
        <p class="soft">
            "The link may be mistyped, or what it led to is on another server. " <a href="/history">"The history"</a>
            " lists every comparison; " <a href="/">"Compare"</a> " starts a new one."
        </p>
    }
}
