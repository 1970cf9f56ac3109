//! What a person does to a run, and the run as it is meanwhile.

use super::{
    error_note::ErrorNote,
    event_stream::{Arrival, EventStream},
    icon::Icon,
    mark::Mark,
};
use crate::{
    api::{ExtendRun, RepeatRun, SteerRun},
    backend::ApiError,
};
use domain::{JudgeCard, JudgeId, ModelCard, ModelId, More, NewRun, Run, RunAct, RunEvent, RunId, RunState};
use leptos::{
    form::ActionForm,
    html::{Dialog, Form},
    prelude::*,
};
use send_wrapper::SendWrapper;
use std::time::Duration;
use web_sys::{FormData, SubmitEvent};

/// A run while it changes. On the server it stays as loaded.
#[derive(Clone, Copy)]
pub struct Following {
    pub run: RwSignal<Run>,
    pub is_lost: RwSignal<bool>,
    steer: ServerAction<SteerRun>,
    extend: ServerAction<ExtendRun>,
    repeat: ServerAction<RepeatRun>,
    /// Closed when the page is left, since it is dropped then.
    stream: StoredValue<Option<SendWrapper<EventStream>>>,
}

impl Following {
    pub fn new(run: Run) -> Self {
        let following = Self {
            run: RwSignal::new(run),
            is_lost: RwSignal::new(false),
            steer: ServerAction::new(),
            extend: ServerAction::new(),
            repeat: ServerAction::new(),
            stream: StoredValue::new(None),
        };
        // What was done changes the run: its stream is opened anew, and begins with the whole.
        Effect::new(move |_| {
            following.steer.version().track();
            following.extend.version().track();
            following.follow();
        });
        following
    }

    fn id(self) -> RunId {
        self.run.with_untracked(|it| it.id)
    }

    fn follow(self) {
        let url = format!("/runs/{}/events", self.id().0);
        let stream = EventStream::open(&url, move |arrival| self.take(arrival)).map(SendWrapper::new);
        self.stream.try_update_value(|it| *it = stream);
    }

    fn take(self, arrival: Arrival<RunEvent>) {
        self.is_lost.try_set(!matches!(arrival, Arrival::Event(_)));
        match arrival {
            Arrival::Event(RunEvent::Whole(run)) => drop(self.run.try_set(*run)),
            Arrival::Event(RunEvent::End) => {
                // It is being called by what it would drop: closed only.
                self.stream.try_with_value(|it| it.as_ref().inspect(|it| it.close()).is_some());
            }
            // The browser opens the line again by itself.
            Arrival::Broken => {}
            Arrival::Refused => set_timeout(move || self.follow(), PAUSE),
        }
    }

    pub fn act(self, act: RunAct) {
        self.steer.dispatch(SteerRun { id: self.id(), act });
    }

    /// Says whether the run can do either.
    pub fn pause_or_go_on(self) -> bool {
        let act = match self.run.with_untracked(|it| it.state.clone()) {
            RunState::Queued | RunState::Running => RunAct::Pause,
            RunState::Paused(_) => RunAct::GoOn,
            RunState::Finished | RunState::Cancelled => return false,
        };
        self.act(act);
        true
    }

    fn is_pending(self) -> bool {
        self.steer.pending().get() || self.extend.pending().get()
    }
}

/// How long to wait before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// Why the last press did nothing.
#[component]
pub fn Refused(following: Following) -> impl IntoView {
    let Following { steer, extend, repeat, .. } = following;
    let close = Callback::new(move |()| {
        steer.value().set(None);
        extend.value().set(None);
        repeat.value().set(None);
    });
    let refusal = move || -> Option<ApiError> {
        let steered = steer.value().get().and_then(Result::err);
        let extended = extend.value().get().and_then(Result::err);
        steered.or(extended).or_else(|| repeat.value().get().and_then(Result::err))
    };
    move || refusal().map(|err| view! { <ErrorNote message=err.to_string() retry=close verb="Close"/> })
}

