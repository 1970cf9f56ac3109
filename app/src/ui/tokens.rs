//! A text token by token: marked by classes, each token with a small panel of what is known of it.

use domain::{Likely, Scores, heat, lean};
use leptos::{ev::KeyboardEvent, html::Div, prelude::*};
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement};

/// By what tokens are marked.
#[derive(Clone)]
pub enum Paint {
    /// By how unlikely each was.
    Heat,
    /// By how much likelier than the reference a model found each; one logarithm for each token.
    Lean(Arc<Vec<f64>>),
}

/// Tokens beyond these are shown as plain text, so that the page stays quick.
pub const TOKENS_MAX: usize = 2_000;

/// The text, marked. `panel` says what is known of one token; it is shown for the one that is pointed at, or that arrow
/// keys have reached. The whole is one stop for the Tab key.
#[component]
pub fn Tokens(
    scores: Arc<Scores>,
    text: String,
    is_code: bool,
    paint: Paint,
    /// The token whose panel is shown.
    selected: RwSignal<Option<usize>>,
    panel: impl Fn(usize) -> AnyView + Send + 'static,
    /// Where the text gets the focus from outside.
    #[prop(optional)]
    focus: NodeRef<Div>,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    let n_tokens = scores.0.len().min(TOKENS_MAX);
    let place = RwSignal::new((0.0, 0.0));
    Effect::new(move |_| {
        if let Some(frame) = frame.get() {
            place.set(mark(&frame, selected.get()).unwrap_or_default());
        }
    });
    view! {
        <div class="tokens" node_ref=frame on:mouseleave=move |_| selected.set(None)>
            <div
                class="text heat"
                data-form=is_code.then_some("code")
                role="group"
                tabindex="0"
                aria-label="The answer by tokens. Arrow keys go from one to the next."
                node_ref=focus
                on:mouseover=move |event| selected.set(token_at(&event).or(selected.get_untracked()))
                on:click=move |event| selected.set(token_at(&event).or(selected.get_untracked()))
                on:focus=move |_| selected.update(|it| *it = it.or((n_tokens > 0).then_some(0)))
                on:blur=move |_| selected.set(None)
                on:keydown=move |event| step(&event, selected, n_tokens)
            >
                {marked(&scores, &text, &paint)}
            </div>
            <div aria-live="polite">
                {move || {
                    selected
                        .get()
                        .map(|idx| {
                            view! {
                                <div
                                    class="odds"
                                    style:left=move || format!("{}px", place.get().0)
                                    style:top=move || format!("{}px", place.get().1)
                                >
                                    {panel(idx)}
                                </div>
                            }
                        })
                }}
            </div>
        </div>
    }
}

fn marked(scores: &Scores, text: &str, paint: &Paint) -> AnyView {
    let runs = scores.runs(text);
    let n_marked = runs.iter().position(|it| it.tokens.start >= TOKENS_MAX).unwrap_or(runs.len());
    let plain: String = runs[n_marked..].iter().map(|it| it.text).collect();
    let run = |run: &domain::Stretch<'_>| {
        let (heat, lean) = match paint {
            Paint::Heat => (heat_of(&scores.0[run.tokens.clone()]), None),
            Paint::Lean(over) => (None, class(lean(over[run.tokens.clone()].iter().sum()))),
        };
        let token = (!run.tokens.is_empty()).then_some(run.tokens.start);
        let end = run.tokens.end;
        view! {
            <span data-p=heat data-lean=lean data-token=token data-end=end data-unseen=run.text.is_empty()>
                {run.text.to_owned()}
            </span>
        }
    };
    view! { {runs[..n_marked].iter().map(run).collect_view()} {(!plain.is_empty()).then_some(plain)} }.into_any()
}

/// The class of the least likely of the tokens that share a run.
fn heat_of(tokens: &[domain::TokenScore]) -> Option<i32> {
    class(tokens.iter().map(|it| heat(it.token.probability()) as i32).max().unwrap_or(0))
}

