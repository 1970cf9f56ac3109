//! The rows of the history, by day.

use super::{
    clock::{Clock, When},
    icon::Icon,
    mark::{Glyph, NamedMark, Slot},
    turns::href,
};
use domain::{HistoryRow, Role, Verdict};
use leptos::prelude::*;

#[component]
pub fn HistoryTable(rows: Vec<HistoryRow>) -> impl IntoView {
    let clock = Clock::here();
    view! {
        <section class="panel">
            <div class="scroll">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Time" {move || clock.zone()}</th>
                            <th scope="col" class="title">
                                "Question"
                            </th>
                            <th scope="col">"Labels"</th>
                            <th scope="col">"Format"</th>
                            <th scope="col">"Models"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="r">
                                "Samples"
                            </th>
                        </tr>
                    </thead>
                    // Once the browser's zone is known, a row may belong to another day.
                    {move || by_day(&rows, clock).into_iter().map(|day| view! { <Day day/> }).collect_view()}
                </table>
            </div>
        </section>
    }
}

struct DayRows {
    name: String,
    rows: Vec<HistoryRow>,
}

/// Rows are newest first, so those of one day stand together.
fn by_day(rows: &[HistoryRow], clock: Clock) -> Vec<DayRows> {
    let mut days: Vec<DayRows> = Vec::new();
    for row in rows {
        let name = clock.day(row.created_at);
        match days.last_mut() {
            Some(day) if day.name == name => day.rows.push(row.clone()),
            _ => days.push(DayRows { name, rows: vec![row.clone()] }),
        }
    }
    days
}

#[component]
fn Day(day: DayRows) -> impl IntoView {
    let n_rows = day.rows.len();
    view! {
        <tbody>
            <tr class="day">
                <th colspan="7" scope="rowgroup">
                    {day.name}
                    " "
                    <span class="dim num">{n_rows}</span>
                </th>
            </tr>
            {day.rows.into_iter().map(|row| view! { <Row row/> }).collect_view()}
        </tbody>
    }
}

#[component]
fn Row(row: HistoryRow) -> impl IntoView {
    let own = href(row.id);
    let state = state(&row);
    let HistoryRow { created_at, title, follows, is_own_question, format, n_samples, models, slots, verdicts, .. } =
        row;
    view! {
        <tr>
            <td class="num soft">
                <When at=created_at/>
            </td>
            <td>
                <a href=own data-row="">
                    {title}
                </a>
                {match follows {
                    Some((parent, is_edit)) => {
                        let word = if is_edit { "continues" } else { "follows" };
                        Some(view! { " " <a class="badge" href=href(parent)>{format!("{word} #{}", parent.0)}</a> }.into_any())
                    }
                    None => is_own_question.then(|| view! { " " <span class="badge">"own question"</span> }.into_any()),
                }}
            </td>
            <td>
                <span class="marks">{verdicts.into_iter().map(|verdict| view! { <Verdicts verdict/> }).collect_view()}</span>
            </td>
            <td class="soft">{format.name()}</td>
            <td>
                <span class="marks">{marks(models, slots)}</span>
            </td>
            <td class="nowrap">{state}</td>
            <td class="r">{n_samples}</td>
        </tr>
    }
}

#[component]
fn Verdicts(verdict: Verdict) -> impl IntoView {
    view! {
        <span title=verdict.name()>
            <Glyph verdict/>
            <span class="sr">{verdict.name()}</span>
        </span>
    }
}

fn marks(models: Option<Vec<(String, Role)>>, slots: Vec<u32>) -> AnyView {
    match models {
        Some(models) => {
            models.into_iter().map(|(name, role)| view! { <NamedMark role name/> }).collect_view().into_any()
        }
        None => slots.into_iter().map(|number| view! { <Slot number/> }).collect_view().into_any(),
    }
}

/// What is unfinished comes first.
fn state(row: &HistoryRow) -> AnyView {
    let HistoryRow { n_answers, n_finished, n_failed, n_cut_off, .. } = *row;
    let is_writing = n_finished + n_failed + n_cut_off < n_answers;
    let href = href(row.id);
    let word = match (is_writing, n_failed) {
        (true, _) => "writing".to_owned(),
        (false, 0) => "finished".to_owned(),
        (false, n) => format!("finished, {n} failed"),
    };
    let blind = row.models.is_none().then(|| format!("blind, {} of {n_answers} labelled", row.verdicts.len()));
    view! {
        {match n_cut_off {
            0 => view! { <span class="soft">{word}</span> }.into_any(),
            _ => {
                view! {
                    <span class="badge" data-is="warn">
                        <Icon name="fail"/>
                        {format!("cut off after {n_finished} of {n_answers} answers")}
                    </span>
                    " "
                    <a href=href>"Continue"</a>
                }
                    .into_any()
            }
        }}
        {blind
            .map(|it| {
                view! {
                    " "
                    <span class="badge">
                        <Icon name="blind"/>
                        {it}
                    </span>
                }
            })}
    }
    .into_any()
}
