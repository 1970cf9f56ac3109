//! What a run would take on this machine.

use super::{
    figures::{about_time, grouped},
    icon::Icon,
    run_form::Planning,
    words::sentence,
};
use crate::{api, backend::ApiError};
use domain::{Estimate, RunForm, size};
use leptos::prelude::*;
use std::time::Duration;

/// Follows the form once nothing has changed for a moment.
#[component]
pub fn EstimatePanel(planning: Planning) -> impl IntoView {
    let settled = RwSignal::new(planning.form.get_untracked());
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
    };
    on_cleanup(stop);
    Effect::new(move |before: Option<RunForm>| {
        let form = planning.form.get();
        if before.is_some_and(|it| it != form) {
            stop();
            let form = form.clone();
            waiting.set_value(set_timeout_with_handle(move || settled.set(form), PAUSE).ok());
        }
        form
    });
    let estimate = Resource::new(move || settled.get(), estimated);
    view! {
        <section class="panel" aria-label="What it would take">
            <header>
                <h2>"What it would take"</h2>
                <span class="soft">"on this machine, beside nothing else"</span>
            </header>
            <div class="pad">
                <Transition fallback=|| view! { <p class="soft">"Estimating…"</p> }>
                    {move || Suspend::new(async move {
                        match estimate.await {
                            Ok(estimate) => view! { <Figures estimate/> }.into_any(),
                            Err(err) => view! { <p class="soft" role="status">{sentence(err)}</p> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </section>
    }
    .into_any()
}

const PAUSE: Duration = Duration::from_millis(250);

async fn estimated(form: RunForm) -> Result<Estimate, ApiError> {
    api::estimate_run(form).await
}

#[component]
pub fn Figures(estimate: Estimate) -> impl IntoView {
    let Estimate { n_answers, n_tokens, seconds, bytes } = estimate;
    let time = seconds.map_or_else(|| "–".to_owned(), about_time);
    let unmeasured = seconds.is_none().then(|| {
        view! {
            <p class="note" data-is="warn">
                <Icon name="clock"/>
                <span>
                    "These models have written nothing on this machine yet, so nobody can say how long it takes. Tokens and storage are given for answers as long as they may be."
                </span>
            </p>
        }
    });
    view! {
        <div class="stack" role="status">
            <dl class="meter">
                <div>
                    <dt>"Answers"</dt>
                    <dd class="num">{grouped(n_answers)}</dd>
                </div>
                <div>
                    <dt>"Tokens"</dt>
                    <dd class="num">{grouped(n_tokens)}</dd>
                </div>
                <div>
                    <dt>"Time"</dt>
                    <dd class="num">{time}</dd>
                </div>
                <div>
                    <dt>"Storage"</dt>
                    <dd class="num">{size(bytes)}</dd>
                </div>
            </dl>
            {unmeasured}
        </div>
    }
    .into_any()
}
