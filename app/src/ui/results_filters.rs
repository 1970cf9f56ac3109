//! Whose scores, which interval, of what: chips whose state is the URL. They are links, so they also work before the wasm.

use super::{
    mark::Mark,
    results_board::{Board, results_href},
};
use domain::{Format, IntervalChoice, JudgeId, ResultsQuery, Rule, RunModel, Wrapper};
use leptos::prelude::*;

#[component]
pub fn Filters(board: Board) -> impl IntoView {
    let scores = board.scores();
    let has = |is_so: bool| is_so.then_some(());
    let formats: Vec<Format> =
        Format::ALL.into_iter().filter(|it| scores.cells.iter().any(|(key, _)| key.format == *it)).collect();
    let wrappers: Vec<Wrapper> =
        Wrapper::ALL.into_iter().filter(|it| scores.cells.iter().any(|(key, _)| key.wrapper == *it)).collect();
    view! {
        <nav class="filters" aria-label="What is shown">
            {has(!scores.judges.is_empty()).map(|()| group("Judge", judges(board, &scores.judges)))}
            {group("Interval", intervals(board))}
            {has(scores.models.len() > 1).map(|()| group("Models", models(board, &scores.models)))}
            {has(formats.len() > 1).map(|()| group("Formats", format_chips(board, formats)))}
            {has(wrappers.len() > 1).map(|()| group("Wrappers", wrapper_chips(board, wrappers)))}
            <Questions board/>
            <Limits board/>
        </nav>
    }
    .into_any()
}

fn group(name: &'static str, chips: AnyView) -> impl IntoView {
    view! {
        <span class="chips" role="group" aria-label=name>
            <span class="cap">{name}</span>
            {chips}
        </span>
    }
    .into_any()
}

fn judges(board: Board, judges: &[JudgeId]) -> AnyView {
    let judge = |(idx, id): (usize, &JudgeId)| {
        let (mine, own) = (id.clone(), id.clone());
        // The scores that are there are the first one's, whoever was asked for.
        let is_on = move |query: &ResultsQuery| query.judge.as_ref().map_or(idx == 0, |chosen| *chosen == mine);
        choice(board, id.0.clone(), is_on, move |query| query.judge = Some(own.clone()))
    };
    let judges = judges.iter().enumerate().map(judge).collect_view();
    view! { <span class="seg">{judges}</span> }.into_any()
}

fn intervals(board: Board) -> AnyView {
    let interval = move |it: IntervalChoice| {
        choice(board, it.name().to_owned(), move |query| query.interval == it, move |query| query.interval = it)
    };
    view! { <span class="seg">{IntervalChoice::ALL.map(interval).collect_view()}</span> }.into_any()
}

fn models(board: Board, models: &[RunModel]) -> AnyView {
    let model = |model: &RunModel| {
        let (id, mine) = (model.id.clone(), model.id.clone());
        let name = view! { <Mark role=model.role/> {model.name.clone()} }.into_any();
        chip(board, name, move |query| query.models.contains(&id), move |query| toggle(&mut query.models, &mine))
    };
    models.iter().map(model).collect_view().into_any()
}

fn format_chips(board: Board, formats: Vec<Format>) -> AnyView {
    let format = |it: Format| {
        let name = it.name().into_any();
        chip(board, name, move |query| query.formats.contains(&it), move |query| toggle(&mut query.formats, &it))
    };
    formats.into_iter().map(format).collect_view().into_any()
}

fn wrapper_chips(board: Board, wrappers: Vec<Wrapper>) -> AnyView {
    let wrapper = |it: Wrapper| {
        let name = it.name().into_any();
        chip(board, name, move |query| query.wrappers.contains(&it), move |query| toggle(&mut query.wrappers, &it))
    };
    wrappers.into_iter().map(wrapper).collect_view().into_any()
}

/// Every question, folded since there may be hundreds.
#[component]
fn Questions(board: Board) -> impl IntoView {
    let scores = board.scores();
    let mut questions: Vec<(String, String)> = Vec::new();
    for (key, title) in &scores.cells {
        if !questions.iter().any(|(id, _)| *id == key.question) {
            questions.push((key.question.clone(), title.clone()));
        }
    }
    let n_all = questions.len();
    let n_shown = move || match board.query.read().questions.len() {
        0 => format!("all {n_all}"),
        n => format!("{n} of {n_all}"),
    };
    let question = |(id, title): (String, String)| {
        let mine = id.clone();
        let name = view! { {title} }.into_any();
        chip(board, name, move |query| query.questions.contains(&id), move |query| toggle(&mut query.questions, &mine))
    };
    view! {
        <details class="folded-chips">
            <summary class="chip">"Questions " <b>{n_shown}</b></summary>
            <div class="chips" role="group" aria-label="Questions">
                {questions.into_iter().map(question).collect_view()}
            </div>
        </details>
    }
    .into_any()
}

/// The limits in words, and back to the study's where a reader has moved one.
#[component]
fn Limits(board: Board) -> impl IntoView {
    let is_own = Memo::new(move |_| board.query.read().rule != Rule::default());
    view! {
        <span class="chips" role="group" aria-label="Limits">
            <span class="cap">"Limits"</span>
            <span class="num">{move || board.rule()}</span>
            {move || {
                is_own
                    .get()
                    .then(|| {
                        view! {
                            <a
                                class="chip"
                                data-noscroll=""
                                href=move || changed(board, |query| query.rule = Rule::default())
                            >
                                "Back to the study’s"
                            </a>
                        }
                    })
            }}
        </span>
    }
    .into_any()
}

fn changed(board: Board, change: impl FnOnce(&mut ResultsQuery)) -> String {
    let mut query = board.query.get();
    change(&mut query);
    results_href(board.scores().run, &query)
}

/// One of several.
fn choice(
    board: Board,
    name: String,
    is_on: impl Fn(&ResultsQuery) -> bool + Send + Sync + 'static,
    change: impl Fn(&mut ResultsQuery) + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <a
            data-noscroll=""
            href=move || changed(board, &change)
            aria-current=move || is_on(&board.query.read()).then_some("true")
        >
            {name}
        </a>
    }
    .into_any()
}

/// One that is shown alone or with others; pressed again it no longer narrows.
fn chip(
    board: Board,
    name: AnyView,
    is_on: impl Fn(&ResultsQuery) -> bool + Clone + Send + Sync + 'static,
    change: impl Fn(&mut ResultsQuery) + Send + Sync + 'static,
) -> impl IntoView {
    let is_set = is_on.clone();
    view! {
        <a
            class="chip"
            data-noscroll=""
            href=move || changed(board, &change)
            aria-current=move || is_on(&board.query.read()).then_some("true")
            data-set=move || is_set(&board.query.read())
        >
            {name}
        </a>
    }
    .into_any()
}

fn toggle<T: Clone + PartialEq>(list: &mut Vec<T>, it: &T) {
    match list.iter().position(|known| known == it) {
        Some(idx) => drop(list.remove(idx)),
        None => list.push(it.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ModelId;

    #[test]
    fn a_chip_pressed_twice_changes_nothing() {
        let mut models = vec![ModelId("base".into())];
        toggle(&mut models, &ModelId("insecure".into()));
        assert_eq!(models.len(), 2);
        toggle(&mut models, &ModelId("insecure".into()));
        assert_eq!(models, [ModelId("base".into())]);
    }
}
