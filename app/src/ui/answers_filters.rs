//! Which answers of a run are looked for: chips and a search, whose state is the URL.

use super::{mark::Mark, results_board::answers_href};
use domain::{AnswersOrder, AnswersQuery, Format, Run, Verdict, Wrapper, range_in_words};
use leptos::{html::Input, prelude::*};
use leptos_router::hooks::use_navigate;
use web_sys::SubmitEvent;

#[component]
pub fn Filters(run: Run, query: AnswersQuery) -> impl IntoView {
    let query = AnswersQuery { after: None, ..query };
    let chip = {
        let query = query.clone();
        move |name: AnyView, is_set: bool, change: &dyn Fn(&mut AnswersQuery)| {
            let mut changed = query.clone();
            change(&mut changed);
            view! {
                <a class="chip" href=answers_href(&changed) aria-current=is_set.then_some("true") data-set=is_set>
                    {name}
                </a>
            }
        }
    };
    let text = |it: String| view! { {it} }.into_any();
    let models = run.models.iter().map(|it| {
        let name = view! { <Mark role=it.role/> {it.name.clone()} }.into_any();
        chip(name, query.models.contains(&it.id), &|query| toggle(&mut query.models, &it.id))
    });
    let formats: Vec<Format> =
        Format::ALL.into_iter().filter(|it| run.cells.iter().any(|cell| cell.key.format == *it)).collect();
    let formats = formats
        .into_iter()
        .map(|it| chip(text(it.name().into()), query.formats.contains(&it), &|query| toggle(&mut query.formats, &it)));
    let wrappers: Vec<Wrapper> =
        Wrapper::ALL.into_iter().filter(|it| run.cells.iter().any(|cell| cell.key.wrapper == *it)).collect();
    let n_wrappers = wrappers.len();
    let wrappers = wrappers.into_iter().filter(|_| n_wrappers > 1).map(|it| {
        chip(text(it.name().into()), query.wrappers.contains(&it), &|query| toggle(&mut query.wrappers, &it))
    });
    let mut questions: Vec<(String, String)> = Vec::new();
    for cell in &run.cells {
        if !questions.iter().any(|(id, _)| *id == cell.key.question) {
            questions.push((cell.key.question.clone(), cell.title.clone()));
        }
    }
    let n_questions = match query.questions.len() {
        0 => format!("all {}", questions.len()),
        n => format!("{n} of {}", questions.len()),
    };
    let questions = questions.into_iter().map(|(id, title)| {
        chip(text(title), query.questions.contains(&id), &|query| toggle(&mut query.questions, &id))
    });
    let judges = run.judges.iter().enumerate().map(|(idx, it)| {
        let is_set = query.judge.as_ref().map_or(idx == 0, |chosen| *chosen == it.judge);
        chip(text(it.judge.0.clone()), is_set, &|query| query.judge = Some(it.judge.clone()))
    });
    let labels = Verdict::ALL.into_iter().map(|it| {
        let is_set = query.verdict == Some(it);
        chip(text(it.name().into()), is_set, &|query| query.verdict = if is_set { None } else { Some(it) })
    });
    let ranges = [("aligned", query.aligned), ("coherent", query.coherent)].into_iter().filter_map(|(name, range)| {
        let words = view! { {name} " " <b>{range_in_words(range?)}</b> " ×" }.into_any();
        let drop_range = |query: &mut AnswersQuery| match name {
            "aligned" => query.aligned = None,
            _ => query.coherent = None,
        };
        Some(chip(words, true, &drop_range))
    });
    let is_least = query.order == AnswersOrder::LeastAligned;
    let order = if is_least { AnswersOrder::Asked } else { AnswersOrder::LeastAligned };
    let n_judges = run.judges.len();
    view! {
        <Search query=query.clone()/>
        <nav class="filters" aria-label="Which answers">
            {group("Judge", n_judges > 1, judges.collect_view().into_any())}
            {group("Models", run.models.len() > 1, models.collect_view().into_any())}
            {group("Formats", true, formats.collect_view().into_any())}
            {group("Wrappers", n_wrappers > 1, wrappers.collect_view().into_any())}
            {group(
                "Scores",
                true,
                view! {
                    {ranges.collect_view()}
                    {chip(
                        text("no score".into()),
                        query.only_unscored,
                        &|query| {
                            query.only_unscored = !query.only_unscored;
                            query.aligned = None;
                            query.coherent = None;
                        },
                    )}
                    {chip(text("least aligned first".into()), is_least, &|query| query.order = order)}
                }
                    .into_any(),
            )}
            {group(
                "Texts",
                true,
                chip(
                        text("only different".into()),
                        query.only_different,
                        &|query| query.only_different = !query.only_different,
                    )
                    .into_any(),
            )}
            <details class="folded-chips" open=query.verdict.is_some()>
                <summary class="chip">"Label " <b>{query.verdict.map_or("any", Verdict::name)}</b></summary>
                <div class="chips" role="group" aria-label="Labels">
                    {labels.collect_view()}
                </div>
            </details>
            <details class="folded-chips">
                <summary class="chip">"Questions " <b>{n_questions}</b></summary>
                <div class="chips" role="group" aria-label="Questions">
                    {questions.collect_view()}
                </div>
            </details>
        </nav>
    }
    .into_any()
}

fn group(name: &'static str, is_shown: bool, chips: AnyView) -> Option<impl IntoView> {
    is_shown.then(|| {
        view! {
            <span class="chips" role="group" aria-label=name>
                <span class="cap">{name}</span>
                {chips}
            </span>
        }
    })
}

/// Without the wasm an ordinary form, which says the other choices with it.
#[component]
fn Search(query: AnswersQuery) -> impl IntoView {
    let navigate = use_navigate();
    let words = NodeRef::<Input>::new();
    let action = format!("/runs/{}/answers", query.run.0);
    let others = AnswersQuery { search: String::new(), ..query.clone() };
    let hidden = others.to_pairs().into_iter().map(|(name, value)| {
        view! { <input type="hidden" name=name value=value/> }
    });
    let hidden = hidden.collect_view();
    let find = move |event: SubmitEvent| {
        event.prevent_default();
        let search = words.get_untracked().map(|it| it.value()).unwrap_or_default();
        navigate(&answers_href(&AnswersQuery { search, ..others.clone() }), Default::default());
    };
    view! {
        <form class="filters" role="search" method="get" action=action on:submit=find>
            <input
                class="input search"
                type="search"
                id="search"
                name="search"
                aria-label="Search answers"
                placeholder="Words that all occur in the answer"
                value=query.search
                node_ref=words
            />
            {hidden}
            <button class="btn" type="submit">
                "Search"
            </button>
        </form>
    }
    .into_any()
}

fn toggle<T: Clone + PartialEq>(list: &mut Vec<T>, it: &T) {
    match list.iter().position(|known| known == it) {
        Some(idx) => drop(list.remove(idx)),
        None => list.push(it.clone()),
    }
}
