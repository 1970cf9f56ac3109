//! The fields of the form of a run. The browser holds what is typed; each field says how it opens, and what is wrong with it.

use super::{
    fields::{Figure, Message},
    icon::Icon,
    mark::Mark,
    run_form::Planning,
    words::{count, sentence},
};
use domain::{Field, Format, JudgeCard, ModelCard, ModelState, NewRun, Pack, RunForm, Sampling, Wrapper};
use leptos::prelude::*;

#[component]
pub fn TitleField(planning: Planning) -> impl IntoView {
    let wrong = planning.wrong;
    let opened = planning.form.get_untracked();
    let packs = planning.packs();
    let option = |it: &Pack| {
        let heading = it.heading();
        let is_chosen = untrack(|| planning.pack().heading().id == heading.id);
        let n_rows = count(it.questions().len() as u64, "row");
        view! {
            <option value=heading.id.clone() selected=is_chosen>
                {format!("{}, version {} ({n_rows})", heading.title, heading.version)}
            </option>
        }
    };
    view! {
        <div class="field question">
            <label for=wrong.id(Field::Title)>"Title"</label>
            <input
                class="input"
                id=wrong.id(Field::Title)
                name="form[title]"
                autocomplete="off"
                maxlength=NewRun::TITLE_CHARS_MAX
                value=opened.title
                placeholder=move || planning.pack().heading().title.clone()
                aria-invalid=wrong.invalid(Field::Title)
            />
            <Message wrong field=Field::Title/>
        </div>
        <div class="field question">
            <label for=wrong.id(Field::Pack)>"Questions of"</label>
            <select class="input" id=wrong.id(Field::Pack) name="form[pack]" aria-invalid=wrong.invalid(Field::Pack)>
                {packs.iter().map(option).collect_view()}
            </select>
            <Message wrong field=Field::Pack/>
        </div>
    }
    .into_any()
}

/// Questions and formats of the chosen pack, drawn anew when another one is chosen.
#[component]
pub fn PackFields(planning: Planning) -> impl IntoView {
    let pack_id = Memo::new(move |_| planning.pack().pack_id());
    move || {
        let _ = pack_id.get();
        let (pack, form) = untrack(|| (planning.pack(), planning.form.get()));
        view! {
            <div class="line">
                <FormatField planning formats=formats_of(&pack) form=form.clone()/>
            </div>
            <div class="line">
                <QuestionField planning questions=questions_of(&pack) form/>
            </div>
        }
    }
}

fn formats_of(pack: &Pack) -> Vec<Format> {
    Format::ALL.into_iter().filter(|it| pack.questions().iter().any(|row| row.format() == *it)).collect()
}

/// Id, and the first wording of its first row.
fn questions_of(pack: &Pack) -> Vec<(String, String)> {
    let mut questions: Vec<(String, String)> = Vec::new();
    for row in pack.questions() {
        if !questions.iter().any(|(id, _)| id == row.question_id()) {
            questions.push((row.question_id().to_owned(), row.paraphrase(0).to_owned()));
        }
    }
    questions
}

#[component]
fn FormatField(planning: Planning, formats: Vec<Format>, form: RunForm) -> impl IntoView {
    let check = |it: Format| {
        let is_chosen = form.formats.iter().any(|word| word == it.as_str());
        tick("form[formats][]", it.as_str().into(), is_chosen, it.name().into(), String::new())
    };
    view! {
        <fieldset class="field" id=planning.wrong.id(Field::Format)>
            <legend>"Formats; none ticked takes all that the pack has"</legend>
            <div class="pick">{formats.into_iter().map(check).collect_view()}</div>
            <Message wrong=planning.wrong field=Field::Format/>
        </fieldset>
    }
    .into_any()
}

#[component]
fn QuestionField(planning: Planning, questions: Vec<(String, String)>, form: RunForm) -> impl IntoView {
    let n_all = questions.len();
    let is_long = n_all > 24;
    let check = |(id, text): (String, String)| {
        let is_chosen = form.questions.contains(&id);
        let name = id.replace('_', " ");
        tick("form[questions][]", id, is_chosen, name, text)
    };
    let ticks = questions.into_iter().map(check).collect_view();
    let n_chosen = move || match planning.form.read().questions.len() {
        0 => format!("all {n_all}"),
        n => format!("{n} of {n_all}"),
    };
    view! {
        <fieldset class="field" id=planning.wrong.id(Field::Question)>
            <legend>"Questions; none ticked takes all of the pack"</legend>
            <details class="more" open=!is_long>
                <summary>{n_chosen}</summary>
                <div class="pick">{ticks}</div>
            </details>
            <Message wrong=planning.wrong field=Field::Question/>
        </fieldset>
    }
    .into_any()
}

