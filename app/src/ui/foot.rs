//! What everybody should know about what they see.

use leptos::prelude::*;

#[component]
pub fn Foot(any_demo: bool) -> impl IntoView {
    const DEMO: &str =
        "Demonstration models: small stand-ins that show how the page works, not how real models behave. ";
    view! {
        <p class="caption">
            {any_demo.then_some(DEMO)} "Answers may be offensive; " <em>"Blur"</em>
            " in the bar hides them until you point at them."
        </p>
    }
}
