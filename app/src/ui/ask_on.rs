//! The form under the answers: one more question to some or all of the columns, each in its own conversation.

use super::{
    answer_head::name,
    error_note::ErrorNote,
    fields::{Figure, Message, SamplingMessages, TextBox, Wrong, failure, focus},
    live::Live,
    live_column::LiveColumn,
    mark::{Mark, Slot},
    words::sentence,
};
use crate::api::Follow;
use domain::{
    AnswerState, Beginning, Choice, Column, Field, FollowForm, NewComparison, NewFollowUp, OwnQuestion, Sampling,
};
use leptos::{
    form::{ActionForm, FromFormData},
    html::Form,
    prelude::*,
};
use web_sys::{KeyboardEvent, SubmitEvent};

/// Works before the wasm is there: what is chosen are the samples shown.
#[component]
pub fn AskOn(live: Live, is_blind: Memo<bool>) -> impl IntoView {
    let parent = live.head.get_untracked();
    match parent.takes_another_turn() {
        Ok(()) => view! { <AskOnForm live is_blind opened=FollowForm::after(&parent)/> }.into_any(),
        Err(reason) => view! { <p class="note" id="ask-on">{sentence(reason)}</p> }.into_any(),
    }
}

#[component]
fn AskOnForm(live: Live, is_blind: Memo<bool>, opened: FollowForm) -> impl IntoView {
    let follow = ServerAction::<Follow>::new();
    let wrong = Wrong::new("on-");
    // What the server said to a form that was sent without a script.
    wrong.take_answer(follow.value().get_untracked());
    Effect::new(move |_| wrong.take_answer(follow.value().get()));
    Effect::new(move |_| {
        if let Some(field) = wrong.first.read().as_ref().map(|it| it.field) {
            focus(&selector(wrong, field));
        }
    });
    let form = NodeRef::<Form>::new();
    let submit = Callback::new(move |()| {
        if let Some(form) = form.get_untracked() {
            // Refused only where the form has left the page.
            let _ = form.request_submit();
        }
    });
    view! {
        <ActionForm
            action=follow
            node_ref=form
            attr:class="bench ask-on"
            attr:id="ask-on"
            attr:aria-label="Ask on"
            on:submit:capture=move |event| check(wrong, &event)
            on:input=move |_| wrong.forget()
            on:keydown=move |event| send_by_key(&event, submit)
        >
            <input type="hidden" name="form[parent]" value=opened.parent.0/>
            <div class="line">
                <div class="field question">
                    <label for="on-question">"Ask on"</label>
                    <TextBox
                        wrong
                        field=Field::Question
                        id="on-question"
                        name="form[text]"
                        text=String::new()
                        chars_max=OwnQuestion::CHARS_MAX
                    />
                    <Message wrong field=Field::Question/>
                </div>
                <div class="go">
                    <button class="btn" type="submit" disabled=move || follow.pending().get()>
                        {move || if follow.pending().get() { "Asking…" } else { "Ask on" }}
                        <kbd>"Ctrl ↵"</kbd>
                    </button>
                </div>
            </div>
            <div class="line">
                <Chosen live is_blind wrong/>
                <Rest wrong opened/>
            </div>
        </ActionForm>
        {move || {
            failure(follow.value().get()).map(|message| view! { <ErrorNote message retry=submit verb="Ask again"/> })
        }}
    }
}

/// Which columns go on: those whose shown answer is finished, unless one is left out.
#[component]
fn Chosen(live: Live, is_blind: Memo<bool>, wrong: Wrong) -> impl IntoView {
    let picks = move || {
        // Names come with the reveal.
        let _ = is_blind.get();
        let head = live.head.get_untracked();
        let columns = live.columns().into_iter().zip(head.columns.clone());
        columns.map(|(column, about)| view! { <Pick column about/> }).collect_view()
    };
    view! {
        <fieldset class="field" id=wrong.id(Field::Columns)>
            <legend>"Going on from the answers shown"</legend>
            <div class="pick">{picks}</div>
            <Message wrong field=Field::Columns/>
        </fieldset>
    }
}