/// The first class is not marked.
fn class(class: i32) -> Option<i32> {
    (class != 0).then_some(class)
}

/// The token that the pointer is on.
fn token_at(event: &Event) -> Option<usize> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest("[data-token]").ok()??.get_attribute("data-token")?.parse().ok()
}

/// Arrow keys go from token to token, also where several share a character; Esc closes the panel and nothing else.
fn step(event: &KeyboardEvent, selected: RwSignal<Option<usize>>, n_tokens: usize) {
    let (Some(last), here) = (n_tokens.checked_sub(1), selected.get_untracked()) else { return };
    let to = match (event.key().as_str(), here) {
        ("ArrowRight", here) => Some(here.map_or(0, |it| (it + 1).min(last))),
        ("ArrowLeft", here) => Some(here.map_or(last, |it| it.saturating_sub(1))),
        ("Home", _) => Some(0),
        ("End", _) => Some(last),
        ("Escape", Some(_)) => None,
        _ => return,
    };
    selected.set(to);
    event.prevent_default();
    event.stop_propagation();
}

/// Marks the run that holds the token, and says where below it the panel has room, in pixels from the frame's corner.
fn mark(frame: &HtmlElement, token: Option<usize>) -> Option<(f64, f64)> {
    if let Ok(Some(before)) = frame.query_selector("[data-on]") {
        // What cannot be taken away is not there.
        let _ = before.remove_attribute("data-on");
    }
    let run = run_of(frame, token?)?;
    let _ = run.set_attribute("data-on", "");
    let (outer, inner) = (frame.get_bounding_client_rect(), run.get_bounding_client_rect());
    let left = (inner.left() - outer.left()).min(outer.width() - PANEL_WIDTH).max(0.0);
    Some((left, inner.bottom() - outer.top() + 4.0))
}

/// In pixels, as the style has it.
const PANEL_WIDTH: f64 = 240.0;

fn run_of(frame: &HtmlElement, token: usize) -> Option<Element> {
    // The runs stand in order, so the first that ends behind the token holds it.
    let runs = frame.query_selector_all("[data-token]").ok()?;
    let run = |idx| runs.item(idx)?.dyn_into::<Element>().ok();
    let ends_behind = |idx: &u32| {
        let end = run(*idx).and_then(|it| it.get_attribute("data-end")?.parse::<usize>().ok());
        end.is_some_and(|end| end > token)
    };
    run((0..runs.length()).find(ends_behind)?)
}

/// What a token writes, with what cannot be seen made visible.
#[component]
pub fn TokenName(token: Likely) -> impl IntoView {
    let partial = token.bytes.is_partial().then(|| view! { " " <span class="dim">"part of a character"</span> });
    view! { <b class="mono">{token.bytes.shown()}</b> {partial} }
}

/// `0.41`, `0.012`, `0.0003`, `below 0.0001`.
pub fn probability(p: f64) -> String {
    match p {
        p if p >= 0.995 => "above 0.99".into(),
        p if p >= 0.1 => format!("{p:.2}"),
        p if p >= 0.01 => format!("{p:.3}"),
        p if p >= 0.000_1 => format!("{p:.4}"),
        _ => "below 0.0001".into(),
    }
}

/// A number with a true minus.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|it| matches!(it, '0' | '.'));
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_probability_is_told_as_0_or_1() {
        assert_eq!(probability(0.999_9), "above 0.99");
        assert_eq!(probability(0.41), "0.41");
        assert_eq!(probability(0.012), "0.012");
        assert_eq!(probability(0.000_31), "0.0003");
        assert_eq!(probability(0.0), "below 0.0001");
    }

    #[test]
    fn a_minus_stands_only_before_what_is_below_0() {
        assert_eq!(
            [signed(-1.234, 2), signed(0.5, 1), signed(-0.001, 2), signed(0.0, 2)],
            ["−1.23", "0.5", "0.00", "0.00"]
        );
    }
}
