//! The rows of the list of runs.

use super::{clock::WhenAndDay, figures::grouped, mark::NamedMark, run_board::state_badge};
use domain::{Format, RunRow};
use leptos::prelude::*;

#[component]
pub fn RunsTable(runs: Vec<RunRow>) -> impl IntoView {
    view! {
        <section class="panel">
            <div class="scroll" tabindex="0" role="group" aria-label="Table of runs">
                <table class="table">
                    <caption class="sr">"Runs, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col" class="title">
                                "Run"
                            </th>
                            <th scope="col">"Answers"</th>
                            <th scope="col">"Models"</th>
                            <th scope="col">"Formats"</th>
                            <th scope="col">"Questions"</th>
                            <th scope="col">"Started"</th>
                            <th scope="col">
                                <span class="sr">"Go to"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{runs.into_iter().map(|run| view! { <Row run/> }).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Row(run: RunRow) -> impl IntoView {
    let RunRow { id, title, created_at, state, pack, models, formats, n_answers, n_finished, n_failed } = run;
    let href = format!("/runs/{}", id.0);
    let results = format!("{href}/results");
    let done = format!("{} of {}", grouped(n_finished), grouped(n_answers));
    let label = format!("{title}: answers finished");
    let formats: Vec<_> = formats.into_iter().map(Format::name).collect();
    let failed = (n_failed > 0).then(|| {
        view! {
            " "
            <span class="badge" data-is="fail">
                {format!("{n_failed} failed")}
            </span>
        }
    });
    let marks = models.into_iter().map(|(name, role)| view! { <NamedMark role name/> });
    view! {
        <tr>
            <td>{state_badge(&state)}</td>
            <td>
                <a href=href data-row="">
                    {title}
                </a>
                " "
                <span class="dim num">{format!("#{}", id.0)}</span>
            </td>
            <td class="num state">
                <span class="stack">
                    <span>{done} {failed}</span>
                    <progress class="bar" max=n_answers.max(1) value=n_finished aria-label=label></progress>
                </span>
            </td>
            <td>
                <span class="marks">{marks.collect_view()}</span>
            </td>
            <td class="soft">{formats.join(", ")}</td>
            <td class="soft nowrap">{pack.to_string()}</td>
            <td class="num soft">
                <WhenAndDay at=created_at/>
            </td>
            <td>
                <a href=results>"Results"</a>
            </td>
        </tr>
    }
    .into_any()
}
