//! The table of all models: what each is, how far it is, and what can be done about it.

use super::{
    copy::CopyIcon,
    icon::Icon,
    mark::Mark,
    words::{count, sentence},
};
use crate::api::{LoadModel, UnloadModel};
use domain::{MadeOf, Memory, ModelId, ModelState, Offer, Registered, Registry, size};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn ModelTable(
    registry: RwSignal<Registry>,
    load: ServerAction<LoadModel>,
    unload: ServerAction<UnloadModel>,
) -> impl IntoView {
    let ids = Memo::new(move |_| registry.read().models.iter().map(|it| it.card.id.clone()).collect::<Vec<_>>());
    let row = move |id: ModelId| {
        // A row is drawn anew only when its own model changes, so that what is open or has the focus stays.
        let model = Memo::new(move |_| {
            let registry = registry.read();
            let found = registry.models.iter().find(|it| it.card.id == id).cloned();
            found.map(|model| (registry.freed_bytes(&model.card.id), model))
        });
        let draw = move |(freed_bytes, model)| view! { <Row model freed_bytes load unload/> }.into_any();
        move || model.get().map(draw)
    };
    view! {
        <section class="panel">
            <header>
                <h2>"Registry"</h2>
                <span class="soft">"what a comparison can ask"</span>
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label="Table of models">
                <table class="table models">
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="state">
                                "State"
                            </th>
                            <th scope="col"></th>
                            <th scope="col" class="r">
                                "Weights"
                            </th>
                            <th scope="col" class="r">
                                "Cache"
                            </th>
                            <th scope="col">"Made of"</th>
                            <th scope="col" class="r">
                                "Parameters"
                            </th>
                            <th scope="col">"Chat template"</th>
                            <th scope="col">"Files"</th>
                            <th scope="col">"Hash"</th>
                        </tr>
                    </thead>
                    {move || ids.get().into_iter().map(row).collect_view()}
                </table>
            </div>
        </section>
    }
}

/// A model, and below it why it is as it is.
#[component]
fn Row(
    model: Registered,
    freed_bytes: u64,
    load: ServerAction<LoadModel>,
    unload: ServerAction<UnloadModel>,
) -> impl IntoView {
    let reason = reason(&model);
    let offer = model.offer();
    let card = model.card.clone();
    let (id, name) = (card.id, card.name.clone());
    let button = offer.map(|offer| view! { <Button offer id name freed_bytes load unload/> }.into_any());
    view! {
        <tbody>
            <tr class:joined=reason.is_some()>
                <th scope="row">
                    <span class="who">
                        <Mark role=card.role/>
                        <strong>{card.name}</strong>
                        {card.is_demo.then(|| view! { " " <span class="badge">"demo"</span> })}
                    </span>
                </th>
                <td class="state">
                    <State state=card.state n_answers=model.n_answers/>
                </td>
                <td class="nowrap">{button}</td>
                <Facts model/>
            </tr>
            {reason.map(why)}
        </tbody>
    }
}

fn why(reason: String) -> AnyView {
    view! {
        <tr class="reason">
            <td></td>
            <td colspan="9">
                <p class="soft">{reason}</p>
            </td>
        </tr>
    }
    .into_any()
}

/// The cells with what is known of it.
#[component]
fn Facts(model: Registered) -> impl IntoView {
    let Registered { card, made_of, weights, hash, memory, .. } = model;
    let MadeOf { folder, template, .. } = made_of.unwrap_or_default();
    let bytes = |of: fn(Memory) -> u64| memory.map(of).filter(|it| *it > 0).map_or_else(dash, size);
    view! {
        <td class="r">{bytes(|it| it.weights_bytes)}</td>
        <td class="r">{bytes(|it| it.cache_bytes)}</td>
        <td class="soft nowrap">
            {weights.as_ref().map(|it| it.architecture.clone())} " " <span class="dim">{card.about}</span>
        </td>
        <td class="r">{weights.map_or_else(dash, |it| parameters(it.n_parameters))}</td>
        <td class="soft nowrap">{template_in_words(&template)}</td>
        <td class="mono soft nowrap">{folder}</td>
        <td class="nowrap">{hash.map(|hash| view! { <Hash hash/> })}</td>
    }
    .into_any()
}

fn dash() -> String {
    "–".into()
}

