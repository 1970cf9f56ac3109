//! What to run: the form, with what it would take and what models would receive below.

use super::{
    error_note::ErrorNote,
    fields::{Wrong, failure, focus},
    keys::{self, Command},
    query_string,
    run_estimate::EstimatePanel,
    run_fields::{JudgeField, ModelField, PackFields, SampleFields, TitleField, WrapperField},
    run_preview::Preview,
};
use crate::api::StartRun;
use domain::{Field, JudgeCard, ModelCard, Pack, RunForm};
use leptos::{
    form::{ActionForm, FromFormData},
    html::Form,
    prelude::*,
};
use std::sync::Arc;
use web_sys::{FormData, SubmitEvent};

/// What all fields of the form share.
#[derive(Clone, Copy)]
pub struct Planning {
    /// The form as it stands now. The browser's fields hold the truth, and this follows them.
    pub form: RwSignal<RunForm>,
    pub wrong: Wrong,
    packs: StoredValue<Arc<Vec<Pack>>>,
}

/// The form, opened as `opened` says; where that names no models, all that are ready are chosen.
///
/// Works before the wasm is there. Afterwards it is checked before it is sent, and the URL follows it.
#[component]
pub fn RunBench(opened: RunForm, packs: Vec<Pack>, models: Vec<ModelCard>, judges: Vec<JudgeCard>) -> impl IntoView {
    if packs.is_empty() {
        return view! {
            <p class="note">
                "There is no pack of questions. Bring one in with “plumbline questions import FILE.yaml”, then come back."
            </p>
        }
        .into_any();
    }
    let planning = Planning::new(opened, packs, &models);
    view! {
        <Plan planning models judges/>
        <EstimatePanel planning/>
        <Preview planning/>
    }
    .into_any()
}

/// The form itself.
#[component]
pub fn Plan(planning: Planning, models: Vec<ModelCard>, judges: Vec<JudgeCard>) -> impl IntoView {
    let start = ServerAction::<StartRun>::new();
    // Without the wasm, what was wrong comes back in the URL, and the page is drawn with it.
    planning.wrong.take_answer(start.value().get_untracked());
    let form = NodeRef::<Form>::new();
    let submit = Callback::new(move |()| {
        if let Some(form) = form.get_untracked() {
            // Refused only where the form has left the page.
            let _ = form.request_submit();
        }
    });
    let mirror = query_string::mirror();
    let follow = move || {
        planning.follow(form);
        mirror.run(planning.url());
    };
    // What was typed before the wasm came, or what the browser kept over a reload.
    Effect::new(move |_| planning.follow(form));
    Effect::new(move |_| planning.wrong.take_answer(start.value().get()));
    Effect::new(move |_| focus_on_wrong(&planning));
    keys::listen(move |command| {
        let is_mine = command == Command::Ask;
        if is_mine {
            submit.run(());
        }
        is_mine
    });
    view! {
        <ActionForm
            action=start
            node_ref=form
            attr:class="bench"
            attr:aria-label="What to run"
            on:submit:capture=move |event| planning.check(&event)
            on:input=move |_| follow()
        >
            <div class="line">
                <TitleField planning/>
                <div class="go">
                    <StartButton is_pending=start.pending()/>
                </div>
            </div>
            <PackFields planning/>
            <div class="line">
                <WrapperField planning/>
            </div>
            <div class="line">
                <ModelField planning models/>
                <SampleFields planning/>
            </div>
            <div class="line">
                <JudgeField planning judges/>
            </div>
        </ActionForm>
        {move || failure(start.value().get()).map(|message| view! { <ErrorNote message retry=submit verb="Start again"/> })}
    }
    .into_any()
}

#[component]
fn StartButton(is_pending: Memo<bool>) -> impl IntoView {
    view! {
        <button class="btn" data-kind="main" type="submit" disabled=is_pending>
            {move || if is_pending.get() { "Starting…" } else { "Start" }}
            <kbd>"Ctrl ↵"</kbd>
        </button>
    }
    .into_any()
}

impl Planning {
    pub fn new(mut opened: RunForm, packs: Vec<Pack>, models: &[ModelCard]) -> Self {
        if opened.models.is_empty() {
            opened.models = models.iter().filter(|it| it.is_ready()).map(|it| it.id.0.clone()).collect();
        }
        if !packs.iter().any(|it| is_named(it, &opened.pack)) {
            opened.pack = packs.first().map(|it| it.heading().id.clone()).unwrap_or_default();
        }
        Self { form: RwSignal::new(opened), wrong: Wrong::new("run-"), packs: StoredValue::new(Arc::new(packs)) }
    }

    pub fn packs(self) -> Arc<Vec<Pack>> {
        self.packs.get_value()
    }

    /// The chosen pack.
    pub fn pack(self) -> Pack {
        let packs = self.packs();
        let form = self.form.read();
        packs.iter().find(|it| is_named(it, &form.pack)).unwrap_or(&packs[0]).clone()
    }

    /// Takes over the fields as they stand in the browser.
    fn follow(self, form: NodeRef<Form>) {
        let Some(form) = read(form) else { return };
        self.wrong.forget();
        self.form.maybe_update(|it| {
            let is_new = *it != form;
            *it = form;
            is_new
        });
    }

    fn url(self) -> String {
        query_string::href("/runs/new", self.form.read_untracked().to_pairs())
    }

    /// Holds back a form that is wrong, and says what is.
    fn check(self, event: &SubmitEvent) {
        let Ok(StartRun { form }) = StartRun::from_event(event) else { return };
        if let Err(wrong) = form.parse(&untrack(|| self.pack())) {
            event.prevent_default();
            self.wrong.first.set(Some(wrong));
        }
    }
}

/// Whether a form that says `word` means this pack: by its id, or by id and version.
fn is_named(pack: &Pack, word: &str) -> bool {
    let heading = pack.heading();
    word == heading.id || word == format!("{}@{}", heading.id, heading.version)
}

/// The fields as they stand in the browser.
fn read(form: NodeRef<Form>) -> Option<RunForm> {
    let data = FormData::new_with_form(&form.get_untracked()?).ok()?;
    StartRun::from_form_data(&data).ok().map(|it| it.form)
}

fn focus_on_wrong(planning: &Planning) {
    let wrong = planning.wrong.first.read();
    let Some(wrong) = wrong.as_ref() else { return };
    let id = planning.wrong.id(wrong.field);
    let selector = match wrong.field {
        Field::Models | Field::Question | Field::Format | Field::Wrappers | Field::Judges => format!("#{id} :enabled"),
        _ => format!("#{id}"),
    };
    // An element that takes no focus stays without; the message stands beside it anyway.
    focus(&selector);
}
