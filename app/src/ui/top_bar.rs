//! The bar on top of every page.

use super::{catalogue::Catalogue, icon::Icon, key_sheet, preferences::Preferences, words::count};
use domain::Hosted;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Where one can go, what is hosted, and what a person chose for all pages. Names no model, since it also stands above
/// blind comparisons.
#[component]
pub fn TopBar() -> impl IntoView {
    view! {
        <header class="top">
            <a class="brand" href="/">
                <Plumb/>
                <span>"Plumbline"</span>
            </a>
            <Pages/>
            <div class="top-end">
                <HostedModels/>
                <BlurSwitch/>
                <ThemeButton/>
                <button
                    class="btn"
                    data-kind="quiet"
                    type="button"
                    aria-label="Keyboard shortcuts"
                    on:click=move |_| {
                        key_sheet::open();
                    }
                >
                    <kbd>"?"</kbd>
                </button>
            </div>
        </header>
    }
}

#[component]
fn Plumb() -> impl IntoView {
    view! {
        <svg viewBox="0 0 16 44" aria-hidden="true">
            <use href="/sprite.svg#plumbline"></use>
        </svg>
    }
}

#[component]
fn Pages() -> impl IntoView {
    let path = use_location().pathname;
    let current = move |is_here: fn(&str) -> bool| move || path.with(|it| is_here(it)).then_some("page");
    view! {
        <nav class="nav" aria-label="Pages">
            <a href="/" aria-current=current(|path| path == "/" || path.starts_with("/comparisons/"))>
                "Compare"
            </a>
            <a href="/history" aria-current=current(|path| path == "/history")>
                "History"
            </a>
            <a href="/runs" aria-current=current(|path| path == "/runs" || path.starts_with("/runs/"))>
                "Runs"
            </a>
            <a href="/likelihood" aria-current=current(|path| path == "/likelihood")>
                "Likelihood"
            </a>
            <a href="/models" aria-current=current(|path| path == "/models")>
                "Models"
            </a>
        </nav>
    }
}

/// Says nothing where the server does not answer: the page below does.
#[component]
fn HostedModels() -> impl IntoView {
    let hosted = Catalogue::here().hosted;
    view! {
        <span class="num desk-only">
            <Transition>
                {move || Suspend::new(async move { hosted.await.map(in_words).unwrap_or_default() })}
            </Transition>
        </span>
    }
}

/// `4 models · cpu bf16`, or how many of them are ready.
fn in_words(hosted: Hosted) -> String {
    let Hosted { n_models, n_ready, n_loading, places, .. } = hosted;
    let models = match (n_models, n_loading) {
        (0, _) => "no models".to_owned(),
        (n, 0) if n == n_ready => count(n.into(), "model"),
        (n, 0) => format!("{n_ready} of {n} models"),
        (n, _) => format!("{n_ready} of {n} models ready"),
    };
    if places.is_empty() { models } else { format!("{models} · {}", places.join(", ")) }
}

#[component]
fn BlurSwitch() -> impl IntoView {
    let preferences = Preferences::here();
    view! {
        <label class="switch" title="Blur answers until hovered or focused">
            <input
                type="checkbox"
                role="switch"
                checked=preferences.blur.get_untracked()
                on:change=move |event| preferences.choose_blur(event_target_checked(&event))
            />
            <span>"Blur"</span>
        </label>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let preferences = Preferences::here();
    let name = move || format!("Theme: {}", preferences.theme.get().name());
    view! {
        <button
            class="btn"
            data-kind="icon"
            type="button"
            aria-label=name
            title=name
            on:click=move |_| preferences.choose_theme(preferences.theme.get_untracked().next())
        >
            <Icon name="theme"/>
        </button>
    }
}