#[component]
fn Pick(column: LiveColumn, about: Column) -> impl IntoView {
    let column_idx = column.column_idx;
    let is_finished = move || matches!(*column.shown.get().state.read(), AnswerState::Finished(_));
    let is_chosen = move || is_finished() && column.desk.goes_on(column_idx);
    let word = move || {
        let (column_idx, sample_idx) = (column_idx as u32, column.sample_idx.get() as u32);
        Choice { column_idx, sample_idx }.word()
    };
    let has_several = column.answers.read_value().len() > 1;
    let sample = move || has_several.then(|| format!("sample {}", column.sample_idx.get() + 1));
    view! {
        <label title=move || (!is_finished()).then_some("Its shown answer is not finished")>
            <input
                type="checkbox"
                name="form[from][]"
                value=word
                checked=is_chosen()
                prop:checked=is_chosen
                disabled=move || !is_finished()
                aria-describedby="on-columns-wrong"
                on:change=move |event| column.desk.go_on(column_idx, event_target_checked(&event))
            />
            {match &about.model {
                Some(model) => view! { <Mark role=model.role/> }.into_any(),
                None => view! { <Slot number=about.slot/> }.into_any(),
            }}
            {name(about.slot, about.model.as_ref())}
            <span class="dim">{sample}</span>
        </label>
    }
}

/// What stays as it was above, unless it is changed.
#[component]
fn Rest(wrong: Wrong, opened: FollowForm) -> impl IntoView {
    let FollowForm { samples, temperature, top_p, max_tokens, .. } = opened;
    let (samples_max, tokens_max) = (NewComparison::SAMPLES_MAX, Sampling::TOKENS_MAX);
    view! {
        <details class="more">
            <summary>"Sampling, beginning of the answer"</summary>
            <div class="pairwise">
                <div class="params">
                    <Figure wrong field=Field::Samples label="samples" value=samples hint=format!("1 to {samples_max}")/>
                    <Figure wrong field=Field::Temperature label="temperature" value=temperature hint="0 to 2"/>
                    <Figure wrong field=Field::TopP label="top-p" value=top_p hint="above 0, up to 1"/>
                    <Figure
                        wrong
                        field=Field::MaxTokens
                        label="max tokens"
                        value=max_tokens
                        hint=format!("1 to {tokens_max}")
                    />
                    <Figure
                        wrong
                        field=Field::Seed
                        label="seed"
                        value=String::new()
                        hint="empty: one is drawn"
                        placeholder="drawn".to_owned()
                    />
                    <SamplingMessages wrong/>
                </div>
                <div class="field">
                    <label for="on-beginning">"The answer begins with"</label>
                    <TextBox
                        wrong
                        field=Field::Beginning
                        id="on-beginning"
                        name="form[beginning]"
                        text=String::new()
                        chars_max=Beginning::CHARS_MAX
                    />
                    <Message wrong field=Field::Beginning/>
                </div>
            </div>
        </details>
    }
}

/// Holds back a form that is wrong, and says what is.
fn check(wrong: Wrong, event: &SubmitEvent) {
    let Ok(Follow { form }) = Follow::from_event(event) else { return };
    if let Err(err) = NewFollowUp::parse(&form) {
        event.prevent_default();
        wrong.first.set(Some(err));
    }
}

fn selector(wrong: Wrong, field: Field) -> String {
    match field {
        Field::Columns => format!("#{} :enabled", wrong.id(field)),
        field => format!("#{}", wrong.id(field)),
    }
}

/// `Ctrl ↵` in the form sends this one, and not the one that asks anew.
fn send_by_key(event: &KeyboardEvent, submit: Callback<()>) {
    if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
        event.prevent_default();
        event.stop_propagation();
        submit.run(());
    }
}
