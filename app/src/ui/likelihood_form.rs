//! What is to be scored: a kept answer or a pasted one, by which models. An ordinary form whose fields stand in the URL.

use super::{icon::Icon, mark::Mark, rcdata::rcdata, words::sentence};
use domain::{
    AskError, AskForm, Field, Format, GivenAnswer, LikelihoodForm, MAIN_QUESTIONS, MainQuestion, ModelCard, ModelState,
    OwnQuestion,
};
use leptos::{either::Either, html, prelude::*};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, SubmitEvent, UrlSearchParams};

/// The id of the form, by which fields that stand outside of it belong to it.
pub const FORM: &str = "likelihood";

#[component]
pub fn AnswerForm(
    form: LikelihoodForm,
    given: Option<GivenAnswer>,
    models: Vec<ModelCard>,
    chosen: Vec<ModelCard>,
    wrong: Option<AskError>,
) -> impl IntoView {
    let navigate = use_navigate();
    let with_end = form.end.is_some();
    let submit = move |event: SubmitEvent| {
        if let Some(query) = query_of(&event) {
            event.prevent_default();
            navigate(&format!("/likelihood?{query}"), Default::default());
        }
    };
    let wrong = StoredValue::new(wrong);
    view! {
        <form class="bench" id=FORM method="get" action="/likelihood" aria-label="What to score" on:submit=submit>
            {match given {
                Some(given) => view! { <KeptAnswer given/> }.into_any(),
                None => view! { <PastedAnswer form wrong/> }.into_any(),
            }}
            <div class="line">
                <ModelField models chosen/>
                <label class="switch" title="Whether the token by which a model ends its answer is a part of it">
                    <input type="checkbox" role="switch" name="end" value="on" checked=with_end/>
                    <span>"Count the end of the answer"</span>
                </label>
                <div class="go push">
                    <button class="btn" data-kind="main" type="submit">
                        "Score"
                    </button>
                </div>
            </div>
        </form>
    }
}

/// The form as the browser would send it. None where it has no wasm to send it by.
fn query_of(event: &SubmitEvent) -> Option<String> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?.to_string().as_string()
}

/// An answer that a model gave, which is scored after the very prompt that it was an answer to.
#[component]
fn KeptAnswer(given: GivenAnswer) -> impl IntoView {
    let (column, sample) = (given.column_idx + 1, given.sample_idx + 1);
    let href = format!("/comparisons/{}?column={column}&sample={sample}#column-{column}", given.comparison.0);
    let whose = format!("{}, sample {sample} of comparison {}", given.written_by, given.comparison.0);
    view! {
        <input type="hidden" name="answer" value=given.id.0/>
        <div class="line">
            <p class="question">
                <strong>{given.question_text}</strong>
                " "
                <span class="badge">{given.format.name()}</span>
            </p>
            <span>"The answer of " <a href=href>{whose}</a></span>
            <a class="btn" href="/likelihood">
                "Paste another answer"
            </a>
        </div>
    }
}

#[component]
fn PastedAnswer(form: LikelihoodForm, wrong: StoredValue<Option<AskError>>) -> impl IntoView {
    let LikelihoodForm { question, own, format, text, .. } = form;
    let option = |it: &'static MainQuestion| {
        view! {
            <option value=it.id selected=it.id == question>
                {format!("{}: {}", it.title.trim_end_matches('?'), it.text)}
            </option>
        }
    };
    let options = MAIN_QUESTIONS.iter().map(option).collect_view();
    let radio = |it: Format| {
        view! {
            <label>
                <input type="radio" name="format" value=it.as_str() checked=it.as_str() == format/>
                {it.name()}
            </label>
        }
    };
    view! {
        <div class="line">
            <div class="field question">
                <label for="question">"Question"</label>
                <select class="input" id="question" name="question" aria-describedby="question-wrong">
                    {options}
                    <option value=AskForm::OWN selected=question == AskForm::OWN>
                        "A question of my own…"
                    </option>
                </select>
                <div class="field own">
                    <label for="own">"My question"</label>
                    <TextBox name="own" text=own rows="2" length_max=OwnQuestion::CHARS_MAX/>
                </div>
                <Wrong wrong field=Field::Question/>
            </div>
            <fieldset class="field">
                <legend>"Format"</legend>
                <div class="seg">{Format::ALL.map(radio).collect_view()}</div>
                <Wrong wrong field=Field::Format/>
            </fieldset>
        </div>
        <div class="line">
            <div class="field question">
                <label for="text">"Answer to score"</label>
                <TextBox name="text" text rows="6" length_max=LikelihoodForm::TEXT_BYTES_MAX/>
                <Wrong wrong field=Field::Answer/>
            </div>
        </div>
    }
}

/// Has no child at all while it is empty: a text box would show the space that stands for an empty text.
#[component]
fn TextBox(name: &'static str, text: String, rows: &'static str, length_max: usize) -> impl IntoView {
    let area = html::textarea()
        .class("input")
        .id(name)
        .name(name)
        .rows(rows)
        .maxlength(length_max.to_string())
        .aria_describedby(format!("{name}-wrong"));
    // Where a text box is parsed, it swallows the first line end of its content.
    let opened = if cfg!(feature = "ssr") && text.starts_with('\n') { format!("\n{text}") } else { text };
    if opened.is_empty() { Either::Left(area) } else { Either::Right(area.child(rcdata(&opened))) }
}

/// The message of a field that is wrong; empty and unseen otherwise.
#[component]
fn Wrong(wrong: StoredValue<Option<AskError>>, field: Field) -> impl IntoView {
    let message = wrong.with_value(|it| it.as_ref().filter(|it| it.field == field).map(|it| sentence(&it.message)));
    let id = match field {
        Field::Answer => "text-wrong",
        Field::Question => "question-wrong",
        _ => "format-wrong",
    };
    let role = message.is_some().then_some("alert");
    view! { <span class="wrong" id=id role=role>{message}</span> }
}

#[component]
fn ModelField(models: Vec<ModelCard>, chosen: Vec<ModelCard>) -> impl IntoView {
    let nobody = models.is_empty().then_some("No models are hosted. Name some in models.toml, and start again.");
    let pick = |card: &ModelCard| {
        let is_chosen = chosen.iter().any(|it| it.id == card.id);
        view! {
            <label title=card.about.clone()>
                <input type="checkbox" name="model" value=card.id.0.clone() checked=is_chosen disabled=!card.is_ready()/>
                <Mark role=card.role/>
                {card.name.clone()}
            </label>
        }
    };
    view! {
        <fieldset class="field">
            <legend>"Models"</legend>
            <div class="pick">{models.iter().map(pick).collect_view()}</div>
            {models.iter().filter_map(why_not).collect_view()}
            {nobody.map(|sentence| view! { <span class="cap">{sentence}</span> })}
        </fieldset>
    }
}

/// Why a model cannot be asked now.
fn why_not(card: &ModelCard) -> Option<impl IntoView + use<>> {
    let reason = match &card.state {
        ModelState::Ready { .. } => return None,
        ModelState::Loading(percent) => format!("It is being loaded: {percent} %."),
        ModelState::Unloaded(reason) | ModelState::Queued(reason) | ModelState::Failed(reason) => sentence(reason),
    };
    Some(view! {
        <span class="why">
            <Icon name="clock"/>
            <span>
                <strong>{card.name.clone()}</strong>
                " "
                {reason}
            </span>
        </span>
    })
}
