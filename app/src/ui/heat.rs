//! How likely the model found each token of the shown answer.

use super::{
    error_note::ErrorNote,
    live_answer::LiveAnswer,
    live_column::LiveColumn,
    tokens::{Paint, TOKENS_MAX, TokenName, Tokens, probability, signed},
    words::count,
};
use crate::{api, backend::ApiError};
use domain::{AnswerId, Format, HEAT_BOUNDS, Likely, ScoreSummary, Scores, TokenScore};
use leptos::{html::Div, prelude::*};
use std::sync::Arc;

/// The shown answer by tokens; the text as it is while there are no probabilities of it.
#[component]
pub fn Heat(column: LiveColumn, format: Format) -> impl IntoView {
    let ended = Memo::new(move |_| {
        let answer = column.shown.get();
        answer.state.with(|it| it.is_over()).then_some(answer.id)
    });
    let scores = LocalResource::new(move || load(ended.get()));
    let retry = Callback::new(move |()| scores.refetch());
    move || {
        let answer = column.shown.get();
        match scores.get() {
            Some((of, Ok(scores))) if of == answer.id && ended.get() == Some(of) => {
                view! { <HeatMap answer scores=Arc::new(scores) format/> }.into_any()
            }
            Some((of, Err(err))) if of == answer.id && ended.get() == Some(of) => view! {
                <ErrorNote message=err.to_string() retry/>
                <AsItIs answer format/>
            }
            .into_any(),
            _ => {
                let why = if ended.get().is_some() {
                    "Loading the probabilities…"
                } else {
                    "The probabilities are shown once this answer has ended."
                };
                view! {
                    <p class="cap" role="status">{why}</p>
                    <AsItIs answer format/>
                }
                .into_any()
            }
        }
    }
}

/// Waits for ever while the answer has not ended: there is nothing to be loaded yet.
async fn load(ended: Option<AnswerId>) -> (AnswerId, Result<Scores, ApiError>) {
    match ended {
        Some(id) => (id, api::scores(id).await),
        None => std::future::pending().await,
    }
}

#[component]
pub fn AsItIs(answer: LiveAnswer, format: Format) -> impl IntoView {
    view! {
        <div class="text" data-form=format.is_code().then_some("code")>
            {move || answer.now.read().text.clone()}
        </div>
    }
}

#[component]
fn HeatMap(answer: LiveAnswer, scores: Arc<Scores>, format: Format) -> impl IntoView {
    let text = answer.now.read_untracked().text.clone();
    view! { <HeatText scores text is_code=format.is_code()/> }
}

/// A text by tokens with its legend and figures.
#[component]
pub fn HeatText(scores: Arc<Scores>, text: String, is_code: bool) -> impl IntoView {
    let selected = RwSignal::new(None);
    let focus = NodeRef::<Div>::new();
    let of = scores.clone();
    let panel = move |idx: usize| view! { <TokenPanel score=of.0[idx].clone()/> }.into_any();
    let n_tokens = scores.0.len();
    let summary = scores.summary();
    let least = summary.map(|it| scores.0[it.least_idx].token.clone());
    view! {
        <HeatKey/>
        <Tokens scores text is_code paint=Paint::Heat selected panel focus/>
        <TooMany n_tokens/>
        {summary.zip(least).map(|(summary, least)| view! { <Summary summary least selected focus/> })}
    }
}

/// That not all tokens are marked, where it is so.
#[component]
pub fn TooMany(n_tokens: usize) -> impl IntoView {
    (n_tokens > TOKENS_MAX).then(|| {
        view! { <p class="cap">{format!("The first {TOKENS_MAX} of {n_tokens} tokens are marked; the rest is plain text.")}</p> }
    })
}

/// What the marks mean.
#[component]
fn HeatKey() -> impl IntoView {
    let classes = (0..=HEAT_BOUNDS.len()).map(|class| {
        view! {
            <span data-p=(class > 0).then_some(class)>{bounds(class)}</span>
        }
    });
    view! {
        <div class="heat-key heat" role="note">
            "Probability of each token, before temperature and top-p: "
            {classes.collect_view()}
        </div>
    }
}

/// `0.5 and more`, `0.2 to 0.5`, `below 0.01`.
fn bounds(class: usize) -> String {
    let above = class.checked_sub(1).map(|it| HEAT_BOUNDS[it]);
    match (HEAT_BOUNDS.get(class), above) {
        (Some(from), None) => format!("{from} and more"),
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (None, to) => format!("below {}", to.unwrap_or(1.0)),
    }
}

#[component]
fn Summary(
    summary: ScoreSummary,
    least: Likely,
    selected: RwSignal<Option<usize>>,
    focus: NodeRef<Div>,
) -> impl IntoView {
    let p = probability(least.probability());
    let can_show = summary.least_idx < TOKENS_MAX;
    let show = move |_| {
        if let Some(text) = focus.get_untracked() {
            // Without the focus the panel is shown all the same.
            let _ = text.focus();
        }
        selected.set(Some(summary.least_idx));
    };
    view! {
        <p class="heat-key">
            {format!(
                "{}, mean log-probability {}, perplexity {:.2}. Least likely: ",
                count(summary.n_tokens as u64, "token"),
                signed(summary.mean(), 2),
                summary.perplexity(),
            )}
            <button class="btn" data-kind="quiet" type="button" disabled=!can_show on:click=show>
                <span class="mono">{least.bytes.shown()}</span>
                {format!("at {p}")}
            </button>
        </p>
    }
}

/// A token, and what could have stood in its place.
#[component]
pub fn TokenPanel(score: TokenScore) -> impl IntoView {
    let TokenScore { token, top } = score;
    let heading = format!("probability {}, log {}", probability(token.probability()), signed(token.logprob(), 2));
    let is_among = top.iter().any(|it| it.bytes == token.bytes);
    let rows = top.into_iter().chain((!is_among).then(|| token.clone()));
    let row = |it: Likely| {
        let p = it.probability();
        view! {
            <tr aria-current=(it.bytes == token.bytes).then_some("true")>
                <td>{it.bytes.shown()}</td>
                <td>
                    <progress class="bar" max="1" value=format!("{p:.4}") aria-hidden="true"></progress>
                </td>
                <td>{probability(p)}</td>
            </tr>
        }
    };
    view! {
        <div class="row">
            <TokenName token=token.clone()/>
            <span class="dim">{heading}</span>
        </div>
        <table>
            <tbody>{rows.map(row).collect_view()}</tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_named_without_a_gap() {
        let names: Vec<_> = (0..=HEAT_BOUNDS.len()).map(bounds).collect();
        assert_eq!(names, ["0.5 and more", "0.2 to 0.5", "0.05 to 0.2", "0.01 to 0.05", "below 0.01"]);
    }
}
