//! The very prompt that models would receive in one sample.

use super::run_form::Planning;
use domain::{Pack, PackQuestion, Prompt, Seed, Wrapper};
use leptos::prelude::*;

/// Before the wasm is there it shows the first row.
#[component]
pub fn Preview(planning: Planning) -> impl IntoView {
    let row = RwSignal::new(String::new());
    let wrapper = RwSignal::new(Wrapper::Bare);
    let sample = RwSignal::new(0_u32);
    let pack = Memo::new(move |_| planning.pack());
    let seed = Memo::new(move |_| planning.form.read().seed.trim().parse().ok().map(Seed));
    let prompt = Memo::new(move |_| {
        let pack = pack.read();
        let question = chosen(&pack, &row.read());
        question.prompt(wrapper.get(), seed.get().unwrap_or(Seed(0)), sample.get())
    });
    let wrapper_option = |it: Wrapper| view! { <option value=it.as_str()>{it.name()}</option> };
    let drawn = move || {
        let is_drawn = wrapper.get().draws() && seed.get().is_none();
        is_drawn
            .then_some("Its numbers are drawn from seed 0 here; the run draws a seed of its own unless one is given.")
    };
    view! {
        <section class="panel">
            <header>
                <h2>"What models receive"</h2>
                <span class="soft">"before each model’s own chat template"</span>
            </header>
            <div class="pad stack">
                <div class="row">
                    <div class="field">
                        <label for="preview-row">"row"</label>
                        <select class="input" id="preview-row" on:change=move |event| row.set(event_target_value(&event))>
                            {move || pack.read().questions().iter().map(row_option).collect_view()}
                        </select>
                    </div>
                    <div class="field">
                        <label for="preview-wrapper">"wrapper"</label>
                        <select
                            class="input"
                            id="preview-wrapper"
                            on:change=move |event| wrapper.set(event_target_value(&event).parse().unwrap_or_default())
                        >
                            {Wrapper::ALL.map(wrapper_option).collect_view()}
                        </select>
                    </div>
                    <div class="field">
                        <label for="preview-sample">"sample"</label>
                        <input
                            class="input figures"
                            id="preview-sample"
                            type="number"
                            min="1"
                            max="1000"
                            value="1"
                            on:input=move |event| {
                                let number: u32 = event_target_value(&event).parse().unwrap_or(1);
                                sample.set(number.clamp(1, 1_000) - 1);
                            }
                        />
                    </div>
                </div>
                {move || view! { <PromptText prompt=prompt.get()/> }}
                <p class="cap">{drawn}</p>
            </div>
        </section>
    }
    .into_any()
}

fn row_option(it: &PackQuestion) -> impl IntoView + use<> {
    let id = it.id().to_owned();
    view! { <option value=id.clone()>{id.clone()}</option> }
}

/// The row by this id, or the first.
fn chosen<'a>(pack: &'a Pack, id: &str) -> &'a PackQuestion {
    pack.question(id).unwrap_or(&pack.questions()[0])
}

#[component]
fn PromptText(prompt: Prompt) -> impl IntoView {
    let Prompt { system, user } = prompt;
    let system = system.unwrap_or_else(|| "(as the model’s own template has it)".into());
    view! {
        <dl class="messages">
            <dt>"system"</dt>
            <dd>{system}</dd>
            <dt>"user"</dt>
            <dd>{user}</dd>
        </dl>
    }
    .into_any()
}
