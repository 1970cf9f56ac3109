//! What to ask: the form on top of the compare page.

use super::{
    bench_fields::{BlindSwitch, FormatField, GivenFields, ModelField, QuestionField, SamplingFields},
    catalogue::Catalogue,
    error_note::ErrorNote,
    fields::{Wrong, failure, focus},
    keys::{self, Command},
};
use crate::api::Compare;
use domain::{AskForm, Field, ModelCard, ModelState, NewComparison, Seed};
use leptos::{
    form::{ActionForm, FromFormData},
    html::Form,
    prelude::*,
};
use web_sys::{FormData, SubmitEvent};

/// What all fields of the form share.
#[derive(Clone, Copy)]
pub struct Asking {
    /// The form as it stands now. The browser's fields hold the truth, and this follows them.
    pub form: RwSignal<AskForm>,
    pub wrong: Wrong,
    /// Every hosted model; none before they are known.
    pub models: RwSignal<Option<Vec<ModelCard>>>,
    /// Whether those models are chosen that stand chosen at first: every one that is ready.
    pub all_models: RwSignal<bool>,
}

/// The form, opened as `opened` says; where that names no models, all that are ready are chosen.
///
/// Works before the wasm is there. Afterwards it is checked before it is sent, and `changed` hears of every change.
#[component]
pub fn Bench(
    opened: AskForm,
    /// The seed of the comparison below, if there is one.
    #[prop(optional_no_strip)]
    seed: Option<Seed>,
    #[prop(optional, into)] changed: Option<Callback<AskForm>>,
) -> impl IntoView {
    let asking = Asking::new(opened);
    let compare = ServerAction::<Compare>::new();
    // What the server said to a form that was sent without a script.
    asking.wrong.take_answer(compare.value().get_untracked());
    let form = NodeRef::<Form>::new();
    let submit = Callback::new(move |()| {
        if let Some(form) = form.get_untracked() {
            // Refused only where the form has left the page.
            let _ = form.request_submit();
        }
    });
    let follow = move || {
        asking.follow(form);
        if let Some(changed) = changed {
            changed.run(asking.for_url());
        }
    };
    // What was typed before the wasm came, or what the browser kept over a reload.
    Effect::new(move |_| asking.follow(form));
    // Without the wasm, what was wrong comes back in the URL, and the page is drawn with it.
    asking.wrong.take_answer(compare.value().get_untracked());
    Effect::new(move |_| asking.wrong.take_answer(compare.value().get()));
    Effect::new(move |_| focus_on_wrong(&asking));
    keys::listen(move |command| {
        let is_mine = command == Command::Ask;
        if is_mine {
            submit.run(());
        }
        is_mine
    });
    view! {
        <ActionForm
            action=compare
            node_ref=form
            attr:class="bench"
            attr:aria-label="What to ask"
            on:submit:capture=move |event| asking.check(&event)
            on:input=move |_| follow()
        >
            <div class="line">
                <QuestionField asking/>
                <FormatField asking/>
                <div class="go">
                    <AskButton asking is_pending=compare.pending()/>
                </div>
            </div>
            <div class="line">
                <ModelField asking/>
                <SamplingFields asking seed/>
                <BlindSwitch asking/>
            </div>
            <div class="line">
                <GivenFields asking/>
            </div>
        </ActionForm>
        {move || {
            failure(compare.value().get()).map(|message| view! { <ErrorNote message retry=submit verb="Ask again"/> })
        }}
    }
}

#[component]
fn AskButton(asking: Asking, is_pending: Memo<bool>) -> impl IntoView {
    let nobody_answers = move || {
        let is_failed = |it: &ModelCard| matches!(it.state, ModelState::Failed(_));
        asking.models.read().as_ref().is_some_and(|models| models.iter().all(is_failed))
    };
    view! {
        <button class="btn" data-kind="main" type="submit" disabled=move || is_pending.get() || nobody_answers()>
            {move || if is_pending.get() { "Asking…" } else { "Ask" }}
            <kbd>"Ctrl ↵"</kbd>
        </button>
    }
}

impl Asking {
    fn new(opened: AskForm) -> Self {
        let catalogue = Catalogue::here();
        let asking = Self {
            all_models: RwSignal::new(opened.models.is_empty()),
            form: RwSignal::new(opened),
            wrong: Wrong::new(""),
            models: catalogue.models,
        };
        Effect::new(move |_| catalogue.watch_models());
        asking
    }

    pub fn is_own_question(self) -> bool {
        self.form.read().question == AskForm::OWN
    }

    /// Takes over the fields as they stand in the browser.
    fn follow(self, form: NodeRef<Form>) {
        let Some(mut form) = read(form) else { return };
        if self.models.read_untracked().is_some() {
            self.all_models.set(form.models == self.ready_models());
        } else {
            // No field stands for them yet.
            form.models = self.form.get_untracked().models;
        }
        self.wrong.forget();
        self.form.maybe_update(|it| {
            let is_new = *it != form;
            *it = form;
            is_new
        });
    }

    /// The form as the URL says it: all models are not named.
    fn for_url(self) -> AskForm {
        let mut form = self.form.get_untracked();
        if self.all_models.get_untracked() {
            form.models.clear();
        }
        form
    }

    fn ready_models(self) -> Vec<String> {
        let models = self.models.read_untracked();
        models.iter().flatten().filter(|it| it.is_ready()).map(|it| it.id.0.clone()).collect()
    }

    /// Holds back a form that is wrong, and says what is.
    fn check(self, event: &SubmitEvent) {
        let Ok(Compare { form }) = Compare::from_event(event) else { return };
        if let Err(wrong) = NewComparison::parse(&form) {
            event.prevent_default();
            self.wrong.first.set(Some(wrong));
        }
    }
}

/// The fields as they stand in the browser.
fn read(form: NodeRef<Form>) -> Option<AskForm> {
    let data = FormData::new_with_form(&form.get_untracked()?).ok()?;
    Compare::from_form_data(&data).ok().map(|it| it.form)
}

fn focus_on_wrong(asking: &Asking) {
    let wrong = asking.wrong.first.read();
    let Some(wrong) = wrong.as_ref() else { return };
    let selector = match wrong.field {
        Field::Question if asking.form.read_untracked().question == AskForm::OWN => "#own".to_owned(),
        Field::Format => "#format :checked".to_owned(),
        Field::Models => "#models :enabled".to_owned(),
        field => format!("#{}", asking.wrong.id(field)),
    };
    // An element that takes no focus stays without; the message stands beside it anyway.
    focus(&selector);
}
