//! `/runs`: every run, newest first.

use crate::{
    api,
    ui::{
        error_note::ErrorNote,
        keys::{self, Command},
        rows,
        runs_table::RunsTable,
        words::count,
    },
};
use domain::RunRow;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn RunsPage() -> impl IntoView {
    let runs = Resource::new(|| (), |()| api::runs());
    let retry = Callback::new(move |()| runs.refetch());
    keys::listen(|command| match command {
        Command::NextRow => rows::step(1),
        Command::PreviousRow => rows::step(-1),
        _ => false,
    });
    view! {
        <Title text="Runs · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <Transition fallback=|| view! { <h1>"Runs"</h1> }>
                {move || Suspend::new(async move {
                    match runs.await {
                        Ok(runs) => view! { <Listed runs/> }.into_any(),
                        Err(err) => {
                            view! {
                                <h1>"Runs"</h1>
                                <ErrorNote message=err.to_string() retry/>
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </main>
    }
    .into_any()
}

#[component]
pub fn Listed(runs: Vec<RunRow>) -> impl IntoView {
    let n_runs = count(runs.len() as u64, "run");
    view! {
        <div class="page-head">
            <h1>"Runs"</h1>
            <span class="sub num">{n_runs}</span>
            <span class="end">
                <a class="btn" data-kind="main" href="/runs/new">
                    "New run"
                </a>
            </span>
        </div>
        {if runs.is_empty() {
            view! {
                <p class="note">
                    "Nothing has been run yet. A run asks several models the questions of a pack, many times each, and has the answers judged. "
                    <a href="/runs/new">"Start one"</a> ", or bring judged answers in with “plumbline import judged”."
                </p>
            }
                .into_any()
        } else {
            view! { <RunsTable runs/> }.into_any()
        }}
    }
    .into_any()
}
