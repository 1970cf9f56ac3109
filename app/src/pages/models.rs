//! `/models`: what can be asked, what it costs in memory, and why one of them does not load.

use crate::{
    api::{self, LoadModel, UnloadModel},
    backend::ApiError,
    ui::{
        error_note::ErrorNote,
        event_stream::{Arrival, EventStream},
        memory_bar::MemoryPanel,
        model_rows::ModelTable,
        words::count,
    },
};
use domain::Registry;
use leptos::prelude::*;
use leptos_meta::Title;
use send_wrapper::SendWrapper;
use std::time::Duration;

#[component]
pub fn ModelsPage() -> impl IntoView {
    let registry = Resource::new(|| (), |()| api::registry());
    let retry = Callback::new(move |()| registry.refetch());
    view! {
        <Title text="Models · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <Suspense fallback=|| view! { <h1>"Models"</h1> }>
                {move || Suspend::new(async move {
                    match registry.await {
                        Ok(registry) => view! { <Listed registry/> }.into_any(),
                        Err(err) => {
                            view! {
                                <h1>"Models"</h1>
                                <ErrorNote message=err.to_string() retry/>
                            }
                                .into_any()
                        }
                    }
                })}
            </Suspense>
        </main>
    }
}

/// The registry as it was loaded, and in the browser as it is.
#[component]
fn Listed(registry: Registry) -> impl IntoView {
    let following = Following::new(registry);
    let now = following.registry;
    view! {
        <div class="page-head">
            <h1>"Models"</h1>
            <span class="sub num" role="status">
                {move || in_use(&now.read())}
                {move || following.is_lost.get().then_some(". Connection lost, trying again")}
            </span>
        </div>
        <Refused following/>
        {move || {
            if now.read().models.is_empty() {
                view! { <p class="note">{NO_MODELS}</p> }.into_any()
            } else {
                view! {
                    <MemoryPanel registry=now/>
                    <ModelTable registry=now load=following.load unload=following.unload/>
                }
                    .into_any()
            }
        }}
    }
}

const NO_MODELS: &str =
    "models.toml names no models yet. Its first lines say how; the server reads it when it is started.";

/// `4 of 6 entries in models.toml are ready`.
fn in_use(registry: &Registry) -> String {
    let n_models = registry.models.len();
    let n_ready = registry.models.iter().filter(|it| it.card.is_ready()).count();
    let n_coming = registry.models.iter().filter(|it| it.card.state.is_coming()).count();
    let coming = if n_coming > 0 { format!(", {n_coming} on their way") } else { String::new() };
    match n_models {
        0 => String::new(),
        _ => format!("{n_ready} of {} ready{coming}", count(n_models as u64, "model")),
    }
}

/// Why the last press on Load, Unload or Cancel did nothing.
#[component]
fn Refused(following: Following) -> impl IntoView {
    let Following { load, unload, .. } = following;
    let close = Callback::new(move |()| {
        load.value().set(None);
        unload.value().set(None);
    });
    let refusal = move || [load.value().get(), unload.value().get()].into_iter().flatten().find_map(Result::err);
    move || refusal().map(|err: ApiError| view! { <ErrorNote message=err.to_string() retry=close verb="Close"/> })
}

/// The registry while it changes. On the server it stays as loaded.
#[derive(Clone, Copy)]
struct Following {
    registry: RwSignal<Registry>,
    is_lost: RwSignal<bool>,
    load: ServerAction<LoadModel>,
    unload: ServerAction<UnloadModel>,
    /// Closed when the page is left, since it is dropped then.
    stream: StoredValue<Option<SendWrapper<EventStream>>>,
}

impl Following {
    fn new(registry: Registry) -> Self {
        let following = Self {
            registry: RwSignal::new(registry),
            is_lost: RwSignal::new(false),
            load: ServerAction::new(),
            unload: ServerAction::new(),
            stream: StoredValue::new(None),
        };
        Effect::new(move |_| following.follow());
        following
    }

    fn follow(self) {
        let stream = EventStream::open("/models/events", move |arrival| self.take(arrival)).map(SendWrapper::new);
        self.stream.try_update_value(|it| *it = stream);
    }

    fn take(self, arrival: Arrival<Registry>) {
        self.is_lost.try_set(!matches!(arrival, Arrival::Event(_)));
        match arrival {
            Arrival::Event(registry) => drop(self.registry.try_set(registry)),
            // The browser opens the line again by itself.
            Arrival::Broken => {}
            Arrival::Refused => set_timeout(move || self.follow(), PAUSE),
        }
    }
}

/// How long to wait before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(2);
