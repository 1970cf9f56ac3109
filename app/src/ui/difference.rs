//! What the shown answer says otherwise than the one shown in the reference column, word by word and in place.

use super::{heat::AsItIs, live::Live, live_answer::LiveAnswer, live_column::LiveColumn};
use domain::{Change, Difference, Format};
use leptos::prelude::*;

#[component]
pub fn DifferenceView(live: Live, column: LiveColumn, format: Format) -> impl IntoView {
    let reference = Memo::new(move |_| live.reference());
    view! {
        <Against live column reference/>
        {move || {
            let answer = column.shown.get();
            match reference.get() {
                Some(idx) if idx == column.column_idx => {
                    view! {
                        <p class="cap">"The other columns are compared with this one."</p>
                        <AsItIs answer format/>
                    }
                        .into_any()
                }
                Some(idx) => view! { <Compared answer reference=live.columns()[idx] format/> }.into_any(),
                None => {
                    view! {
                        <p class="cap">"None of these columns is known to be the base model: choose one to compare with."</p>
                        <AsItIs answer format/>
                    }
                        .into_any()
                }
            }
        }}
    }
}

/// The column to compare with, which is the same for all columns.
#[component]
fn Against(live: Live, column: LiveColumn, reference: Memo<Option<usize>>) -> impl IntoView {
    let id = format!("against-{}", column.column_idx + 1);
    let option = move |(idx, name): (usize, String)| {
        view! {
            <option value=idx selected=move || reference.get() == Some(idx)>
                {name}
            </option>
        }
    };
    view! {
        <div class="against">
            <label for=id.clone()>"Difference to"</label>
            <select
                class="input"
                id=id
                on:change=move |event| live.reference.set(event_target_value(&event).parse().ok())
            >
                <option value="" disabled=true selected=move || reference.get().is_none()>
                    "choose a column"
                </option>
                {move || live.others(column.column_idx).into_iter().map(option).collect_view()}
            </select>
        </div>
    }
}

/// Compares once both have ended: what is still being written differs in all that is missing.
#[component]
fn Compared(answer: LiveAnswer, reference: LiveColumn, format: Format) -> impl IntoView {
    move || {
        let theirs = reference.shown.get();
        let have_ended = [answer, theirs].iter().all(|it| it.state.with(|it| it.is_over()));
        if !have_ended {
            return view! {
                <p class="cap" role="status">"The difference is shown once both answers have ended."</p>
                <AsItIs answer format/>
            }
            .into_any();
        }
        let sample = reference.sample_idx.get() + 1;
        let (ours, theirs) = (answer.now.read(), theirs.now.read());
        let difference = Difference::between(&theirs.text, &ours.text);
        view! {
            <p class="cap" role="status">{shared(&difference, sample)}</p>
            <div class="text" data-form=format.is_code().then_some("code")>
                {difference.parts.iter().map(|(change, text)| part(*change, text)).collect_view()}
            </div>
        }
        .into_any()
    }
}

/// `37 % of words shared with its sample 1: 52 of 140 here and 141 there`.
fn shared(difference: &Difference<'_>, sample: usize) -> String {
    let Difference { n_shared, n_words, n_reference_words, .. } = difference;
    match difference.shared_percent() {
        Some(percent) => {
            format!(
                "{percent:.0} % of words shared with its sample {sample}: {n_shared} of {n_words} here and {n_reference_words} there"
            )
        }
        None => format!("Neither this answer nor sample {sample} there has a word."),
    }
}

fn part(change: Change, text: &str) -> AnyView {
    let text = text.to_owned();
    match change {
        Change::Same => view! { <span>{text}</span> }.into_any(),
        Change::Added => view! { <ins>{text}</ins> }.into_any(),
        Change::Removed => view! { <del>{text}</del> }.into_any(),
    }
}