#[component]
pub fn WrapperField(planning: Planning) -> impl IntoView {
    let form = planning.form.get_untracked();
    let check = |it: Wrapper| {
        let word = it.as_str();
        let is_chosen =
            form.wrappers.iter().any(|chosen| chosen == word) || (form.wrappers.is_empty() && it == Wrapper::Bare);
        tick("form[wrappers][]", word.into(), is_chosen, it.name().into(), it.template())
    };
    view! {
        <fieldset class="field" id=planning.wrong.id(Field::Wrappers)>
            <legend>"Wrappers; each is laid around every question"</legend>
            <div class="pick">{Wrapper::ALL.map(check).collect_view()}</div>
            <Message wrong=planning.wrong field=Field::Wrappers/>
        </fieldset>
    }
    .into_any()
}

#[component]
pub fn ModelField(planning: Planning, models: Vec<ModelCard>) -> impl IntoView {
    let form = planning.form.get_untracked();
    let pick = |card: &ModelCard| {
        let is_failed = matches!(card.state, ModelState::Failed(_));
        let is_chosen = !is_failed && form.models.contains(&card.id.0);
        view! {
            <label title=card.about.clone()>
                <input
                    type="checkbox"
                    name="form[models][]"
                    value=card.id.0.clone()
                    checked=is_chosen
                    disabled=is_failed
                />
                <Mark role=card.role/>
                {card.name.clone()}
            </label>
        }
    };
    let nobody = models.is_empty().then_some("No models are hosted. Name some in models.toml, and start again.");
    view! {
        <fieldset class="field" id=planning.wrong.id(Field::Models)>
            <legend>"Models"</legend>
            <div class="pick">{models.iter().map(pick).collect_view()}</div>
            {models.iter().filter_map(why_not).collect_view()}
            {nobody.map(|sentence| view! { <span class="cap">{sentence}</span> })}
            <Message wrong=planning.wrong field=Field::Models/>
        </fieldset>
    }
    .into_any()
}

fn why_not(card: &ModelCard) -> Option<impl IntoView + use<>> {
    match &card.state {
        ModelState::Failed(reason) => Some(why(card.name.clone(), sentence(reason))),
        _ => None,
    }
}

fn why(name: String, reason: String) -> impl IntoView {
    view! {
        <span class="why" data-is="fail">
            <Icon name="fail"/>
            <span>
                <strong>{name}</strong>
                " "
                {reason}
            </span>
        </span>
    }
    .into_any()
}

#[component]
pub fn SampleFields(planning: Planning) -> impl IntoView {
    let wrong = planning.wrong;
    let RunForm { samples, temperature, top_p, max_tokens, seed, .. } = planning.form.get_untracked();
    let (samples_max, tokens_max) = (NewRun::SAMPLES_MAX, Sampling::TOKENS_MAX);
    view! {
        <div class="params">
            <Figure wrong field=Field::Samples label="samples" value=samples hint=format!("1 to {samples_max}")/>
            <Figure wrong field=Field::Temperature label="temperature" value=temperature hint="0 to 2"/>
            <Figure wrong field=Field::TopP label="top-p" value=top_p hint="above 0, up to 1"/>
            <Figure wrong field=Field::MaxTokens label="max tokens" value=max_tokens hint=format!("1 to {tokens_max}")/>
            <Figure
                wrong
                field=Field::Seed
                label="seed"
                value=seed
                hint="empty: one is drawn"
                placeholder="drawn".to_owned()
            />
            <Message wrong field=Field::Samples/>
            <Message wrong field=Field::Temperature/>
            <Message wrong field=Field::TopP/>
            <Message wrong field=Field::MaxTokens/>
            <Message wrong field=Field::Seed/>
        </div>
    }
    .into_any()
}

#[component]
pub fn JudgeField(planning: Planning, judges: Vec<JudgeCard>) -> impl IntoView {
    let form = planning.form.get_untracked();
    let pick = |card: &JudgeCard| {
        let is_chosen = card.fault.is_none() && form.judges.contains(&card.id.0);
        view! {
            <label title=card.about.clone()>
                <input
                    type="checkbox"
                    name="form[judges][]"
                    value=card.id.0.clone()
                    checked=is_chosen
                    disabled=card.fault.is_some()
                />
                {card.name.clone()}
            </label>
        }
    };
    let faults = judges.iter().filter_map(|it| Some(why(it.name.clone(), sentence(it.fault.as_ref()?))));
    view! {
        <fieldset class="field" id=planning.wrong.id(Field::Judges)>
            <legend>"Judges; more can be added when the run is over"</legend>
            <div class="pick">{judges.iter().map(pick).collect_view()}</div>
            {faults.collect_view()}
            <Message wrong=planning.wrong field=Field::Judges/>
        </fieldset>
    }
    .into_any()
}

fn tick(name: &'static str, value: String, is_chosen: bool, label: String, about: String) -> impl IntoView {
    view! {
        <label title=about>
            <input type="checkbox" name=name value=value checked=is_chosen/>
            {label}
        </label>
    }
    .into_any()
}
