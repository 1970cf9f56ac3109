//! What a stop of the server has left unfinished.

use super::{icon::Icon, live::Live, words::count};
use leptos::prelude::*;

/// Above the columns, since the answers that were cut off may not be among those that are shown.
#[component]
pub fn CutOffNote(live: Live) -> impl IntoView {
    let n_cut_off = Memo::new(move |_| live.progress.read().n_cut_off);
    let what =
        move || format!("The server stopped before {} could be finished.", count(n_cut_off.get().into(), "answer"));
    move || {
        (n_cut_off.get() > 0).then(|| {
            view! {
                <div class="note" data-is="warn">
                    <Icon name="fail"/>
                    <p>
                        <strong>{what}</strong>
                        " All others are kept."
                    </p>
                    <button class="btn" type="button" on:click=move |_| live.resume()>
                        "Continue"
                    </button>
                </div>
            }
        })
    }
}
