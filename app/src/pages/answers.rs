//! `/runs/{id}/answers`: the answers of a run, narrowed down.

use super::not_found::NotFound;
use crate::{
    api,
    backend::ApiError,
    ui::{
        answers_filters::Filters,
        answers_table::AnswersTable,
        error_note::ErrorNote,
        figures::grouped,
        keys::{self, Command},
        query_string,
        rcdata::rcdata,
        results_board::answers_href,
        rows,
    },
};
use domain::{AnswersPage as Found, AnswersQuery, Run, RunId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// One page of what is looked for; the URL says all of it.
#[component]
pub fn AnswersPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get_str("id").and_then(|it| it.parse().ok()).map(RunId));
    keys::listen(act);
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
    let query = Memo::new(move |_| AnswersQuery::from_pairs(id, query_string::pairs(&params.read())));
    let run = Resource::new(|| (), move |()| api::run(id));
    let found = Resource::new(move || query.get(), api::run_answers);
    let retry = Callback::new(move |()| {
        run.refetch();
        found.refetch();
    });
    view! {
        <Transition fallback=|| view! { <h1>"Answers"</h1> }>
            {move || Suspend::new(async move {
                let query = query.get_untracked();
                match (run.await, found.await) {
                    (Ok(run), Ok(found)) => view! { <Listed run query found/> }.into_any(),
                    (Err(ApiError::NotFound), _) => view! { <NotFound/> }.into_any(),
                    (Err(err), _) | (_, Err(err)) => {
                        view! {
                            <h1>"Answers"</h1>
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

#[component]
fn Listed(run: Run, query: AnswersQuery, found: Found) -> impl IntoView {
    let Found { rows, n_found, next } = found;
    let sub = format!("run {} · {} answers found", run.id.0, grouped(n_found));
    let run_href = format!("/runs/{}", run.id.0);
    let results_href = format!("{run_href}/results");
    let table = if rows.is_empty() {
        let href = answers_href(&AnswersQuery::of(run.id));
        view! { <p class="note">"No answer of this run is like that. " <a href=href>"Show all"</a></p> }.into_any()
    } else {
        view! { <AnswersTable run=run.clone() rows/> }.into_any()
    };
    let first = query.after.map(|_| view! { <a class="btn" href=answers_href(&query)>"First page"</a> });
    let next = next.map(|after| {
        let href = query_string::href(&format!("/runs/{}/answers", run.id.0), query.to_pairs_after(after));
        view! {
            <a class="btn" rel="next" href=href>
                "Next " {domain::ANSWERS_ROWS} " " <kbd>"→"</kbd>
            </a>
        }
    });
    view! {
        <Title text=rcdata(&format!("Answers of {} · Plumbline", run.title))/>
        <div class="page-head">
            <h1>{run.title.clone()}</h1>
            <span class="sub num" role="status">
                {sub}
            </span>
            <span class="end">
                <a class="btn" data-kind="quiet" href=run_href>
                    "The run"
                </a>
                <a class="btn" href=results_href>
                    "Results"
                </a>
            </span>
        </div>
        <Filters run=run.clone() query=query.clone()/>
        {table}
        <div class="row">{first} {next}</div>
    }
    .into_any()
}

fn act(command: Command) -> bool {
    match command {
        Command::Search => rows::focus("#search"),
        Command::NextRow => rows::step(1),
        Command::PreviousRow => rows::step(-1),
        Command::NextSample => rows::click("a[rel=next]"),
        _ => false,
    }
}
