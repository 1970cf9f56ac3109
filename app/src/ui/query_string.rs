//! Pairs of a page's choices as the query of its URL, and back.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use std::time::Duration;
use wasm_bindgen::JsValue;

pub fn pairs(query: &ParamsMap) -> Vec<(String, String)> {
    query.clone().into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

/// The path with these pairs as its query.
pub fn href(path: &str, pairs: impl IntoIterator<Item = (&'static str, impl Into<String>)>) -> String {
    let mut query = ParamsMap::new();
    for (name, value) in pairs {
        query.insert(name, value.into());
    }
    format!("{path}{}", query.to_query_string())
}

/// Writes what it is called with into the URL once nothing has changed for a moment. Only in the browser.
pub fn mirror() -> Callback<String> {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
    };
    on_cleanup(stop);
    Callback::new(move |url: String| {
        stop();
        let handle = set_timeout_with_handle(move || write(&url), Duration::from_millis(300));
        waiting.set_value(handle.ok());
    })
}

/// A longer one could not be opened again: servers turn it away.
const URL_BYTES_MAX: usize = 60_000;

fn write(url: &str) {
    if url.len() > URL_BYTES_MAX {
        return;
    }
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        // A browser that has had too many changes of the URL refuses; the next change says it again.
        let _ = history.replace_state_with_url(&state, "", Some(url));
    }
}
