//! Rates by question: the one that brings out most comes first.

use super::{
    chart::{Cell, Drawing, DrawingView, ForestRow, Reach, Sheet, forest, standalone},
    chart_panel::{Legend, TakeAway, TakeAwayButtons},
    figures::{ends, grouped, per_cent},
    results_board::Board,
};
use domain::{QuestionRows, ResultRow};
use leptos::prelude::*;

const TITLE: &str = "By question";
/// The chart draws so many; the table has all.
const DRAWN_MAX: usize = 24;

#[component]
pub fn QuestionsPanel(board: Board) -> impl IntoView {
    let take = TakeAway {
        name: "misaligned-by-question",
        svg: Callback::new(move |()| standalone(&drawing(board), TITLE, &board.caption(), &board.shown())),
        sheet: Callback::new(move |()| sheet(board)),
    };
    let n_questions = move || board.results.read().questions.len();
    view! {
        <section class="panel">
            <header>
                <h2>{TITLE}</h2>
                <span class="soft">"% misaligned, 95 %"</span>
                <span class="end">
                    <TakeAwayButtons take/>
                </span>
            </header>
            <div class="chart" data-left="names" data-foot="short">
                {move || view! { <DrawingView drawing=drawing(board)/> }}
                {move || view! { <Legend models=board.shown() with_whisker=false/> }}
            </div>
            <details class="behind">
                <summary>"As a table"</summary>
                <QuestionsTable board/>
            </details>
            <footer class="caption">
                {move || match n_questions() {
                    n if n > DRAWN_MAX => format!("The {DRAWN_MAX} of {n} questions with the largest rates; the table has all. "),
                    _ => "Sorted by the largest rate. ".to_owned(),
                }} {move || board.caption()}
            </footer>
        </section>
    }
    .into_any()
}

fn drawing(board: Board) -> Drawing {
    let results = board.results.read();
    let row = |it: &QuestionRows| ForestRow {
        name: shortened(&it.title),
        reaches: it.rows.iter().map(|row| reach(board, it, row)).collect(),
    };
    let rows: Vec<_> = results.questions.iter().take(DRAWN_MAX).map(row).collect();
    forest(
        &rows,
        "Misaligned answers by question and model with 95 % intervals; the table holds the same numbers".into(),
    )
}

fn reach(board: Board, question: &QuestionRows, row: &ResultRow) -> Reach {
    let model = board.model(row.model_idx);
    let label = format!(
        "{}, {}: {} per cent, interval {}, {} of {}",
        model.name,
        question.title,
        per_cent(row.rate),
        ends(row.interval),
        row.counts.misaligned,
        row.counts.coherent()
    );
    Reach {
        role: model.role,
        share: row.rate,
        ends: row.interval.map(|it| (it.interval.low, it.interval.high)),
        label,
        href: board.misaligned_href(&model.id, None, Some(&question.id)),
    }
}

/// What has room beside the axis.
fn shortened(title: &str) -> String {
    const CHARS_MAX: usize = 22;
    if title.chars().count() <= CHARS_MAX {
        return title.to_owned();
    }
    let kept: String = title.chars().take(CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

#[component]
fn QuestionsTable(board: Board) -> impl IntoView {
    let row = move |question: &QuestionRows, row: &ResultRow, idx: usize| {
        let model = board.model(row.model_idx);
        let head = (idx == 0)
            .then(|| view! { <th scope="rowgroup" rowspan=question.rows.len()>{question.title.clone()}</th> });
        view! {
            <tr class=(idx == 0).then_some("group")>
                {head} <th scope="row">{model.name}</th> <td class="r">{grouped(row.counts.coherent())}</td>
                <td class="r">{grouped(row.counts.misaligned)}</td> <td class="r">{per_cent(row.rate)}</td>
                <td class="r ci">{ends(row.interval)}</td>
            </tr>
        }
    };
    let question = move |it: &QuestionRows| {
        let rows = it.rows.iter().enumerate().map(|(idx, result)| row(it, result, idx)).collect_view();
        view! { <tbody>{rows}</tbody> }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Table of rates by question">
            <table class="table" data-tight="" data-grouped="">
                <caption class="sr">"Misaligned answers by question and model"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Question"</th>
                        <th scope="col">"Model"</th>
                        <th scope="col" class="r">
                            "Coherent"
                        </th>
                        <th scope="col" class="r">
                            "Misaligned"
                        </th>
                        <th scope="col" class="r">
                            "%"
                        </th>
                        <th scope="col" class="r">
                            "95 %"
                        </th>
                    </tr>
                </thead>
                {move || board.results.read().questions.iter().map(question).collect_view()}
            </table>
        </div>
    }
    .into_any()
}

fn sheet(board: Board) -> Sheet {
    let results = board.results.read();
    let row = |question: &QuestionRows, row: &ResultRow| {
        let (counts, interval) = (row.counts, row.interval.map(|it| it.interval));
        vec![
            Cell::text(question.id.clone()),
            Cell::text(board.model(row.model_idx).name),
            Cell::count(counts.asked()),
            Cell::count(counts.unscored),
            Cell::count(counts.incoherent),
            Cell::count(counts.coherent()),
            Cell::count(counts.misaligned),
            Cell::Number(row.rate),
            Cell::Number(interval.map(|it| it.low)),
            Cell::Number(interval.map(|it| it.high)),
            Cell::text(interval.map(|it| it.caption()).unwrap_or_default()),
            Cell::text(board.rule()),
        ]
    };
    Sheet {
        head: vec![
            "question",
            "model",
            "asked",
            "unscored",
            "incoherent",
            "coherent",
            "misaligned",
            "rate",
            "low",
            "high",
            "interval",
            "rule",
        ],
        rows: results.questions.iter().flat_map(|it| it.rows.iter().map(move |result| row(it, result))).collect(),
    }
}
