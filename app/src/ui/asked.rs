//! What was asked, where there is no form to ask it anew: while names are hidden, and where a conversation goes on.

use super::{
    desk::Desk,
    error_note::ErrorNote,
    turns::{SystemText, href},
    words::count,
};
use crate::api::AskAgain;
use domain::{Comparison, Edited, Origin, Sampling};
use leptos::{form::ActionForm, prelude::*};
use std::sync::Arc;

#[component]
pub fn Asked(comparison: Arc<Comparison>) -> impl IntoView {
    let Sampling { temperature, top_p, max_tokens } = comparison.sampling;
    let samples = count(comparison.n_samples.into(), "sample");
    let sampling = format!("{samples}, temperature {temperature}, top-p {top_p}, at most {max_tokens} tokens");
    let again = ServerAction::<AskAgain>::new();
    let id = comparison.id;
    let repeat = Callback::new(move |()| drop(again.dispatch(AskAgain { id })));
    let system = comparison.system.as_ref().map(|it| it.text().to_owned());
    view! {
        <section class="bench" aria-label="What was asked">
            <div class="line">
                <p class="question">
                    <strong>{comparison.question_text.clone()}</strong>
                </p>
                {comparison.origin.as_ref().map(from)}
                <span class="badge">{comparison.format.name()}</span>
                <span class="soft">{sampling}</span>
                <ActionForm action=again attr:class="again">
                    <input type="hidden" name="id" value=id.0/>
                    <button class="btn" type="submit" disabled=move || again.pending().get()>
                        "Ask again"
                    </button>
                </ActionForm>
                <a class="btn" data-kind="quiet" href="/">
                    "Ask something else"
                </a>
            </div>
            {system.map(|text| view! { <div class="line"><SystemText text/></div> })}
        </section>
        {move || {
            let failed = again.value().get().and_then(Result::err);
            failed.map(|err| view! { <ErrorNote message=err.to_string() retry=repeat/> })
        }}
    }
}

/// What it goes on from, with the way there.
fn from(origin: &Origin) -> AnyView {
    let parent = origin.comparison();
    let link = format!("#{}", parent.0);
    match origin.edited() {
        None => view! { <span class="soft">"follows " <a href=href(parent)>{link}</a></span> }.into_any(),
        Some(edited) => {
            let place = Desk::href(edited.column_idx as usize, edited.sample_idx as usize);
            view! { <span class="soft">{whose(edited)} <a href=format!("{}{place}", href(parent))>{link}</a></span> }
                .into_any()
        }
    }
}

fn whose(edited: &Edited) -> String {
    let what = if edited.is_changed { "continues an edited answer" } else { "continues an answer" };
    format!("{what} of {}, sample {} in ", edited.name(), edited.sample_idx + 1)
}
