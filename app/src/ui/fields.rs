//! Fields of forms. The browser holds what is typed; each field says how it opens, and what is wrong with it.

use super::{rcdata::rcdata, words::sentence};
use crate::backend::ApiError;
use domain::{AskError, ComparisonId, Field};
use leptos::{either::Either, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The first wrong field of a form's last try.
#[derive(Clone, Copy)]
pub struct Wrong {
    pub first: RwSignal<Option<AskError>>,
    /// What the ids of this form's fields begin with, since several forms stand on one page.
    prefix: &'static str,
}

impl Wrong {
    pub fn new(prefix: &'static str) -> Self {
        Self { first: RwSignal::new(None), prefix }
    }

    /// The id of a field's element.
    pub fn id(self, field: Field) -> String {
        format!("{}{}", self.prefix, name(field))
    }

    /// What is wrong with a field.
    pub fn message(self, field: Field) -> Option<String> {
        self.first.read().as_ref().filter(|it| it.field == field).map(|it| it.message.clone())
    }

    /// The value of `aria-invalid`.
    pub fn invalid(self, field: Field) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync + 'static {
        move || self.first.read().as_ref().is_some_and(|it| it.field == field).then_some("true")
    }

    /// Takes over what the server said to the form; what is wrong with the whole is told by [`failure`].
    pub fn take_answer(self, answer: Option<Result<ComparisonId, ApiError>>) {
        if let Some(Err(ApiError::Ask(wrong))) = answer {
            self.first.set(Some(wrong));
        }
    }

    /// Forgets what was wrong, since something was changed.
    pub fn forget(self) {
        self.first.maybe_update(|it| it.take().is_some());
    }
}

/// What went wrong with the whole form and not with a field.
pub fn failure(answer: Option<Result<ComparisonId, ApiError>>) -> Option<String> {
    match answer? {
        Ok(_) | Err(ApiError::Ask(_)) => None,
        Err(err) => Some(err.to_string()),
    }
}

/// The message of a field that is wrong; empty and unseen otherwise.
#[component]
pub fn Message(wrong: Wrong, field: Field) -> impl IntoView {
    view! {
        <span class="wrong" id=message_id(wrong, field)>
            {move || wrong.message(field).map(sentence)}
        </span>
    }
}

fn message_id(wrong: Wrong, field: Field) -> String {
    format!("{}-wrong", wrong.id(field))
}

/// A number to type.
#[component]
pub fn Figure(
    wrong: Wrong,
    field: Field,
    label: &'static str,
    value: String,
    #[prop(into)] hint: String,
    #[prop(optional)] placeholder: String,
) -> impl IntoView {
    let id = wrong.id(field);
    view! {
        <div class="field" data-field=name(field)>
            <label for=id.clone()>{label}</label>
            <input
                class="input"
                id=id
                name=format!("form[{}]", name(field))
                inputmode="decimal"
                autocomplete="off"
                value=value
                placeholder=placeholder
                title=hint
                aria-invalid=wrong.invalid(field)
                aria-describedby=message_id(wrong, field)
            />
        </div>
    }
}

/// Several lines to type. Has no child at all while it is empty: a text box would show the space that stands for an empty text.
#[component]
pub fn TextBox(
    wrong: Wrong,
    field: Field,
    #[prop(into)] id: String,
    name: &'static str,
    text: String,
    chars_max: usize,
) -> impl IntoView {
    let area = html::textarea()
        .class("input")
        .id(id)
        .name(name)
        .rows("2")
        .maxlength(chars_max.to_string())
        .aria_invalid(wrong.invalid(field))
        .aria_describedby(message_id(wrong, field));
    if text.is_empty() { Either::Left(area) } else { Either::Right(area.child(first_lines(&text))) }
}

/// A browser that reads HTML passes over the first line end of a text box.
fn first_lines(text: &str) -> String {
    let text = rcdata(text);
    if cfg!(feature = "ssr") && text.starts_with('\n') { format!("\n{text}") } else { text }
}

/// A field's name in its form.
fn name(field: Field) -> &'static str {
    match field {
        Field::Question => "question",
        Field::Format => "format",
        Field::System => "system",
        Field::Beginning => "beginning",
        Field::Models => "models",
        Field::Columns => "columns",
        Field::Samples => "samples",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::MaxTokens => "max_tokens",
        Field::Seed => "seed",
        Field::Answer => "text",
        Field::Title => "title",
        Field::Pack => "pack",
        Field::Wrappers => "wrappers",
        Field::Judges => "judges",
    }
}

/// Brings the first element there is into focus, unfolding what hides it. Only in the browser.
pub fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let Some(element) = found.and_then(|it| it.dyn_into::<HtmlElement>().ok()) else { return false };
    if let Ok(Some(folded)) = element.closest("details") {
        // Where it cannot be unfolded the message still stands beside it.
        let _ = folded.set_attribute("open", "");
    }
    element.focus().is_ok()
}