/// What stands below the row, where its state alone does not say it.
fn reason(model: &Registered) -> Option<String> {
    match &model.card.state {
        ModelState::Failed(reason) if model.made_of.is_none() => {
            Some(format!("{} Mend it and start the server again.", sentence(reason)))
        }
        ModelState::Failed(reason) => Some(format!("{} The other models are not affected.", sentence(reason))),
        ModelState::Unloaded(reason) | ModelState::Queued(reason) if model.base().is_none() => Some(sentence(reason)),
        ModelState::Ready { precision, .. } if precision.starts_with("int") => Some(format!(
            "Its weights are rounded to {precision}, which makes it another model, if only by a little. Its answers keep that with them."
        )),
        ModelState::Unloaded(_) | ModelState::Queued(_) | ModelState::Loading(_) | ModelState::Ready { .. } => None,
    }
}

#[component]
fn State(state: ModelState, n_answers: u32) -> impl IntoView {
    match state {
        ModelState::Unloaded(_) => view! { <span class="badge">"not loaded"</span> }.into_any(),
        ModelState::Queued(_) => view! {
            <span class="badge">
                <Icon name="clock"/>
                "waits to be loaded"
            </span>
        }
        .into_any(),
        ModelState::Loading(percent) => view! {
            <span class="row loading">
                <progress class="bar" max="100" value=percent aria-label="Loading"></progress>
                <span class="num soft">{format!("loading {percent} %")}</span>
            </span>
        }
        .into_any(),
        ModelState::Ready { device, precision } => view! {
            <span class="badge" data-is="ok">
                <Icon name="ok"/>
                "ready"
            </span>
            " "
            <span class="soft num">{format!("{device} {precision}")}</span>
            {(n_answers > 0).then(|| view! { " " <span class="dim num">{count(n_answers.into(), "answer")} " in hand"</span> })}
        }
        .into_any(),
        ModelState::Failed(_) => view! {
            <span class="badge" data-is="fail">
                <Icon name="fail"/>
                "cannot load"
            </span>
        }
        .into_any(),
    }
}

/// A form, so that it also works before the wasm is there.
#[component]
fn Button(
    offer: Offer,
    id: ModelId,
    name: String,
    freed_bytes: u64,
    load: ServerAction<LoadModel>,
    unload: ServerAction<UnloadModel>,
) -> impl IntoView {
    let (word, kind) = match offer {
        Offer::Load => ("Load".to_owned(), None),
        Offer::TryAgain => ("Check again".to_owned(), Some("quiet")),
        Offer::Cancel => ("Cancel".to_owned(), Some("quiet")),
        Offer::Unload if freed_bytes > 0 => (format!("Unload, frees {}", size(freed_bytes)), Some("quiet")),
        Offer::Unload => ("Unload".to_owned(), Some("quiet")),
    };
    let label = format!("{word}: {name}");
    let button = view! {
        <input type="hidden" name="id" value=id.0/>
        <button class="btn" data-kind=kind type="submit" aria-label=label>
            {word}
        </button>
    };
    match offer {
        Offer::Load | Offer::TryAgain => view! { <ActionForm action=load>{button}</ActionForm> }.into_any(),
        Offer::Cancel | Offer::Unload => view! { <ActionForm action=unload>{button}</ActionForm> }.into_any(),
    }
}

/// Its first characters, and all of it on demand.
#[component]
fn Hash(hash: String) -> impl IntoView {
    let short = hash.chars().take(8).collect::<String>() + "…";
    let copied = hash.clone();
    view! {
        <span class="row hash">
            <details>
                <summary class="mono" title="SHA-256 over the model's files and its chat template">
                    {short}
                </summary>
                <span class="mono soft">{hash}</span>
            </details>
            <CopyIcon label="Copy the whole hash" text=move || copied.clone()/>
        </span>
    }
}

/// `3.5 M`, `7.6 B`.
fn parameters(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{} k", n.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{}.{} M", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{}.{} B", n / 1_000_000_000, n / 100_000_000 % 10),
    }
}

fn template_in_words(template: &str) -> String {
    match template {
        "own" => "its own".into(),
        "user-assistant" => "User / Assistant".into(),
        "neutral" => "User_1 / User_2".into(),
        "none" => "none, raw text".into(),
        "" => dash(),
        file => file.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_short() {
        assert_eq!(parameters(3_530_000), "3.5 M");
        assert_eq!(parameters(7_615_616_512), "7.6 B");
        assert_eq!(parameters(43_000), "43 k");
    }
}
