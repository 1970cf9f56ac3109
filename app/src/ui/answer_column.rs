//! One model's answers: head, samples, text, facts and labels, as rows that all columns share.

use super::{
    answer_head::AnswerHead, answer_text::AnswerText, facts::FactsLine, label_buttons::LabelFoot, live::Live,
    live_column::LiveColumn, samples::Samples,
};
use domain::{Column, Format};
use leptos::prelude::*;

#[component]
pub fn AnswerColumn(live: Live, column: LiveColumn, about: Column, format: Format) -> impl IntoView {
    let role = about.model.as_ref().map_or("hidden", |it| it.role.as_str());
    let is_current = move || column.desk.column_idx.get() == column.column_idx;
    let take_keys = move || column.desk.go_to(column.column_idx);
    view! {
        <article
            class="answer"
            id=format!("column-{}", column.column_idx + 1)
            data-role=role
            aria-busy=move || column.is_running.get().then_some("true")
            aria-current=move || is_current().then_some("true")
            on:click=move |_| take_keys()
            on:focusin=move |_| take_keys()
        >
            <AnswerHead live column about/>
            <Samples column/>
            <AnswerText live column format/>
            <FactsLine live column format/>
            <LabelFoot column/>
        </article>
    }
}
