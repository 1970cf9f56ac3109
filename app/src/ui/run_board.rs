//! One run: its state, its figures, its cells, and what belongs to it.

use super::{
    clock::WhenAndDay,
    figures::{about_time, grouped},
    icon::Icon,
    run_acts::{Acts, Extend, Following, Refused},
    run_cells::Cells,
    run_log::{Judges, Log},
    run_repeat::ToRepeat,
};
use domain::{JudgeCard, ModelCard, Run, RunProgress, RunState, size};
use leptos::prelude::*;

#[component]
pub fn RunBoard(following: Following, models: Vec<ModelCard>, judges: Vec<JudgeCard>) -> impl IntoView {
    let run = following.run;
    let (id, title, created_at) = run.with_untracked(|it| (it.id, it.title.clone(), it.created_at));
    let state = Memo::new(move |_| run.read().state.clone());
    let why = move || match state.get() {
        RunState::Paused(Some(why)) => Some(view! {
            <p class="note" data-is="warn">
                <Icon name="pause"/>
                <span>{why}</span>
            </p>
        }),
        _ => None,
    };
    view! {
        <div class="page-head">
            <h1>{title}</h1>
            {move || state_badge(&state.read())}
            <span class="sub num">
                {format!("run {} · started ", id.0)} <WhenAndDay at=created_at/>
                {move || following.is_lost.get().then_some(" · connection lost, trying again")}
            </span>
            <span class="end">
                <a class="btn" data-kind="quiet" href=format!("/runs/{}/results", id.0)>
                    "Results"
                </a>
                <a class="btn" data-kind="quiet" href=format!("/runs/{}/answers", id.0)>
                    "Answers"
                </a>
                <Acts following/>
            </span>
        </div>
        <Refused following/>
        {why}
        <Bar run/>
        <Figures run/>
        <Cells run/>
        <div class="split" data-lead="some">
            <Log following/>
            <Judges following/>
        </div>
        <ToRepeat run/>
        <Extend following models judges/>
    }
    .into_any()
}

/// The state of a run in a word.
pub fn state_badge(state: &RunState) -> impl IntoView + use<> {
    let (is, word) = match state {
        RunState::Queued => (None, "queued"),
        RunState::Running => (Some("ok"), "running"),
        RunState::Paused(_) => (Some("warn"), "paused"),
        RunState::Finished => (Some("ok"), "finished"),
        RunState::Cancelled => (None, "cancelled"),
    };
    view! {
        <span class="badge" data-is=is>
            {word}
        </span>
    }
    .into_any()
}

#[component]
fn Bar(run: RwSignal<Run>) -> impl IntoView {
    let share = move |n: fn(&RunProgress) -> u32| {
        let progress = &run.read().progress;
        f64::from(n(progress)) * 100.0 / f64::from(progress.n_answers.max(1))
    };
    let finished = move || format!("{:.2}%", share(|it| it.n_finished));
    let failed = move || format!("{:.2}%", share(|it| it.n_failed));
    view! {
        <div class="stack">
            <svg
                class="bar"
                data-size="thick"
                role="progressbar"
                aria-label="Answers finished"
                aria-valuemin="0"
                aria-valuemax=move || run.read().progress.n_answers
                aria-valuenow=move || run.read().progress.n_finished
            >
                <rect x="0%" width=finished></rect>
                <rect x=finished width=failed data-tone="error"></rect>
            </svg>
            <div class="row soft">
                <span class="num" role="status">
                    <strong>{move || counted(&run.read().progress)}</strong>
                    " answers"
                </span>
                {move || {
                    let n = run.read().progress.n_failed;
                    (n > 0).then(|| view! { <span class="num">{format!("{} failed", grouped(n))}</span> })
                }}
                <span class="num push">{move || remaining(&run.read())}</span>
            </div>
        </div>
    }
    .into_any()
}

/// `1,962 of 3,200`.
fn counted(progress: &RunProgress) -> String {
    format!("{} of {}", grouped(progress.n_finished), grouped(progress.n_answers))
}

fn remaining(run: &Run) -> String {
    match (&run.state, run.progress.remaining_s) {
        (RunState::Queued, _) => "waits for the runs before it".into(),
        (RunState::Paused(_), _) => "paused; nothing new is begun".into(),
        (RunState::Finished | RunState::Cancelled, _) => String::new(),
        (RunState::Running, Some(seconds)) => format!("{} left", about_time(seconds as f64)),
        (RunState::Running, None) => "how long it takes is not known yet".into(),
    }
}

#[component]
fn Figures(run: RwSignal<Run>) -> impl IntoView {
    let progress = Memo::new(move |_| run.read().progress);
    let judged = move || {
        let run = run.read();
        let (n, of) = run.judges.iter().fold((0, 0), |(n, of), it| (n + it.n_judged, of + it.n_answers));
        (grouped(n), grouped(of), run.judges.len())
    };
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |it| format!("{it:.0}"));
    view! {
        <dl class="meter">
            <div>
                <dt>"Pace"</dt>
                <dd class="num">{move || figure(progress.get().answers_per_minute)} " " <small>"answers/min"</small></dd>
                <dd>"of the last minute"</dd>
            </div>
            <div>
                <dt>"Speed"</dt>
                <dd class="num">{move || figure(progress.get().tokens_per_second)} " " <small>"tok/s"</small></dd>
                <dd>{move || format!("{} tokens so far", grouped(progress.get().n_tokens))}</dd>
            </div>
            <div>
                <dt>"Format kept"</dt>
                <dd class="num">{move || kept(&progress.get())} " " <small>"%"</small></dd>
                <dd>
                    {move || {
                        let RunProgress { n_formed, n_form_kept, .. } = progress.get();
                        format!("{} of {} that ask for one", grouped(n_form_kept), grouped(n_formed))
                    }}
                </dd>
            </div>
            <div>
                <dt>"Judged"</dt>
                <dd class="num">{move || judged().0} " " <small>{move || format!("of {}", judged().1)}</small></dd>
                <dd>
                    {move || match judged().2 {
                        0 => "no judge; add one below".to_owned(),
                        1 => "by one judge".to_owned(),
                        n => format!("by {n} judges together"),
                    }}
                </dd>
            </div>
            <div>
                <dt>"Stored"</dt>
                <dd class="num">{move || size(progress.get().stored_bytes)}</dd>
                <dd>"every answer counted here is on disk"</dd>
            </div>
        </dl>
    }
    .into_any()
}

fn kept(progress: &RunProgress) -> String {
    match progress.n_formed {
        0 => "–".into(),
        n => format!("{:.1}", f64::from(progress.n_form_kept) * 100.0 / f64::from(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!(kept(&RunProgress::default()), "–");
        assert_eq!(kept(&RunProgress { n_formed: 1_467, n_form_kept: 1_338, ..RunProgress::default() }), "91.2");
    }
}
