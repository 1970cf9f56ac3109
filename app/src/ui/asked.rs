//! What was asked, where the form would name the models.

use super::words::count;
use domain::{Comparison, Sampling};
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn Asked(comparison: Arc<Comparison>) -> impl IntoView {
    let Sampling { temperature, top_p, max_tokens } = comparison.sampling;
    let samples = count(comparison.n_samples.into(), "sample");
    let sampling = format!("{samples}, temperature {temperature}, top-p {top_p}, at most {max_tokens} tokens");
    view! {
        <section class="bench" aria-label="What was asked">
            <div class="line">
                <p class="question">
                    <strong>{comparison.question_text.clone()}</strong>
                </p>
                <span class="badge">{comparison.format.name()}</span>
                <span class="soft">{sampling}</span>
                <a class="btn" href="/">
                    "Ask something else"
                </a>
            </div>
        </section>
    }
}
