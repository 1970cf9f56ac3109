//! How far each model's rate lies from the reference's, on the same questions.

use super::{
    chart::{Cell, Drawing, DrawingView, ForestRow, Reach, Sheet, forest, standalone},
    chart_panel::{TakeAway, TakeAwayButtons},
    figures::{ends, per_cent, points, times},
    mark::Mark,
    results_board::Board,
};
use domain::ResultDifference;
use leptos::prelude::*;

/// Nothing where one model is shown.
#[component]
pub fn DifferencesPanel(board: Board) -> impl IntoView {
    let reference = Memo::new(move |_| board.results.read().reference_idx);
    move || {
        reference.get().map(|idx| {
            let reference = board.model(idx).name;
            view! { <Panel board reference/> }
        })
    }
}

#[component]
fn Panel(board: Board, reference: String) -> impl IntoView {
    let title = format!("Difference to {reference}");
    let heading = title.clone();
    let take = TakeAway {
        name: "difference-to-reference",
        svg: Callback::new(move |()| standalone(&drawing(board), &title, &caption(board), &board.shown())),
        sheet: Callback::new(move |()| sheet(board)),
    };
    view! {
        <section class="panel">
            <header>
                <h2>{heading}</h2>
                <span class="soft">"points, on the questions that both were asked"</span>
                <span class="end">
                    <TakeAwayButtons take/>
                </span>
            </header>
            <div class="chart" data-left="names" data-foot="short">
                {move || view! { <DrawingView drawing=drawing(board)/> }}
            </div>
            <Table board reference/>
            <footer class="caption">{move || caption(board)}</footer>
        </section>
    }
    .into_any()
}

fn caption(board: Board) -> String {
    let results = board.results.read();
    let is_instead = results.differences.iter().any(|it| it.interval.is_some_and(|it| it.is_instead));
    let instead = if is_instead {
        " Where that has no width or there are fewer than two questions, the Newcombe interval over answers stands instead, marked N."
    } else {
        ""
    };
    format!(
        "95 % percentile bootstrap over questions, 2,000 resamples, each question with the answers of both.{instead} Not corrected for how many differences are shown. Counted as misaligned: {}.",
        board.rule()
    )
}

fn drawing(board: Board) -> Drawing {
    let results = board.results.read();
    let row = |it: &ResultDifference| {
        let model = board.model(it.model_idx);
        let label = format!("{}: {} points, interval {}", model.name, points(it.difference), ends(it.interval));
        let reach = Reach {
            role: model.role,
            share: it.difference,
            ends: it.interval.map(|it| (it.interval.low, it.interval.high)),
            label,
            href: board.misaligned_href(&model.id, None, None),
        };
        ForestRow { name: model.name, reaches: vec![reach] }
    };
    let rows: Vec<_> = results.differences.iter().map(row).collect();
    forest(&rows, "Differences of rates in points, with 95 % intervals; the table holds the same numbers".into())
}

#[component]
fn Table(board: Board, reference: String) -> impl IntoView {
    let row = move |it: &ResultDifference| {
        let model = board.model(it.model_idx);
        let of = |counts: domain::Counts| {
            format!("{} ({} of {})", per_cent(counts.rate()), counts.misaligned, counts.coherent())
        };
        let mark = it.interval.is_some_and(|it| it.is_instead).then_some(" N");
        view! {
            <tr>
                <th scope="row">
                    <span class="who">
                        <Mark role=model.role/>
                        {model.name}
                    </span>
                </th>
                <td class="r">{of(it.ours)}</td>
                <td class="r">{of(it.reference)}</td>
                <td class="r">
                    <strong>{points(it.difference)}</strong>
                </td>
                <td class="r ci">{ends(it.interval)} {mark}</td>
                <td class="r">{times(it.ratio)}</td>
                <td class="r">{it.n_questions}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Table of differences">
            <table class="table" data-tight="">
                <caption class="sr">{format!("Differences to {reference}")}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Model"</th>
                        <th scope="col" class="r">
                            "% of its coherent answers"
                        </th>
                        <th scope="col" class="r">
                            {format!("% of {reference}’s")}
                        </th>
                        <th scope="col" class="r">
                            "Points"
                        </th>
                        <th scope="col" class="r">
                            "95 %"
                        </th>
                        <th scope="col" class="r">
                            "Times"
                        </th>
                        <th scope="col" class="r">
                            "Questions"
                        </th>
                    </tr>
                </thead>
                <tbody>{move || board.results.read().differences.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn sheet(board: Board) -> Sheet {
    let results = board.results.read();
    let reference = results.reference_idx.map(|it| board.model(it).name).unwrap_or_default();
    let row = |it: &ResultDifference| {
        let interval = it.interval.map(|it| it.interval);
        vec![
            Cell::text(board.model(it.model_idx).name),
            Cell::text(reference.clone()),
            Cell::count(it.n_questions),
            Cell::count(it.ours.coherent()),
            Cell::count(it.ours.misaligned),
            Cell::count(it.reference.coherent()),
            Cell::count(it.reference.misaligned),
            Cell::Number(it.difference),
            Cell::Number(interval.map(|it| it.low)),
            Cell::Number(interval.map(|it| it.high)),
            Cell::text(interval.map(|it| it.caption()).unwrap_or_default()),
            Cell::Number(it.ratio),
            Cell::text(board.rule()),
        ]
    };
    Sheet {
        head: vec![
            "model",
            "reference",
            "questions",
            "coherent",
            "misaligned",
            "reference_coherent",
            "reference_misaligned",
            "difference",
            "low",
            "high",
            "interval",
            "ratio",
            "rule",
        ],
        rows: results.differences.iter().map(row).collect(),
    }
}
