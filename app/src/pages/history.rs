//! `/history`: every comparison, newest first.

use crate::{
    api,
    ui::{
        clock::Clock,
        error_note::ErrorNote,
        history_table::HistoryTable,
        keys::{self, Command},
        rows,
        words::count,
    },
};
use domain::{ComparisonId, Format, HistoryPage as Found, HistoryQuery, Timestamp};
use leptos::{html::Input, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};
use web_sys::SubmitEvent;

/// One page of what is looked for; the URL says all of it.
#[component]
pub fn HistoryPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| from_url(&params.read()));
    let found = Resource::new(move || query.get(), api::history);
    let retry = Callback::new(move |()| found.refetch());
    keys::listen(act);
    view! {
        <Title text="History · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <Transition fallback=|| view! { <h1>"History"</h1> }>
                {move || Suspend::new(async move {
                    let query = query.get_untracked();
                    match found.await {
                        Ok(found) => view! { <Listed query found/> }.into_any(),
                        Err(err) => {
                            view! {
                                <h1>"History"</h1>
                                <ErrorNote message=err.to_string() retry/>
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </main>
    }
}

#[component]
fn Listed(query: HistoryQuery, found: Found) -> impl IntoView {
    let n_found = format!("{}, newest first", count(found.n_found, "comparison"));
    let Found { rows, next, .. } = found;
    let until = rows.last().map(|it| it.created_at);
    view! {
        <div class="page-head">
            <h1>"History"</h1>
            <span class="sub num">{n_found}</span>
        </div>
        <Filters query=query.clone()/>
        {if rows.is_empty() { nothing(&query) } else { view! { <HistoryTable rows/> }.into_any() }}
        <Turn query next until/>
    }
}

/// To the next page, and back to the first.
#[component]
fn Turn(query: HistoryQuery, next: Option<ComparisonId>, until: Option<Timestamp>) -> impl IntoView {
    let clock = Clock::here();
    let newest = query.before.map(|_| view! { <a class="btn" href=href(&query, None)>"Newest"</a> });
    let older = next.map(|next| {
        view! {
            <a class="btn" rel="next" href=href(&query, Some(next))>
                "Older " <kbd>"→"</kbd>
            </a>
            <span class="dim">{move || until.map(|at| format!("before {}", clock.day_and_time(at)))}</span>
        }
    });
    view! {
        <div class="row">{newest} {older}</div>
    }
}

fn nothing(query: &HistoryQuery) -> AnyView {
    let message = match (query.search.as_str(), query.format) {
        ("", None) => {
            return view! {
                <p class="note">
                    "Nothing has been asked yet. " <a href="/">"Compare"</a> " asks several models the same question."
                </p>
            }
            .into_any();
        }
        ("", Some(format)) => format!("Nothing has been asked in {} yet. ", format.name()),
        (search, _) => format!("Nothing was found for “{search}”. "),
    };
    view! { <p class="note">{message} <a href="/history">"Show all"</a></p> }.into_any()
}

/// Search and format. Without the wasm the search is an ordinary form.
#[component]
fn Filters(query: HistoryQuery) -> impl IntoView {
    let HistoryQuery { search, format, .. } = query.clone();
    let chip = move |name: &'static str, to: Option<Format>| {
        let query = HistoryQuery { format: to, ..query.clone() };
        view! {
            <a class="chip" href=href(&query, None) aria-current=(to == format).then_some("true") data-set=to == format>
                {name}
            </a>
        }
    };
    let formats = Format::ALL.map(|it| chip(it.name(), Some(it)));
    let box_of_words = NodeRef::<Input>::new();
    let navigate = use_navigate();
    let find = move |event: SubmitEvent| {
        event.prevent_default();
        let search = box_of_words.get_untracked().map(|it| it.value()).unwrap_or_default();
        navigate(&href(&HistoryQuery { search, format, before: None }, None), Default::default());
    };
    view! {
        <form class="filters" role="search" method="get" action="/history" on:submit=find>
            <input
                class="input search"
                type="search"
                id="search"
                name="search"
                aria-label="Search questions, answers and notes"
                placeholder="Search questions, answers and notes"
                value=search
                node_ref=box_of_words
            />
            {format.map(|it| view! { <input type="hidden" name="format" value=it.as_str()/> })}
            <button class="btn" type="submit">
                "Search"
            </button>
            {chip("Any format", None)}
            {formats.into_iter().collect_view()}
        </form>
    }
}

fn from_url(params: &ParamsMap) -> HistoryQuery {
    HistoryQuery {
        search: params.get("search").unwrap_or_default(),
        format: params.get_str("format").and_then(|it| it.parse().ok()),
        before: params.get_str("before").and_then(|it| it.parse().ok()).map(ComparisonId),
    }
}

fn href(query: &HistoryQuery, before: Option<ComparisonId>) -> String {
    let mut params = ParamsMap::new();
    if !query.search.is_empty() {
        params.insert("search", query.search.clone());
    }
    if let Some(format) = query.format {
        params.insert("format", format.as_str().to_owned());
    }
    if let Some(before) = before {
        params.insert("before", before.0.to_string());
    }
    format!("/history{}", params.to_query_string())
}

/// `J` and `K` move the focus from row to row, so that Enter opens what has it.
fn act(command: Command) -> bool {
    match command {
        Command::Search => rows::focus("#search"),
        Command::NextRow => rows::step(1),
        Command::PreviousRow => rows::step(-1),
        Command::NextSample => rows::click("a[rel=next]"),
        _ => false,
    }
}
