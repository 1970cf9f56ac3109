//! `/`: ask several models the same.

use crate::{
    api,
    ui::{bench::Bench, catalogue::Catalogue, error_note::ErrorNote, foot::Foot},
};
use domain::AskForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_location, use_query_map},
    params::ParamsMap,
};
use std::time::Duration;
use wasm_bindgen::JsValue;

/// The form, opened as the URL says; the URL follows the form.
#[component]
pub fn ComparePage() -> impl IntoView {
    let models = Resource::new(|| (), |()| api::models());
    let retry = Callback::new(move |()| models.refetch());
    view! {
        <Title text="Compare · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <h1 class="sr">"Compare models"</h1>
            <Suspense fallback=|| view! { <div class="bench" aria-busy="true"></div> }>
                {move || Suspend::new(async move {
                    match models.await {
                        Ok(models) => {
                            Catalogue::here().models.set(Some(models));
                            view! { <Asking/> }.into_any()
                        }
                        Err(err) => {
                            view! { <ErrorNote message=err.to_string() retry/> }.into_any()
                        }
                    }
                })}
            </Suspense>
        </main>
    }
}

#[component]
fn Asking() -> impl IntoView {
    let models = Catalogue::here().models;
    let any_demo = Signal::derive(move || models.read().iter().flatten().any(|it| it.is_demo));
    let query = use_query_map();
    let path = use_location().pathname;
    // Another query, as a link to this page has one, opens the form anew; another page does not.
    let opened = Memo::new(move |before: Option<&AskForm>| match before {
        Some(before) if path.get() != "/" => before.clone(),
        _ => AskForm::from_pairs(pairs(&query.read())),
    });
    let changed = mirror();
    view! {
        {move || view! { <Bench opened=opened.get() changed/> }}
        <p class="note">"Choose a question and press Ask: the answers are written here, side by side, and kept."</p>
        <Foot any_demo/>
    }
}

fn pairs(query: &ParamsMap) -> Vec<(String, String)> {
    query.clone().into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

/// Writes the form into the URL once nothing has changed for a moment. Only in the browser.
fn mirror() -> Callback<AskForm> {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
    };
    on_cleanup(stop);
    Callback::new(move |form| {
        stop();
        let handle = set_timeout_with_handle(move || write_url(&form), Duration::from_millis(300));
        waiting.set_value(handle.ok());
    })
}

/// A longer one could not be opened again: servers turn it away. The form then stands in the page alone.
const URL_BYTES_MAX: usize = 60_000;

fn write_url(form: &AskForm) {
    let mut query = ParamsMap::new();
    for (name, value) in form.to_pairs() {
        query.insert(name, value.to_owned());
    }
    let url = format!("/{}", query.to_query_string());
    if url.len() > URL_BYTES_MAX {
        return;
    }
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        // A browser that has had too many changes of the URL refuses; the next change says it again.
        let _ = history.replace_state_with_url(&state, "", Some(&url));
    }
}
