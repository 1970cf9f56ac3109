//! The sheet that lists all keys.

use super::{
    keys::{self, Command},
    preferences::Preferences,
};
use domain::Verdict;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

/// Closed on the server; opened by `?` and by the button in the bar. Also follows the keys that work on every page.
#[component]
pub fn KeySheet() -> impl IntoView {
    let navigate = use_navigate();
    let path = use_location().pathname;
    keys::listen(move |command| match command {
        Command::Sheet => open(),
        Command::Search if path.with_untracked(|it| it == "/history" || it.ends_with("/answers")) => false,
        Command::Search => {
            navigate("/history", Default::default());
            true
        }
        Command::Page(path) => {
            navigate(path, Default::default());
            true
        }
        _ => false,
    });
    view! {
        <dialog class="sheet" id="keys" aria-labelledby="keys-title">
            <header>
                <h2 id="keys-title">"Keys"</h2>
                <form class="end" method="dialog">
                    <button class="btn">"Close " <kbd>"Esc"</kbd></button>
                </form>
            </header>
            <div class="pad stack">
                <KeySwitch/>
                <Shortcuts/>
            </div>
        </dialog>
    }
}

/// Opens the sheet; says whether there is one.
pub fn open() -> bool {
    let sheet = document().get_element_by_id("keys").and_then(|it| it.dyn_into::<HtmlDialogElement>().ok());
    sheet.is_some_and(|it| it.show_modal().is_ok())
}

#[component]
fn KeySwitch() -> impl IntoView {
    let preferences = Preferences::here();
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                checked=preferences.keys.get_untracked()
                on:change=move |event| preferences.choose_keys(event_target_checked(&event))
            />
            <span>"Single keys act; off, only Ctrl ↵ and Esc do"</span>
        </label>
    }
}

#[component]
fn Shortcuts() -> impl IntoView {
    let shortcut = |keys: &'static [&'static str], does: &'static str| {
        view! {
            <dt>{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dt>
            <dd>{does}</dd>
        }
    };
    let label = |verdict: Verdict| {
        view! {
            <dt>
                <kbd>{verdict.key()}</kbd>
            </dt>
            <dd>{verdict.name()}</dd>
        }
    };
    view! {
        <dl class="shortcuts">
            {shortcut(&["Ctrl", "↵"], "ask")}
            {shortcut(&["[", "]"], "column before, after")}
            {shortcut(&["←", "→"], "sample before, after, that says something else")}
            {Verdict::ALL.map(label).collect_view()}
            {shortcut(&["N"], "note")}
            {shortcut(&["H"], "how likely each token was")}
            {shortcut(&["D"], "what is said otherwise than in the base column")}
            {shortcut(&["U"], "undo the last label or note of this answer")}
            {shortcut(&["A"], "ask on from the answers shown")}
            {shortcut(&["E"], "edit this answer and have it continued")}
            {shortcut(&["⇧", "R"], "reveal the names of a blind comparison")}
            {shortcut(&["Esc"], "stop all answers; close")}
            {shortcut(&["P"], "pause a run, or have it go on")}
            {shortcut(&["/"], "search the history, or a run’s answers")}
            {shortcut(&["J", "K"], "row after, before; ↵ opens it")}
            {shortcut(&["g", "c"], "go to Compare")}
            {shortcut(&["g", "h"], "go to History")}
            {shortcut(&["g", "k"], "go to Likelihood")}
            {shortcut(&["g", "r"], "go to Runs")}
            {shortcut(&["g", "m"], "go to Models")}
            {shortcut(&["Tab"], "in charts: to a mark or limit; ← → moves a limit by 1, with ⇧ by 10; ↵ opens the answers")}
            {shortcut(&["?"], "this sheet")}
        </dl>
    }
}
