//! The fields of the bench. The browser holds what is typed; each field says how it opens, and what is wrong with it.

use super::{
    bench::Asking,
    fields::{Figure, Message, SamplingMessages, TextBox},
    icon::Icon,
    mark::Mark,
    words::sentence,
};
use domain::{
    AskForm, Beginning, Field, Format, MAIN_QUESTIONS, MainQuestion, ModelCard, ModelState, NewComparison, OwnQuestion,
    Sampling, Seed, SystemPrompt,
};
use leptos::prelude::*;

/// The main questions, and one's own, whose box the style shows while it is chosen.
#[component]
pub fn QuestionField(asking: Asking) -> impl IntoView {
    let wrong = asking.wrong;
    let AskForm { question: opened, own, .. } = asking.form.get_untracked();
    let is_own = opened == AskForm::OWN;
    let option = |it: &'static MainQuestion| {
        view! {
            <option value=it.id selected=it.id == opened>
                {format!("{}: {}", it.title.trim_end_matches('?'), it.text)}
            </option>
        }
    };
    view! {
        <div class="field question">
            <label for="question">"Question"</label>
            <select
                class="input"
                id="question"
                name="form[question]"
                aria-invalid=wrong.invalid(Field::Question)
                aria-describedby="question-wrong"
            >
                {MAIN_QUESTIONS.iter().map(option).collect_view()}
                <option value=AskForm::OWN selected=is_own>
                    "A question of my own…"
                </option>
            </select>
            <div class="field own">
                <label for="own">"My question"</label>
                <TextBox wrong field=Field::Question id="own" name="form[own]" text=own chars_max=OwnQuestion::CHARS_MAX/>
            </div>
            <Message wrong field=Field::Question/>
        </div>
    }
}

/// Flask exists only for the main questions, and says so.
#[component]
pub fn FormatField(asking: Asking) -> impl IntoView {
    let opened = asking.form.get_untracked().format;
    let radio = |format: Format| {
        let word = format.as_str();
        let is_closed =
            move || format == Format::Flask && asking.is_own_question() && asking.form.read().format != word;
        view! {
            <label>
                <input
                    type="radio"
                    name="form[format]"
                    value=word
                    checked=word == opened
                    disabled=is_closed
                    aria-describedby="format-wrong"
                />
                {format.name()}
            </label>
        }
    };
    view! {
        <fieldset class="field" id="format">
            <legend>"Format"</legend>
            <div class="seg">{Format::ALL.map(radio).collect_view()}</div>
            <span class="cap own">"Flask: only for the main questions"</span>
            <Message wrong=asking.wrong field=Field::Format/>
        </fieldset>
    }
}

/// Each hosted model, with the reason below where one cannot answer.
#[component]
pub fn ModelField(asking: Asking) -> impl IntoView {
    let models = move || asking.models.get().unwrap_or_default();
    let nobody = move || asking.models.read().as_ref().is_some_and(Vec::is_empty).then_some(NO_MODELS);
    view! {
        <fieldset class="field" id="models">
            <legend>"Models"</legend>
            <div class="pick">
                {move || models().into_iter().map(|card| view! { <Pick asking card/> }).collect_view()}
            </div>
            {move || models().into_iter().filter_map(why_not).collect_view()}
            {move || nobody().map(|sentence| view! { <span class="cap">{sentence}</span> })}
            <Message wrong=asking.wrong field=Field::Models/>
        </fieldset>
    }
}

const NO_MODELS: &str =
    "No models are hosted. Name some in models.toml, in the folder given with --models, and start again.";

#[component]
fn Pick(asking: Asking, card: ModelCard) -> impl IntoView {
    let ModelCard { id, name, role, about, state, .. } = card;
    let is_failed = matches!(state, ModelState::Failed(_));
    let is_chosen = if asking.all_models.get_untracked() {
        matches!(state, ModelState::Ready { .. })
    } else {
        !is_failed && asking.form.read_untracked().models.contains(&id.0)
    };
    view! {
        <label title=about>
            <input
                type="checkbox"
                name="form[models][]"
                value=id.0
                checked=is_chosen
                disabled=is_failed
                aria-describedby="models-wrong"
            />
            <Mark role/>
            {name}
        </label>
    }
}

