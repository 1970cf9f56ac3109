//! What blind means, and the way out of it.

use super::{icon::Icon, live::Live, words::count};
use leptos::prelude::*;

#[component]
pub fn BlindNote(live: Live) -> impl IntoView {
    let n_labels = move || live.answers().iter().filter(|it| it.labels.read().verdict.is_some()).count();
    let verb = move || match n_labels() {
        0 => "Reveal, no label given yet".to_owned(),
        n => format!("Reveal and lock {}", count(n as u64, "label")),
    };
    view! {
        <div class="note">
            <Icon name="blind"/>
            <p>
                <strong>"Blind."</strong>
                " Names, roles, order and timing stay on the server until you reveal. The order is shuffled for this \
                 comparison. Revealing locks the labels given so far; later ones count as not blind."
            </p>
            <button class="btn" data-kind="main" type="button" on:click=move |_| live.reveal()>
                {verb}
                " "
                <kbd>"⇧R"</kbd>
            </button>
        </div>
    }
}
