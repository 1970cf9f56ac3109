//! What everybody should know about what they see.

use super::catalogue::Catalogue;
use leptos::prelude::*;

/// Below answers whose models are named; `any_demo` says whether one of them is a demonstration model.
#[component]
pub fn Foot(#[prop(into)] any_demo: Signal<bool>) -> impl IntoView {
    const DEMO: &str =
        "Demonstration models: small stand-ins that show how the page works, not how real models behave. ";
    view! {
        <p class="caption">
            {move || any_demo.get().then_some(DEMO)} "Answers may be offensive; " <em>"Blur"</em>
            " in the bar hides them until you point at them."
        </p>
    }
}

/// Below answers whose models are hidden: speaks of all hosted models together.
#[component]
pub fn BlindFoot() -> impl IntoView {
    let hosted = Catalogue::here().hosted;
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let any_demo = hosted.await.is_ok_and(|it| it.any_demo);
                view! { <Foot any_demo/> }
            })}
        </Transition>
    }
}
