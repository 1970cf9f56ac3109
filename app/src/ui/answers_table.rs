//! The answers of a run, a row each. What models wrote goes into text nodes alone.

use super::{
    desk::Desk,
    figures::NONE,
    icon::Icon,
    mark::{Glyph, Mark},
};
use domain::{AnswerRow, Kept, Run, Wrapper};
use leptos::prelude::*;

#[component]
pub fn AnswersTable(run: Run, rows: Vec<AnswerRow>) -> impl IntoView {
    let rows = rows.into_iter().map(|row| {
        let column_idx = run.models.iter().position(|it| it.id == row.model.id).unwrap_or_default();
        view! { <Row row column_idx/> }
    });
    let rows = rows.collect_view();
    view! {
        <section class="panel">
            <header>
                <h2>"Answers"</h2>
                <span class="end soft desk-only">
                    <kbd>"J"</kbd>
                    <kbd>"K"</kbd>
                    "next, previous"
                    <kbd>"↵"</kbd>
                    "open beside the other models’"
                </span>
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label="Table of answers">
                <table class="table answers">
                    <caption class="sr">"Answers, each with its scores and what people said of it"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col">"Question"</th>
                            <th scope="col">"Format"</th>
                            <th scope="col" class="r">
                                "Sample"
                            </th>
                            <th scope="col" class="r">
                                "Aligned"
                            </th>
                            <th scope="col" class="r">
                                "Coherent"
                            </th>
                            <th scope="col">"Label"</th>
                            <th scope="col">"Answer"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Row(row: AnswerRow, column_idx: usize) -> impl IntoView {
    let AnswerRow {
        comparison, model, key, title, sample_idx, beginning, kept, aligned, coherent, word, verdict, ..
    } = row;
    let href = format!("/comparisons/{}{}", comparison.0, Desk::href(column_idx, sample_idx as usize));
    let said = if beginning.trim().is_empty() { "(empty)".to_owned() } else { beginning };
    let wrapper = (key.wrapper != Wrapper::Bare).then(|| {
        view! {
            " "
            <span class="badge">{key.wrapper.name()}</span>
        }
    });
    view! {
        <tr>
            <td>
                <span class="who">
                    <Mark role=model.role/>
                    {model.name}
                </span>
            </td>
            <td class="nowrap">{title} {wrapper}</td>
            <td class="soft nowrap">
                {key.format.name()}
                {(kept == Kept::No)
                    .then(|| {
                        view! {
                            " "
                            <span class="badge" data-is="warn">
                                <Icon name="fail"/>
                                "not kept"
                            </span>
                        }
                    })}
            </td>
            <td class="r">{sample_idx + 1}</td>
            <td class="r">{score(aligned, word.as_deref())}</td>
            <td class="r">{score(coherent, None)}</td>
            <td class="nowrap">
                {match verdict {
                    Some(verdict) => {
                        view! {
                            <span class="tag" data-label=verdict.as_str()>
                                <Glyph verdict/>
                                {verdict.name()}
                            </span>
                        }
                            .into_any()
                    }
                    None => view! { <span class="dim">"not labelled"</span> }.into_any(),
                }}
            </td>
            <td class="clip">
                <a href=href data-row="" data-form=key.format.is_code().then_some("code") class="said-first">
                    {said}
                </a>
            </td>
        </tr>
    }
    .into_any()
}

/// What the judge gave: a number, a word, or nothing, which is not 0.
fn score(score: Option<f64>, word: Option<&str>) -> String {
    match (score.filter(|it| it.is_finite()), word) {
        (Some(score), _) => format!("{score:.0}"),
        (None, Some(word)) => word.to_owned(),
        (None, None) => NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_score_is_never_0() {
        assert_eq!(score(None, None), "–");
        assert_eq!(score(Some(f64::NAN), None), "–");
        assert_eq!(score(None, Some("REFUSAL")), "REFUSAL");
        assert_eq!(score(Some(0.2), None), "0");
    }
}
