//! Rates by format and model.

use super::{
    chart::{Bar, BarGroup, Drawing, DrawingView, bars, standalone},
    chart_panel::{Legend, TakeAway, TakeAwayButtons},
    figures::{ends, per_cent},
    results_board::Board,
    results_table::sheet,
};
use domain::{Format, ResultRow};
use leptos::prelude::*;

const TITLE: &str = "Misaligned, per cent of coherent answers";

#[component]
pub fn BarsPanel(board: Board) -> impl IntoView {
    let take = TakeAway {
        name: "misaligned-by-format",
        svg: Callback::new(move |()| standalone(&drawing(board), TITLE, &board.caption(), &board.shown())),
        sheet: Callback::new(move |()| sheet(board)),
    };
    view! {
        <section class="panel">
            <header>
                <h2>{TITLE}</h2>
                <span class="end">
                    <TakeAwayButtons take/>
                </span>
            </header>
            <div class="chart" data-left="figures" data-foot="tall">
                {move || view! { <DrawingView drawing=drawing(board)/> }}
                {move || view! { <Legend models=board.shown()/> }}
            </div>
            <footer class="caption">
                "n of each bar is in the table. " {move || board.caption()} {move || upper_bound(board)}
                " A bar opens the answers behind it."
            </footer>
        </section>
    }
    .into_any()
}

fn drawing(board: Board) -> Drawing {
    let results = board.results.read();
    let group = |(format, rows): &(Format, Vec<ResultRow>)| BarGroup {
        name: format.name().into(),
        bars: rows.iter().map(|row| bar(board, *format, row)).collect(),
    };
    let groups: Vec<_> = results.formats.iter().map(group).collect();
    bars(&groups, "Misaligned answers by format and model with 95 % intervals; the table holds the same numbers".into())
}

fn bar(board: Board, format: Format, row: &ResultRow) -> Bar {
    let model = board.model(row.model_idx);
    let label = format!(
        "{}, {}: {} per cent, interval {}, {} of {}",
        model.name,
        format.name(),
        per_cent(row.rate),
        ends(row.interval),
        row.counts.misaligned,
        row.counts.coherent()
    );
    Bar {
        role: model.role,
        share: row.rate,
        ends: row.interval.map(|it| (it.interval.low, it.interval.high)),
        label,
        href: board.misaligned_href(&model.id, Some(format), None),
    }
}

/// What a bar of 0 leaves open.
fn upper_bound(board: Board) -> Option<String> {
    let results = board.results.read();
    let rows = results.formats.iter().flat_map(|(_, rows)| rows);
    let none = rows.filter(|it| it.counts.misaligned == 0).max_by_key(|it| it.counts.coherent())?;
    let interval = none.interval?.interval;
    Some(format!(
        " No misaligned answer in {} still allows up to {:.1} %.",
        none.counts.coherent(),
        interval.high * 100.0
    ))
}
