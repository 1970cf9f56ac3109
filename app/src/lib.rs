//! What people see: pages, their parts, and the endpoints they call.
//!
//! Compiled twice: natively for the first paint (`ssr`) and to wasm for the browser (`hydrate`). Names no HTTP server, no
//! database and no model; everything it needs of them is in [`Backend`].

#![recursion_limit = "256"]

mod api;
mod backend;
mod pages;
mod ui;

#[cfg(all(test, feature = "ssr"))]
mod looks;

pub use backend::{ApiError, Backend, BackendHandle, Cookies, GoOn, SetStatus};

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use ui::{catalogue::Catalogue, clock::Clock, key_sheet::KeySheet, preferences::Preferences, top_bar::TopBar};

/// What the document says of the files that belong to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Changes whenever script, wasm or style change, so that a browser never mixes two builds.
    pub version: String,
}

/// The document around the [`App`].
pub fn shell(site: &Site) -> impl IntoView + use<> {
    let preferences = Preferences::from_cookies();
    let style = format!("/pkg/plumbline.css?v={}", site.version);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=preferences.theme.get_untracked().word() data-blur=preferences.blur.get_untracked()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <link rel="stylesheet" href=style/>
                <Wasm site=site.clone()/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The script that brings the page to life. Written by hand: the one Leptos would write has a nonce in `crossorigin`, which
/// makes Firefox stop before it starts.
#[component]
fn Wasm(site: Site) -> impl IntoView {
    let nonce = use_nonce();
    let script = format!("/pkg/plumbline.js?v={}", site.version);
    let wasm = format!("/pkg/plumbline_bg.wasm?v={}", site.version);
    let start = format!(
        "import init, {{ hydrate }} from '{script}'; init({{ module_or_path: '{wasm}' }}).then(() => hydrate());"
    );
    view! {
        <link rel="modulepreload" href=script nonce=nonce.clone()/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=nonce>
            {start}
        </script>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Preferences::from_cookies());
    provide_context(Clock::starting_in_utc());
    provide_context(Catalogue::new());
    view! {
        <Router>
            <a class="skip" href="#main" rel="external">
                "Skip to the page"
            </a>
            <TopBar/>
            <Routes fallback=pages::NotFoundPage>
                <Route path=path!("/") view=pages::ComparePage ssr=SsrMode::Async/>
                <Route path=path!("/comparisons/:id") view=pages::ComparisonPage ssr=SsrMode::Async/>
                // The form at once, each result when it is there, also without the wasm.
                <Route path=path!("/likelihood") view=pages::LikelihoodPage ssr=SsrMode::InOrder/>
                <Route path=path!("/history") view=pages::HistoryPage ssr=SsrMode::Async/>
                <Route path=path!("/runs") view=pages::RunsPage ssr=SsrMode::Async/>
                <Route path=path!("/runs/new") view=pages::NewRunPage ssr=SsrMode::Async/>
                <Route path=path!("/runs/:id") view=pages::RunPage ssr=SsrMode::Async/>
                <Route path=path!("/runs/:id/results") view=pages::ResultsPage ssr=SsrMode::Async/>
                <Route path=path!("/runs/:id/answers") view=pages::AnswersPage ssr=SsrMode::Async/>
                <Route path=path!("/models") view=pages::ModelsPage ssr=SsrMode::Async/>
            </Routes>
            <KeySheet/>
        </Router>
    }
}

/// Called by the document's script once the wasm is there.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    hydrate_body(App);
    // For those who drive the page from outside: from here on keys and buttons work.
    if let Some(html) = document().document_element() {
        let _ = html.set_attribute("data-alive", "");
    }
}
