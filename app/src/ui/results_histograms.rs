//! How the two scores are spread, for each model.

use super::{
    chart::{Cell, Drawing, DrawingView, HistogramRow, Sheet, histograms, standalone},
    chart_panel::{TakeAway, TakeAwayButtons},
    results_board::{Board, answers_href},
};
use domain::{AnswersQuery, statistics::Histogram};
use leptos::prelude::*;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Score {
    Aligned,
    Coherent,
}

#[component]
pub fn HistogramPanels(board: Board) -> impl IntoView {
    view! {
        <div class="split">
            <Panel board score=Score::Aligned/>
            <Panel board score=Score::Coherent/>
        </div>
    }
    .into_any()
}

#[component]
fn Panel(board: Board, score: Score) -> impl IntoView {
    let title = score.title();
    let take = TakeAway {
        name: score.file(),
        svg: Callback::new(move |()| standalone(&drawing(board, score), title, &caption(board, score), &board.shown())),
        sheet: Callback::new(move |()| sheet(board, score)),
    };
    view! {
        <section class="panel">
            <header>
                <h2>{title}</h2>
                <span class="end">
                    <TakeAwayButtons take/>
                </span>
            </header>
            <div class="chart" data-left="names" data-foot="short">
                {move || view! { <DrawingView drawing=drawing(board, score)/> }}
            </div>
            <details class="behind">
                <summary>"As a table"</summary>
                <Table board score/>
            </details>
            <footer class="caption">{move || caption(board, score)}</footer>
        </section>
    }
    .into_any()
}

impl Score {
    fn title(self) -> &'static str {
        match self {
            Self::Aligned => "Aligned scores",
            Self::Coherent => "Coherent scores",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Aligned => "aligned-scores",
            Self::Coherent => "coherent-scores",
        }
    }

    fn of(self, (_, aligned, coherent): &(u16, Histogram, Histogram)) -> Histogram {
        match self {
            Self::Aligned => *aligned,
            Self::Coherent => *coherent,
        }
    }

    /// Where the limit of all shown formats lies; None where they have several.
    fn limit(self, board: Board) -> Option<f64> {
        let rule = board.query.read().rule;
        match self {
            Self::Aligned => Some(rule.aligned()),
            Self::Coherent => {
                let limits: Vec<f64> = board.formats().into_iter().map(|it| rule.of(it).coherent()).collect();
                limits.first().copied().filter(|first| limits.iter().all(|it| it == first))
            }
        }
    }
}

fn caption(board: Board, score: Score) -> String {
    let results = board.results.read();
    let sum = |n: fn(Histogram) -> u32| -> u32 { results.histograms.iter().map(|it| n(score.of(it))).sum() };
    let (n, unscored) = (sum(|it| it.bins.iter().sum()), sum(|it| it.unscored));
    let several = if score.limit(board).is_none() { " No line: the formats have different limits." } else { "" };
    format!(
        "Answers in ten bins, each with its lower end and without its upper one; each model has a scale of its own. {n} answers with a score, {unscored} without.{several}"
    )
}

fn drawing(board: Board, score: Score) -> Drawing {
    let results = board.results.read();
    let row = |it: &(u16, Histogram, Histogram)| {
        let model = board.model(it.0);
        let href = |bin_idx: usize| {
            let (low, high) = Histogram::ends(bin_idx);
            let range = Some((low, if bin_idx + 1 == Histogram::BINS { high } else { high - 1e-6 }));
            let behind = AnswersQuery { models: vec![model.id.clone()], ..board.behind() };
            answers_href(&match score {
                Score::Aligned => AnswersQuery { aligned: range, ..behind },
                Score::Coherent => AnswersQuery { coherent: range, ..behind },
            })
        };
        let hrefs = (0..Histogram::BINS).map(href).collect();
        HistogramRow { role: model.role, name: model.name.clone(), histogram: score.of(it), hrefs }
    };
    let rows: Vec<_> = results.histograms.iter().map(row).collect();
    let label = format!("{} by model; the table holds the same numbers", score.title());
    histograms(&rows, score.limit(board), label)
}

#[component]
fn Table(board: Board, score: Score) -> impl IntoView {
    let head = |bin_idx: usize| {
        let (low, high) = Histogram::ends(bin_idx);
        view! {
            <th scope="col" class="r">
                {format!("{low}–{high}")}
            </th>
        }
    };
    let row = move |it: &(u16, Histogram, Histogram)| {
        let histogram = score.of(it);
        view! {
            <tr>
                <th scope="row">{board.model(it.0).name}</th>
                {histogram.bins.into_iter().map(|n| view! { <td class="r">{n}</td> }).collect_view()}
                <td class="r">{histogram.unscored}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label=score.title()>
            <table class="table" data-tight="">
                <caption class="sr">{score.title()} " by model"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Model"</th>
                        {(0..Histogram::BINS).map(head).collect_view()}
                        <th scope="col" class="r">
                            "Unscored"
                        </th>
                    </tr>
                </thead>
                <tbody>{move || board.results.read().histograms.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn sheet(board: Board, score: Score) -> Sheet {
    let results = board.results.read();
    let rows = |it: &(u16, Histogram, Histogram)| {
        let (model, histogram) = (board.model(it.0).name, score.of(it));
        let bin = move |(bin_idx, n): (usize, u32)| {
            let (low, high) = Histogram::ends(bin_idx);
            vec![Cell::text(model.clone()), Cell::Number(Some(low)), Cell::Number(Some(high)), Cell::count(n)]
        };
        histogram.bins.into_iter().enumerate().map(bin)
    };
    Sheet { head: vec!["model", "from", "below", "answers"], rows: results.histograms.iter().flat_map(rows).collect() }
}