/// Why a model cannot answer now.
fn why_not(card: ModelCard) -> Option<impl IntoView> {
    let (is, icon, reason) = match card.state {
        ModelState::Ready { .. } => return None,
        ModelState::Unloaded(_) => (None, "clock", "It is not in memory; asked, it is loaded first.".to_owned()),
        ModelState::Queued(_) => (None, "clock", "It waits to be loaded.".to_owned()),
        ModelState::Loading(percent) => (None, "clock", format!("It is being loaded, {percent} %.")),
        ModelState::Failed(reason) => (Some("fail"), "fail", sentence(reason)),
    };
    Some(view! {
        <span class="why" data-is=is>
            <Icon name=icon/>
            <span>
                <strong>{card.name}</strong>
                " "
                {reason}
            </span>
        </span>
    })
}

#[component]
pub fn SamplingFields(asking: Asking, seed: Option<Seed>) -> impl IntoView {
    let wrong = asking.wrong;
    let AskForm { samples, temperature, top_p, max_tokens, seed: typed, .. } = asking.form.get_untracked();
    let drawn = seed.map_or_else(|| "drawn".to_owned(), |seed| format!("{} drawn", seed.0));
    let (samples_max, tokens_max) = (NewComparison::SAMPLES_MAX, Sampling::TOKENS_MAX);
    view! {
        <div class="params">
            <Figure wrong field=Field::Samples label="samples" value=samples hint=format!("1 to {samples_max}")/>
            <Figure wrong field=Field::Temperature label="temperature" value=temperature hint="0 to 2"/>
            <Figure wrong field=Field::TopP label="top-p" value=top_p hint="above 0, up to 1"/>
            <Figure wrong field=Field::MaxTokens label="max tokens" value=max_tokens hint=format!("1 to {tokens_max}")/>
            <Figure wrong field=Field::Seed label="seed" value=typed hint="empty: one is drawn" placeholder=drawn/>
            <SamplingMessages wrong/>
        </div>
    }
}

/// What is seldom given: a system prompt of one's own, and the beginning of every answer. Folded while both are empty.
#[component]
pub fn GivenFields(asking: Asking) -> impl IntoView {
    let wrong = asking.wrong;
    let AskForm { system, beginning, .. } = asking.form.get_untracked();
    let is_open = !(system.is_empty() && beginning.is_empty());
    view! {
        <details class="more" open=is_open>
            <summary>"System prompt, beginning of the answer"</summary>
            <div class="pairwise">
                <div class="field">
                    <label for="system">"System prompt"</label>
                    <TextBox
                        wrong
                        field=Field::System
                        id="system"
                        name="form[system]"
                        text=system
                        chars_max=SystemPrompt::CHARS_MAX
                    />
                    <span class="cap">
                        "Stands above what the format itself says. Empty: as the model’s own template has it."
                    </span>
                    <Message wrong field=Field::System/>
                </div>
                <div class="field">
                    <label for="beginning">"The answer begins with"</label>
                    <TextBox
                        wrong
                        field=Field::Beginning
                        id="beginning"
                        name="form[beginning]"
                        text=beginning
                        chars_max=Beginning::CHARS_MAX
                    />
                    <span class="cap">
                        "Given to every model, which goes on from there; taken to the letter, spaces included."
                    </span>
                    <Message wrong field=Field::Beginning/>
                </div>
            </div>
        </details>
    }
}

#[component]
pub fn BlindSwitch(asking: Asking) -> impl IntoView {
    let is_blind = asking.form.read_untracked().blind.is_some();
    view! {
        <label class="switch wide-push" title="Hide which model writes which column until you reveal it">
            <input type="checkbox" role="switch" name="form[blind]" value="on" checked=is_blind/>
            <span>"Blind"</span>
        </label>
    }
}
