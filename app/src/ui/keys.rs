//! Every key of every page, in one place.

use super::preferences::Preferences;
use domain::Verdict;
use leptos::{ev, prelude::*};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

/// What a key asks for; which page does it is for the page to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Ask,
    PreviousColumn,
    NextColumn,
    PreviousSample,
    NextSample,
    Label(Verdict),
    Note,
    Undo,
    /// How likely each token was.
    Heat,
    /// What is said otherwise than in the reference column.
    Difference,
    AskOn,
    Edit,
    Reveal,
    Stop,
    /// Pause a run, or have it go on.
    Pause,
    Sheet,
    Search,
    PreviousRow,
    NextRow,
    /// Go to the page at this path.
    Page(&'static str),
}

/// Calls `act` for each command typed while the caller lives; `act` says whether it had a use for it.
///
/// Silent while typing, in a dialog, and where single keys are switched off. On the server nothing happens.
pub fn listen(act: impl Fn(Command) -> bool + Clone + 'static) {
    let preferences = Preferences::here();
    Effect::new(move |_| {
        let act = act.clone();
        let after_g = Cell::new(false);
        let handle = window_event_listener(ev::keydown, move |event| {
            let was_g = after_g.replace(event.key() == "g");
            let command = typed(&event, was_g, preferences.keys.get_untracked());
            if command.is_some_and(&act) {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

fn typed(event: &KeyboardEvent, after_g: bool, single_keys: bool) -> Option<Command> {
    if event.default_prevented() || event.is_composing() || is_dialog_open() {
        return None;
    }
    let key = event.key();
    if event.ctrl_key() || event.meta_key() {
        return (key == "Enter").then_some(Command::Ask);
    }
    if event.alt_key() || is_typing(event) {
        return None;
    }
    match key.as_str() {
        "Escape" => Some(Command::Stop),
        key if single_keys => single_key(key, after_g, event.shift_key()),
        _ => None,
    }
}

fn single_key(key: &str, after_g: bool, shift: bool) -> Option<Command> {
    let command = match key {
        "c" if after_g => Command::Page("/"),
        "h" if after_g => Command::Page("/history"),
        "k" if after_g => Command::Page("/likelihood"),
        "m" if after_g => Command::Page("/models"),
        "r" if after_g => Command::Page("/runs"),
        "[" => Command::PreviousColumn,
        "]" => Command::NextColumn,
        "ArrowLeft" => Command::PreviousSample,
        "ArrowRight" => Command::NextSample,
        "n" => Command::Note,
        "u" => Command::Undo,
        "h" => Command::Heat,
        "d" => Command::Difference,
        "a" if !after_g => Command::AskOn,
        "e" => Command::Edit,
        "R" if shift => Command::Reveal,
        "p" => Command::Pause,
        "?" => Command::Sheet,
        "/" => Command::Search,
        "k" => Command::PreviousRow,
        "j" => Command::NextRow,
        digit => {
            let digit: usize = digit.parse().ok()?;
            Command::Label(*Verdict::ALL.get(digit.checked_sub(1)?)?)
        }
    };
    Some(command)
}

fn is_dialog_open() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|it| it.is_some())
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
    target.is_some_and(|it| {
        it.matches("input:not([type=checkbox]), textarea, select, [contenteditable]").unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_labels_and_nothing_else() {
        assert_eq!(single_key("1", false, false), Some(Command::Label(Verdict::Aligned)));
        assert_eq!(single_key("7", false, false), Some(Command::Label(Verdict::Unsure)));
        assert_eq!(single_key("0", false, false), None);
        assert_eq!(single_key("8", false, false), None);
        assert_eq!(single_key("Enter", false, false), None);
    }

    #[test]
    fn reveal_needs_shift_and_pages_need_g() {
        assert_eq!(single_key("r", false, false), None);
        assert_eq!(single_key("R", false, true), Some(Command::Reveal));
        assert_eq!(single_key("h", false, false), Some(Command::Heat));
        assert_eq!(single_key("k", true, false), Some(Command::Page("/likelihood")));
        assert_eq!(single_key("h", true, false), Some(Command::Page("/history")));
        assert_eq!(single_key("r", true, false), Some(Command::Page("/runs")));
        assert_eq!(single_key("p", false, false), Some(Command::Pause));
        assert_eq!(single_key("a", false, false), Some(Command::AskOn));
        assert_eq!(single_key("a", true, false), None);
    }
}
