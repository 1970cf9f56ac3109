//! Copying to the clipboard.

use super::icon::Icon;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

/// Whether the last press copied; forgotten after a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    NotYet,
    Yes,
    No,
}

/// An icon that copies what `text` gives at the press.
#[component]
pub fn CopyIcon(text: impl Fn() -> String + 'static, label: &'static str) -> impl IntoView {
    let copied = RwSignal::new(Copied::NotYet);
    let name = move || words(copied.get(), label);
    view! {
        <button
            class="btn"
            data-kind="icon"
            type="button"
            aria-label=name
            title=name
            on:click=move |_| copy(text(), copied)
        >
            {move || symbol(copied.get(), "copy")}
        </button>
    }
}

/// A button with a word that copies what `text` gives at the press.
#[component]
pub fn CopyButton(
    text: impl Fn() -> String + 'static,
    label: &'static str,
    #[prop(default = "copy")] icon: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(Copied::NotYet);
    view! {
        <button class="btn copy" data-kind="quiet" type="button" on:click=move |_| copy(text(), copied)>
            {move || symbol(copied.get(), icon)}
            <span>{move || words(copied.get(), label)}</span>
        </button>
    }
}

fn words(copied: Copied, label: &'static str) -> &'static str {
    match copied {
        Copied::NotYet => label,
        Copied::Yes => "Copied",
        Copied::No => "Could not copy",
    }
}

fn symbol(copied: Copied, icon: &'static str) -> impl IntoView {
    let name = match copied {
        Copied::NotYet => icon,
        Copied::Yes => "ok",
        Copied::No => "fail",
    };
    view! { <Icon name/> }
}

fn copy(text: String, copied: RwSignal<Copied>) {
    spawn_local(async move {
        let is_copied = write(&text).await;
        copied.try_set(if is_copied { Copied::Yes } else { Copied::No });
        let forget = move || {
            copied.try_set(Copied::NotYet);
        };
        set_timeout(forget, Duration::from_millis(1_500));
    });
}

/// Says whether the browser took it; over plain HTTP from another machine there is no clipboard.
async fn write(text: &str) -> bool {
    let navigator = window().navigator();
    let has_clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|it| !it.is_undefined());
    has_clipboard && JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}
