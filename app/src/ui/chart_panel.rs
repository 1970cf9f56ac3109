//! The frame of a chart: its title, what one takes away of it, its legend and its caption.

use super::{
    chart::{Sheet, download},
    mark::Point,
};
use domain::Role;
use leptos::prelude::*;

/// What one takes away of a chart, as it is at the press.
#[derive(Clone, Copy)]
pub struct TakeAway {
    /// Of the file, without its ending.
    pub name: &'static str,
    pub svg: Callback<(), String>,
    pub sheet: Callback<(), Sheet>,
}

/// Buttons work once the wasm is there; the numbers stand in the table anyway.
#[component]
pub fn TakeAwayButtons(take: TakeAway) -> impl IntoView {
    let button = |word: &'static str, what: &'static str, save: fn(TakeAway)| {
        view! {
            <button class="btn" data-kind="quiet" type="button" aria-label=what on:click=move |_| save(take)>
                {word}
            </button>
        }
    };
    view! {
        {button("SVG", "Save this chart as SVG", |it| download::save_svg(it.name, &it.svg.run(())))}
        {button("PNG", "Save this chart as PNG", |it| download::save_png(it.name, &it.svg.run(())))}
        {button("CSV", "Save this chart’s numbers as CSV", |it| download::save_csv(it.name, &it.sheet.run(()).to_csv()))}
    }
    .into_any()
}

/// Who is who in a chart.
#[component]
pub fn Legend(models: Vec<(Role, String)>, #[prop(default = true)] with_whisker: bool) -> impl IntoView {
    let model = |(role, name): (Role, String)| {
        view! {
            <span class="who">
                <Point role/>
                {name}
            </span>
        }
    };
    view! {
        <div class="legend" data-centred="">
            {models.into_iter().map(model).collect_view()}
            {with_whisker
                .then(|| {
                    view! {
                        <span class="who">
                            <svg class="whisker" width="10" height="14" viewBox="-5 0 10 14" aria-hidden="true">
                                <path d="M0 1V13M-4 1H4M-4 13H4"></path>
                            </svg>
                            "95 % interval"
                        </span>
                    }
                })}
        </div>
    }
    .into_any()
}
