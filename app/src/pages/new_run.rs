//! `/runs/new`: what to run, what it would take, and what models would receive.

use crate::{
    api,
    backend::ApiError,
    ui::{error_note::ErrorNote, query_string, run_form::RunBench},
};
use domain::{JudgeCard, ModelCard, Pack, RunForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

/// What there is to choose from.
#[derive(Clone, Serialize, Deserialize)]
struct Offered {
    packs: Vec<Pack>,
    models: Vec<ModelCard>,
    judges: Vec<JudgeCard>,
}

/// The form, opened as the URL says; the URL follows the form.
#[component]
pub fn NewRunPage() -> impl IntoView {
    let query = use_query_map();
    let offered = Resource::new(|| (), |()| load());
    let retry = Callback::new(move |()| offered.refetch());
    view! {
        <Title text="New run · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <div class="page-head">
                <h1>"New run"</h1>
                <span class="sub">"models × questions × formats × samples, each answer kept and judged"</span>
            </div>
            <Suspense fallback=|| view! { <div class="bench" aria-busy="true"></div> }>
                {move || Suspend::new(async move {
                    match offered.await {
                        Ok(Offered { packs, models, judges }) => {
                            let opened = RunForm::from_pairs(query_string::pairs(&query.read_untracked()));
                            view! { <RunBench opened packs models judges/> }.into_any()
                        }
                        Err(err) => view! { <ErrorNote message=err.to_string() retry/> }.into_any(),
                    }
                })}
            </Suspense>
        </main>
    }
}

async fn load() -> Result<Offered, ApiError> {
    Ok(Offered { packs: api::packs().await?, models: api::models().await?, judges: api::judges().await? })
}
