//! Keys in lists: from row to row, so that Enter opens what has the focus. Only in the browser.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Moves the focus by so many rows.
pub fn step(step: i32) -> bool {
    let Ok(rows) = document().query_selector_all("#main td a[data-row]") else { return false };
    let active = document().active_element();
    let here = (0..rows.length()).find(|idx| rows.item(*idx).as_ref() == active.as_ref().map(AsRef::as_ref));
    let to = here.map_or(0, |idx: u32| idx.saturating_add_signed(step));
    rows.item(to).and_then(|it| it.dyn_into::<HtmlElement>().ok()).is_some_and(|it| it.focus().is_ok())
}

pub fn focus(selector: &str) -> bool {
    element(selector).is_some_and(|it| it.focus().is_ok())
}

pub fn click(selector: &str) -> bool {
    element(selector).inspect(HtmlElement::click).is_some()
}

fn element(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten()?.dyn_into().ok()
}
