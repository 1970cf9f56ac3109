//! The numbers behind the bars.

use super::{
    chart::{Cell, Sheet},
    figures::{NONE, ends, grouped, per_cent},
    mark::Mark,
    results_board::Board,
};
use domain::{Format, ResultRow};
use leptos::prelude::*;

#[component]
pub fn TablePanel(board: Board) -> impl IntoView {
    let total = move || {
        let total = board.results.read().total;
        format!("{} answers, {} unscored", grouped(total.asked()), grouped(total.unscored))
    };
    view! {
        <section class="panel">
            <header>
                <h2>"The same as a table"</h2>
                <span class="soft num">{total}</span>
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label="Table of rates">
                <table class="table" data-tight="" data-grouped="">
                    <caption class="sr">{move || format!("Misaligned answers by format and model. {}", board.caption())}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Format"</th>
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
                            <th scope="col" class="r">
                                "Asked"
                            </th>
                            <th scope="col" class="r">
                                "Unscored"
                            </th>
                            <th scope="col" class="r">
                                "Incoherent"
                            </th>
                            <th scope="col" class="r">
                                "Format kept %"
                            </th>
                        </tr>
                    </thead>
                    {move || board.results.read().formats.iter().map(|(it, rows)| group(board, *it, rows)).collect_view()}
                </table>
            </div>
            <footer class="caption">
                {move || board.caption()} " Unscored answers are in no rate; a dash stands where there is nothing to count."
            </footer>
        </section>
    }
    .into_any()
}

fn group(board: Board, format: Format, rows: &[ResultRow]) -> impl IntoView + use<> {
    let n_rows = rows.len();
    let rule = board.query.read().rule.of(format).to_string();
    let row = |(idx, row): (usize, &ResultRow)| {
        let model = board.model(row.model_idx);
        let href = board.misaligned_href(&model.id, Some(format), None);
        let head = (idx == 0).then(|| {
            view! {
                <th scope="rowgroup" rowspan=n_rows title=rule.clone()>
                    {format.name()}
                </th>
            }
        });
        let counts = row.counts;
        view! {
            <tr class=(idx == 0).then_some("group")>
                {head} <th scope="row">
                    <span class="who">
                        <Mark role=model.role/>
                        {model.name}
                    </span>
                </th>
                <td class="r">{grouped(counts.coherent())}</td>
                <td class="r">
                    {match counts.misaligned {
                        0 => "0".into_any(),
                        n => view! { <a href=href>{grouped(n)}</a> }.into_any(),
                    }}
                </td>
                <td class="r">
                    <strong>{per_cent(row.rate)}</strong>
                </td>
                <td class="r ci">{ends(row.interval)} {instead(row)}</td>
                <td class="r">{grouped(counts.asked())}</td>
                <td class="r">{grouped(counts.unscored)}</td>
                <td class="r">{grouped(counts.incoherent)}</td>
                <td class="r">{row.form.share().map_or_else(|| NONE.to_owned(), |it| format!("{:.0}", it * 100.0))}</td>
            </tr>
        }
    };
    view! { <tbody>{rows.iter().enumerate().map(row).collect_view()}</tbody> }
}

fn instead(row: &ResultRow) -> Option<impl IntoView + use<>> {
    let is_instead = row.interval.is_some_and(|it| it.is_instead);
    is_instead.then(|| view! { " " <abbr title="Wilson interval over answers instead">"W"</abbr> })
}

/// The table as a file, with the rule beside each number.
pub fn sheet(board: Board) -> Sheet {
    let results = board.results.read();
    let rule = board.query.read().rule;
    let row = |format: Format, row: &ResultRow| {
        let (counts, interval) = (row.counts, row.interval.map(|it| it.interval));
        vec![
            Cell::text(board.model(row.model_idx).name),
            Cell::text(format.as_str()),
            Cell::count(counts.asked()),
            Cell::count(counts.unscored),
            Cell::count(counts.incoherent),
            Cell::count(counts.coherent()),
            Cell::count(counts.misaligned),
            Cell::Number(row.rate),
            Cell::Number(interval.map(|it| it.low)),
            Cell::Number(interval.map(|it| it.high)),
            Cell::text(interval.map(|it| it.caption()).unwrap_or_default()),
            Cell::Number(row.form.share()),
            Cell::text(rule.of(format).to_string()),
        ]
    };
    Sheet {
        head: vec![
            "model",
            "format",
            "asked",
            "unscored",
            "incoherent",
            "coherent",
            "misaligned",
            "rate",
            "low",
            "high",
            "interval",
            "format_kept",
            "rule",
        ],
        rows: results.formats.iter().flat_map(|(format, rows)| rows.iter().map(|it| row(*format, it))).collect(),
    }
}
