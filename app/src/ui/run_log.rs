//! What happened to a run, and how far its judges are.

use super::{
    clock::WhenAndDay,
    figures::grouped,
    icon::Icon,
    run_acts::{Following, TryAgain},
    words::sentence,
};
use domain::{Happened, JudgeProgress};
use leptos::prelude::*;

#[component]
pub fn Log(following: Following) -> impl IntoView {
    let happened = Memo::new(move |_| following.run.read().happened.clone());
    view! {
        <section class="panel">
            <header>
                <h2>"What happened"</h2>
                <span class="end">
                    <TryAgain following/>
                </span>
            </header>
            {move || {
                let happened = happened.get();
                if happened.is_empty() {
                    view! { <p class="pad soft">"Nothing yet: it waits in the queue."</p> }.into_any()
                } else {
                    view! { <ul class="log">{happened.into_iter().map(line).collect_view()}</ul> }.into_any()
                }
            }}
        </section>
    }
    .into_any()
}

fn line(it: Happened) -> impl IntoView {
    let (is, icon) = if it.is_failure { ("fail", "fail") } else { ("clock", "clock") };
    view! {
        <li data-is=is>
            <WhenAndDay at=it.at/>
            <Icon name=icon/>
            <span>{it.what}</span>
        </li>
    }
    .into_any()
}

#[component]
pub fn Judges(following: Following) -> impl IntoView {
    let judges = Memo::new(move |_| following.run.read().judges.clone());
    view! {
        <section class="panel">
            <header>
                <h2>"Judges"</h2>
            </header>
            {move || {
                let judges = judges.get();
                if judges.is_empty() {
                    view! {
                        <p class="pad soft">"Nobody judges these answers. " <a href="#extend">"Add a judge"</a> " at any time."</p>
                    }
                        .into_any()
                } else {
                    view! { <div class="pad stack">{judges.into_iter().map(judge).collect_view()}</div> }.into_any()
                }
            }}
        </section>
    }
    .into_any()
}

fn judge(it: JudgeProgress) -> impl IntoView {
    let JudgeProgress { judge, n_answers, n_judged, n_unscored, n_failed, failure } = it;
    let unscored = (n_unscored > 0).then(|| format!(" · {} without a number", grouped(n_unscored)));
    let failed = (n_failed > 0).then(|| {
        let why = failure.map(sentence).unwrap_or_default();
        view! {
            <p class="who" data-is="fail">
                <Icon name="fail"/>
                {format!("{} could not be judged. {why}", grouped(n_failed))}
            </p>
        }
    });
    let label = format!("Judged by {}", judge.0);
    view! {
        <div class="stack">
            <div class="row">
                <strong>{judge.0}</strong>
                <span class="num soft push">
                    {format!("{} of {}", grouped(n_judged), grouped(n_answers))} {unscored}
                </span>
            </div>
            <progress class="bar" max=n_answers.max(1) value=n_judged aria-label=label></progress>
            {failed}
        </div>
    }
    .into_any()
}
