//! `/runs/{id}`: how far a run is, what happened, and what it would take to repeat it.

use super::not_found::NotFound;
use crate::{
    api,
    backend::ApiError,
    ui::{
        error_note::ErrorNote,
        keys::{self, Command},
        rcdata::rcdata,
        run_acts::Following,
        run_board::RunBoard,
    },
};
use domain::{JudgeCard, ModelCard, Run, RunId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

/// All that the page shows: the run, and what could be added to it.
#[derive(Clone, Serialize, Deserialize)]
struct Loaded {
    run: Run,
    models: Vec<ModelCard>,
    judges: Vec<JudgeCard>,
}

#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get_str("id").and_then(|it| it.parse().ok()).map(RunId));
    view! {
        <main class="page" id="main" tabindex="-1">
            {move || match id.get() {
                Some(id) => view! { <OneRun id/> }.into_any(),
                None => view! { <NotFound/> }.into_any(),
            }}
        </main>
    }
    .into_any()
}

async fn load(id: RunId) -> Result<Loaded, ApiError> {
    Ok(Loaded { run: api::run(id).await?, models: api::models().await?, judges: api::judges().await? })
}

#[component]
fn OneRun(id: RunId) -> impl IntoView {
    let loaded = Resource::new(|| (), move |()| load(id));
    let retry = Callback::new(move |()| loaded.refetch());
    view! {
        <Suspense fallback=|| view! { <h1>"Run"</h1> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(loaded) => view! { <Shown loaded/> }.into_any(),
                    Err(ApiError::NotFound) => view! { <NotFound/> }.into_any(),
                    Err(err) => {
                        view! {
                            <h1>"Run"</h1>
                            <ErrorNote message=err.to_string() retry/>
                        }
                            .into_any()
                    }
                }
            })}
        </Suspense>
    }
    .into_any()
}

/// The run as it was loaded, and in the browser as it is.
#[component]
fn Shown(loaded: Loaded) -> impl IntoView {
    let Loaded { run, models, judges } = loaded;
    let title = rcdata(&format!("{} · Plumbline", run.title));
    let following = Following::new(run);
    keys::listen(move |command| command == Command::Pause && following.pause_or_go_on());
    view! {
        <Title text=title/>
        <RunBoard following models judges/>
    }
    .into_any()
}
