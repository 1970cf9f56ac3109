//! What a person has chosen for all pages: theme, blur, single keys. Kept in cookies, so that the server already renders
//! them: no flash, and the browser finds the same.

use crate::backend::Cookies;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlDocument;

#[derive(Clone, Copy)]
pub struct Preferences {
    pub theme: RwSignal<Theme>,
    /// Answers are blurred until pointed at.
    pub blur: RwSignal<bool>,
    /// Single keys act.
    pub keys: RwSignal<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Preferences {
    /// As the request or the document has them.
    pub fn from_cookies() -> Self {
        let cookies = cookies();
        Self {
            theme: RwSignal::new(Theme::of(cookie(&cookies, "theme"))),
            blur: RwSignal::new(cookie(&cookies, "blur") == Some("on")),
            keys: RwSignal::new(cookie(&cookies, "keys") != Some("off")),
        }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// Takes a theme. Only in the browser.
    pub fn choose_theme(self, theme: Theme) {
        self.theme.set(theme);
        keep("theme", theme.word());
        show("data-theme", theme.word());
    }

    /// Blurs answers or not. Only in the browser.
    pub fn choose_blur(self, blur: bool) {
        self.blur.set(blur);
        keep("blur", blur.then_some("on"));
        show("data-blur", blur.then_some(""));
    }

    /// Lets single keys act or not. Only in the browser.
    pub fn choose_keys(self, keys: bool) {
        self.keys.set(keys);
        keep("keys", (!keys).then_some("off"));
    }
}

impl Theme {
    /// The word in the cookie and in `data-theme`; none follows the system.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    pub fn name(self) -> &'static str {
        self.word().unwrap_or("as the system")
    }

    /// What the button goes on to.
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn of(word: Option<&str>) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|it| it.word() == word).unwrap_or(Self::System)
    }
}

fn cookies() -> String {
    if cfg!(feature = "ssr") {
        use_context::<Cookies>().unwrap_or_default().0
    } else {
        html_document().cookie().unwrap_or_default()
    }
}

fn cookie<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = cookies.split(';').filter_map(|it| it.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value)
}

/// Writes a cookie for a year; without a value takes it away.
fn keep(name: &str, value: Option<&str>) {
    let (value, seconds) = value.map_or(("", 0), |value| (value, 31_536_000));
    let cookie = format!("{name}={value}; path=/; max-age={seconds}; samesite=lax");
    // A browser that keeps no cookies still has the choice for this page.
    let _ = html_document().set_cookie(&cookie);
}

fn show(attribute: &str, value: Option<&str>) {
    let Some(html) = document().document_element() else { return };
    let _ = match value {
        Some(value) => html.set_attribute(attribute, value),
        None => html.remove_attribute(attribute),
    };
}

fn html_document() -> HtmlDocument {
    document().unchecked_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        assert_eq!(cookie("a=1; theme=dark;blur=on", "theme"), Some("dark"));
        assert_eq!(cookie("a=1; theme=dark;blur=on", "blur"), Some("on"));
        assert_eq!(cookie("mytheme=dark", "theme"), None);
        assert_eq!(Theme::of(Some("none")), Theme::System);
    }
}
