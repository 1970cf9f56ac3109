//! What blind means, and the way out of it.

use super::{icon::Icon, live::Live, words::count};
use domain::Family;
use leptos::prelude::*;

#[component]
pub fn BlindNote(live: Live, family: Family) -> impl IntoView {
    let Family { n_hidden_others, n_labels_others, .. } = family;
    let n_labels = move || {
        let n_here = live.answers().iter().filter(|it| it.labels.read().verdict.is_some()).count();
        n_here as u64 + u64::from(n_labels_others)
    };
    let verb = move || match (n_hidden_others, n_labels()) {
        (0, 0) => "Reveal, no label given yet".to_owned(),
        (0, n) => format!("Reveal and lock {}", count(n, "label")),
        (others, 0) => format!("Reveal {} comparisons, no label given yet", others + 1),
        (others, n) => format!("Reveal {} comparisons and lock {}", others + 1, count(n, "label")),
    };
    let order = match live.head.read_untracked().origin {
        None => "The order was shuffled for this comparison.",
        Some(_) => "The slots are those of the comparison it goes on from.",
    };
    let linked = (n_hidden_others > 0).then_some(" Comparisons that go on from each other are revealed together.");
    view! {
        <div class="note">
            <Icon name="blind"/>
            <p>
                <strong>"Blind."</strong>
                " Names, roles, order and timing stay on the server until you reveal. "
                {order}
                {linked}
                " Revealing locks the labels given so far; later ones count as not blind."
            </p>
            <button class="btn" data-kind="main" type="button" on:click=move |_| live.reveal()>
                {verb}
                " "
                <kbd>"⇧R"</kbd>
            </button>
        </div>
    }
}