/// Pause or go on, cancel, repeat; what makes no sense now is not there.
#[component]
pub fn Acts(following: Following) -> impl IntoView {
    let is_over = Memo::new(move |_| following.run.read().state.is_over());
    let is_paused = Memo::new(move |_| matches!(following.run.read().state, RunState::Paused(_)));
    let sure = NodeRef::<Dialog>::new();
    let ask = move |_| {
        if let Some(dialog) = sure.get_untracked() {
            let _ = dialog.show_modal();
        }
    };
    view! {
        <ActionForm action=following.repeat>
            <input type="hidden" name="id" value=following.id().0/>
            <button class="btn" data-kind="quiet" type="submit">
                "Repeat"
            </button>
        </ActionForm>
        <a class="btn" data-kind="quiet" href="#extend">
            "Extend"
        </a>
        {move || {
            (!is_over.get())
                .then(|| {
                    view! {
                        <button class="btn" data-kind="danger" type="button" on:click=ask>
                            "Cancel"
                        </button>
                        <button
                            class="btn"
                            data-kind="main"
                            type="button"
                            disabled=move || following.is_pending()
                            on:click=move |_| {
                                following.pause_or_go_on();
                            }
                        >
                            {move || {
                                if is_paused.get() {
                                    view! {
                                        <Icon name="right"/>
                                        "Go on "
                                    }
                                        .into_any()
                                } else {
                                    view! {
                                        <Icon name="pause"/>
                                        "Pause "
                                    }
                                        .into_any()
                                }
                            }}
                            <kbd>"P"</kbd>
                        </button>
                    }
                })
        }}
        <dialog class="sheet" node_ref=sure aria-labelledby="cancel-title">
            <header>
                <h2 id="cancel-title">"Cancel this run?"</h2>
            </header>
            <form class="pad stack" method="dialog">
                <p>
                    "It never goes on after that. What it has is kept, with its judgements, and can be read and counted; to stop for a while, pause it instead."
                </p>
                <div class="row">
                    <button class="btn" value="keep">
                        "Let it be"
                    </button>
                    <button
                        class="btn push"
                        data-kind="danger"
                        value="cancel"
                        on:click=move |_| following.act(RunAct::Cancel)
                    >
                        "Cancel the run"
                    </button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

/// Nothing while nothing has failed.
#[component]
pub fn TryAgain(following: Following) -> impl IntoView {
    let n_failed = Memo::new(move |_| {
        let run = following.run.read();
        run.progress.n_failed + run.judges.iter().map(|it| it.n_failed).sum::<u32>()
    });
    move || {
        let n = n_failed.get();
        let what = if n == 1 { "1 failure".to_owned() } else { format!("{n} failures") };
        (n > 0).then(|| {
            view! {
                <button
                    class="btn"
                    type="button"
                    disabled=move || following.is_pending()
                    on:click=move |_| following.act(RunAct::TryFailuresAgain)
                >
                    {format!("Try {what} again")}
                </button>
            }
        })
    }
}

/// More samples, models or judges for the same run. Folded; needs the wasm.
#[component]
pub fn Extend(following: Following, models: Vec<ModelCard>, judges: Vec<JudgeCard>) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let run = following.run.read_untracked();
    let others = models.into_iter().filter(|card| !run.models.iter().any(|it| it.id == card.id));
    let model = |card: ModelCard| {
        view! {
            <label title=card.about>
                <input type="checkbox" name="model" value=card.id.0/>
                <Mark role=card.role/>
                {card.name}
            </label>
        }
    };
    let models: Vec<_> = others.map(model).collect();
    let no_models = models.is_empty().then_some("Every model is already in this run.");
    let others = judges.into_iter().filter(|card| !run.judges.iter().any(|it| it.judge == card.id));
    let judge = |card: JudgeCard| {
        view! {
            <label title=card.about>
                <input type="checkbox" name="judge" value=card.id.0 disabled=card.fault.is_some()/>
                {card.name}
            </label>
        }
    };
    let judges: Vec<_> = others.map(judge).collect();
    let no_judges = judges.is_empty().then_some("Every judge already sees these answers.");
    let n_samples = run.n_samples;
    drop(run);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(more) = form.get_untracked().and_then(|it| more(&it, n_samples)) else { return };
        following.extend.dispatch(ExtendRun { id: following.id(), more });
    };
    view! {
        <section class="panel" id="extend">
            <header>
                <h2>"Extend"</h2>
                <span class="soft">"what is there stays; what is added is asked with the same seed"</span>
            </header>
            <form class="pad bench-in" node_ref=form on:submit=submit>
                <div class="field">
                    <label for="more-samples">"samples of each cell"</label>
                    <input
                        class="input figures"
                        id="more-samples"
                        name="samples"
                        inputmode="numeric"
                        autocomplete="off"
                        value=n_samples
                        title=format!("{n_samples} to {}", NewRun::SAMPLES_MAX)
                    />
                </div>
                <fieldset class="field">
                    <legend>"more models"</legend>
                    <div class="pick">{models}</div>
                    <span class="cap">{no_models}</span>
                </fieldset>
                <fieldset class="field">
                    <legend>"more judges"</legend>
                    <div class="pick">{judges}</div>
                    <span class="cap">{no_judges}</span>
                </fieldset>
                <button class="btn push" type="submit" disabled=move || following.is_pending()>
                    "Add to this run"
                </button>
            </form>
        </section>
    }
    .into_any()
}

/// What the form says is to be added; None where that is nothing.
fn more(form: &web_sys::HtmlFormElement, n_samples: u32) -> Option<More> {
    let data = FormData::new_with_form(form).ok()?;
    let all = |name: &str| data.get_all(name).iter().filter_map(|it| it.as_string()).collect::<Vec<_>>();
    let typed = all("samples").first().and_then(|it| it.trim().parse::<u32>().ok());
    let more = More {
        n_samples: typed.filter(|it| *it > n_samples && *it <= NewRun::SAMPLES_MAX),
        models: all("model").into_iter().map(ModelId).collect(),
        judges: all("judge").into_iter().map(JudgeId).collect(),
    };
    (more != More::default()).then_some(more)
}
