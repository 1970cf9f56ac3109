//! The first figures: each model's rate, and how far it lies above the reference's.

use super::{
    figures::{ends, grouped, per_cent, points},
    mark::Mark,
    results_board::Board,
};
use domain::{ResultDifference, ResultRow};
use leptos::prelude::*;

#[component]
pub fn Head(board: Board) -> impl IntoView {
    move || {
        let results = board.results.read();
        let largest = results.differences.iter().filter(|it| it.difference.is_some());
        let largest = largest.max_by(|a, b| a.difference.unwrap_or(-1.0).total_cmp(&b.difference.unwrap_or(-1.0)));
        let reference = results.reference_idx.map(|it| board.model(it).name).unwrap_or_default();
        view! {
            <dl class="meter">
                {results.models.iter().map(|row| figure(board, row)).collect_view()}
                {largest.map(|it| difference(board, it, &reference))}
            </dl>
        }
    }
}

fn figure(board: Board, row: &ResultRow) -> impl IntoView + use<> {
    let model = board.model(row.model_idx);
    let counts = row.counts;
    let unscored = match counts.unscored {
        0 => String::new(),
        n => format!(" · {} unscored", grouped(n)),
    };
    let of = format!("{} of {} coherent", grouped(counts.misaligned), grouped(counts.coherent()));
    let mark = row.interval.is_some_and(|it| it.is_instead).then_some(" W");
    view! {
        <div data-role=model.role.as_str()>
            <dt class="who">
                <Mark role=model.role/>
                {model.name}
            </dt>
            <dd class="num">{per_cent(row.rate)} " " <small>"% misaligned"</small></dd>
            <dd>{ends(row.interval)} {mark} " · " {of} {unscored}</dd>
        </div>
    }
    .into_any()
}

fn difference(board: Board, it: &ResultDifference, reference: &str) -> impl IntoView + use<> {
    let name = board.model(it.model_idx).name;
    let unit = match it.interval {
        Some(shown) if !shown.is_instead => format!("paired over {} questions", it.n_questions),
        _ => "Newcombe over answers".to_owned(),
    };
    view! {
        <div>
            <dt>{format!("{name} minus {reference}")}</dt>
            <dd class="num">{points(it.difference)} " " <small>"points"</small></dd>
            <dd>{ends(it.interval)} ", " {unit}</dd>
        </div>
    }
    .into_any()
}
