//! How far a comparison is, what was said of it so far, and its link.

use super::{clock::WhenAndDay, copy::CopyButton, icon::Icon, live::Live, live_answer::LiveAnswer, mark::Glyph};
use domain::{Facts, Progress, Verdict};
use leptos::prelude::*;

#[component]
pub fn StatusLine(live: Live) -> impl IntoView {
    // None of this ever changes.
    let head = live.head.get_untracked();
    let pace =
        move || pace(&live.answers()).map(|it| view! { <span class="num">{format!("{it:.0} tok/s together")}</span> });
    let path = format!("/comparisons/{}", head.id.0);
    view! {
        <div class="status">
            <Counts live/>
            {pace}
            <span class="num">{format!("seed {}", head.seed.0)}</span>
            <span class="num">"asked " <WhenAndDay at=head.created_at/></span>
            <span class="end">
                <Tallies live/>
                <CopyButton label="Copy link" icon="link" text=move || location().origin().unwrap_or_default() + &path/>
                <StopAll live/>
            </span>
        </div>
    }
}

/// The one line that is read out by itself. On the server, and until the stream breaks, it only counts.
#[component]
fn Counts(live: Live) -> impl IntoView {
    let finished = move || {
        let Progress { n_answers, n_finished, .. } = live.progress.get();
        format!("{n_finished} of {n_answers} answers finished")
    };
    view! {
        <span role="status">
            <strong>{finished}</strong>
            {move || rest(&live.progress.read())}
            {move || live.is_lost.get().then_some(". Connection lost, trying again")}
        </span>
    }
}

/// `, 4 being written, 1 failed`.
fn rest(progress: &Progress) -> String {
    let Progress { n_waiting, n_writing, n_failed, n_cut_off, .. } = *progress;
    let counts = [(n_writing, "being written"), (n_waiting, "waiting"), (n_failed, "failed"), (n_cut_off, "cut off")];
    counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect()
}

/// None while blind, since the server sends no figures.
fn pace(answers: &[LiveAnswer]) -> Option<f64> {
    Facts::tokens_per_second_together(answers.iter().filter_map(|it| it.now.read().facts))
}

#[component]
fn Tallies(live: Live) -> impl IntoView {
    let n_of =
        move |verdict: Verdict| live.answers().iter().filter(|it| it.labels.read().verdict == Some(verdict)).count();
    let tally = move |verdict: Verdict| {
        let n = Memo::new(move |_| n_of(verdict));
        view! {
            <span class="tag" data-label=verdict.as_str() title=verdict.name() hidden=move || n.get() == 0>
                <Glyph verdict/>
                <span class="sr">{verdict.name()}</span>
                {n}
            </span>
        }
    };
    view! {
        {Verdict::ALL.map(tally).collect_view()}
        <span class="dim">{move || format!("{} to label", n_to_label(&live.answers()))}</span>
    }
}

/// Answers without a verdict that have one or may still get one.
fn n_to_label(answers: &[LiveAnswer]) -> usize {
    let may_be_labelled = |it: &&LiveAnswer| it.state.with(|it| it.takes_label() || !it.is_over());
    answers.iter().filter(may_be_labelled).filter(|it| it.labels.read().verdict.is_none()).count()
}

#[component]
fn StopAll(live: Live) -> impl IntoView {
    let is_running = Memo::new(move |_| live.progress.read().is_running());
    move || {
        is_running.get().then(|| {
            view! {
                <button class="btn" type="button" on:click=move |_| live.stop(None)>
                    <Icon name="stop"/>
                    "Stop all "
                    <kbd>"Esc"</kbd>
                </button>
            }
        })
    }
}
