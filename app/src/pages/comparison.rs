//! `/comparisons/{id}`: one comparison, while it is written and ever after.

use super::not_found::NotFound;
use crate::{
    api,
    backend::ApiError,
    ui::{
        answer_column::AnswerColumn,
        ask_on::AskOn,
        asked::Asked,
        bench::Bench,
        blind_note::BlindNote,
        catalogue::Catalogue,
        comparison_keys,
        cut_off_note::CutOffNote,
        desk::Desk,
        error_note::ErrorNote,
        follow_ups::FollowUps,
        foot::{BlindFoot, Foot},
        jump::Jump,
        live::Live,
        prompt_as_sent::PromptAsSent,
        rcdata::rcdata,
        status_line::StatusLine,
        turns::Turns,
        words::number,
    },
};
use domain::{AskForm, Comparison, ComparisonId, Family, ModelCard};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// All that the page shows.
#[derive(Clone, Serialize, Deserialize)]
struct Loaded {
    comparison: Comparison,
    /// Those that can be asked next, where the server draws the page. None while the comparison is blind, since they have
    /// names, and in the browser, which asks for them when the answers are there.
    models: Option<Vec<ModelCard>>,
}

#[component]
pub fn ComparisonPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get_str("id").and_then(|it| it.parse().ok()).map(ComparisonId));
    view! {
        <main class="page" id="main" tabindex="-1">
            {move || match id.get() {
                Some(id) => view! { <OneComparison id/> }.into_any(),
                None => view! { <NotFound/> }.into_any(),
            }}
        </main>
    }
}

async fn load(id: ComparisonId) -> Result<Loaded, ApiError> {
    let comparison = api::comparison(id).await?;
    let models = if cfg!(feature = "ssr") && !comparison.is_blind() { Some(api::models().await?) } else { None };
    Ok(Loaded { comparison, models })
}

#[component]
fn OneComparison(id: ComparisonId) -> impl IntoView {
    let loaded = Resource::new(|| (), move |()| load(id));
    let family = Resource::new(|| (), move |()| api::family(id));
    let retry = Callback::new(move |()| {
        loaded.refetch();
        family.refetch();
    });
    view! {
        <Suspense fallback=|| view! { <div class="columns" aria-busy="true"></div> }>
            {move || Suspend::new(async move {
                match (loaded.await, family.await) {
                    (Ok(loaded), Ok(family)) => view! { <Shown loaded family/> }.into_any(),
                    (Err(ApiError::NotFound), _) => view! { <NotFound/> }.into_any(),
                    (Err(err), _) | (_, Err(err)) => {
                        view! { <ErrorNote message=err.to_string() retry/> }.into_any()
                    }
                }
            })}
        </Suspense>
    }
}

/// The page once it is loaded. In the browser it follows the answers while they are written.
#[component]
fn Shown(loaded: Loaded, family: Family) -> impl IntoView {
    let Loaded { comparison, models } = loaded;
    let catalogue = Catalogue::here();
    if models.is_some() {
        catalogue.models.set(models);
    }
    let desk = Desk::new(comparison.columns.len(), &use_query_map().read_untracked());
    let title = format!("{}, {} · Plumbline", comparison.question().title(), comparison.format.name());
    let live = Live::new(comparison, desk);
    let is_blind = Memo::new(move |_| live.head.read().is_blind());
    comparison_keys::listen(live);
    view! {
        <Title text=rcdata(&title)/>
        <h1 class="sr">{move || heading(&live.head.read())}</h1>
        {move || {
            // Not with every change of the head: what is being typed into the form stays.
            let _ = is_blind.get();
            ask_again(live.head.get_untracked())
        }}
        <Refused live/>
        <CutOffNote live/>
        <Answers live is_blind family/>
        <AskOn live is_blind/>
        {move || match is_blind.get() {
            true => view! { <BlindFoot/> }.into_any(),
            false => view! { <Foot any_demo=Signal::derive(move || shows_demo(live, catalogue))/> }.into_any(),
        }}
    }
}

fn heading(comparison: &Comparison) -> String {
    let n = number(comparison.columns.len());
    let models = if comparison.columns.len() == 1 { "model" } else { "models" };
    let blind = if comparison.is_blind() { ", blind" } else { "" };
    format!("Compare {n} {models}{blind}: {}, {}", comparison.question().title(), comparison.format.name())
}

/// Whether one of the models that are shown is a demonstration model.
fn shows_demo(live: Live, catalogue: Catalogue) -> bool {
    let head = live.head.read();
    let is_shown = |card: &ModelCard| head.columns.iter().flat_map(|it| &it.model).any(|it| it.id == card.id);
    catalogue.models.read().iter().flatten().any(|it| it.is_demo && is_shown(it))
}

/// The form that would ask the same again; while blind, and in a conversation, only what was asked.
fn ask_again(comparison: Arc<Comparison>) -> AnyView {
    match comparison.again() {
        Some(again) => view! { <Bench opened=AskForm::of(&again) seed=Some(comparison.seed)/> }.into_any(),
        None => view! { <Asked comparison/> }.into_any(),
    }
}

/// Why a press on Stop, Continue or Reveal did nothing.
#[component]
fn Refused(live: Live) -> impl IntoView {
    let close = Callback::new(move |()| live.refused.set(None));
    move || {
        let refused = live.refused.get();
        refused.map(|err| view! { <ErrorNote message=err.to_string() retry=close verb="Close"/> })
    }
}

/// Drawn once, and once more when names are revealed; all that changes in between changes inside.
#[component]
fn Answers(live: Live, is_blind: Memo<bool>, family: Family) -> impl IntoView {
    let follow_ups = family.follow_ups.clone();
    let columns = move |head: &Comparison| {
        let columns = live.columns().into_iter().zip(head.columns.clone());
        let format = head.format;
        columns.map(|(column, about)| view! { <AnswerColumn live column about format/> }).collect_view()
    };
    view! {
        {move || is_blind.get().then(|| view! { <BlindNote live family=family.clone()/> })}
        <Turns live is_blind/>
        {move || view! { <PromptAsSent comparison=live.head.get()/> }}
        <StatusLine live/>
        {move || {
            let _ = is_blind.get();
            let head = live.head.get_untracked();
            view! {
                <Jump live head=head.clone()/>
                <section class="columns" aria-label="Answers">
                    {columns(&head)}
                </section>
                <FollowUps follow_ups=follow_ups.clone() head/>
            }
        }}
    }
}
