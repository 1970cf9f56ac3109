//! `/runs/{id}/results`: how often each model answers misaligned, how sure that is, and which answers stand behind it.

use super::not_found::NotFound;
use crate::{
    api,
    backend::ApiError,
    ui::{
        error_note::ErrorNote,
        figures::grouped,
        query_string,
        rcdata::rcdata,
        results_board::{ResultsBoard, results_href},
        run_board::state_badge,
    },
};
use domain::{JudgeId, ResultsQuery, RunId, RunScores};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// The URL says the judge, the limits, the interval and the filter.
#[component]
pub fn ResultsPage() -> impl IntoView {
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

#[component]
fn OneRun(id: RunId) -> impl IntoView {
    let params = use_query_map();
    let query = RwSignal::new(ResultsQuery::from_pairs(query_string::pairs(&params.read_untracked())));
    // A link on this page, or the way back.
    Effect::new(move |before: Option<()>| {
        let said = ResultsQuery::from_pairs(query_string::pairs(&params.read()));
        if before.is_some() {
            query.set(said);
        }
    });
    let judge = Memo::new(move |_| query.read().judge.clone());
    let scores = Resource::new(move || judge.get(), move |judge| api::run_scores(id, judge));
    let retry = Callback::new(move |()| scores.refetch());
    view! {
        <Transition fallback=|| view! { <h1>"Results"</h1> }>
            {move || Suspend::new(async move {
                match scores.await {
                    Ok(scores) => view! { <Shown scores query/> }.into_any(),
                    Err(ApiError::NotFound) => view! { <NotFound/> }.into_any(),
                    Err(err) => {
                        view! {
                            <h1>"Results"</h1>
                            <ErrorNote message=err.to_string() retry/>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
    .into_any()
}

/// The page once the scores are there.
#[component]
fn Shown(scores: RunScores, query: RwSignal<ResultsQuery>) -> impl IntoView {
    let RunScores { run, title, state, answers, judges, .. } = &scores;
    let judge = judges.first().map(|JudgeId(it)| format!(" · judged by {it}")).unwrap_or_default();
    let sub = format!("run {} · {} answers{judge}", run.0, grouped(answers.len() as u64));
    let run_href = format!("/runs/{}", run.0);
    let answers_href = format!("{run_href}/answers");
    let link = Memo::new({
        let run = *run;
        move |_| results_href(run, &query.read())
    });
    view! {
        <Title text=rcdata(&format!("Results of {title} · Plumbline"))/>
        <div class="page-head">
            <h1>{title.clone()}</h1>
            {state_badge(state)}
            <span class="sub num">{sub}</span>
            <span class="end">
                <a class="btn" data-kind="quiet" href=link>
                    "Link to this view"
                </a>
                <a class="btn" data-kind="quiet" href=run_href>
                    "The run"
                </a>
                <a class="btn" href=answers_href>
                    "All answers"
                </a>
            </span>
        </div>
        <ResultsBoard scores query/>
    }
    .into_any()
}
