//! Everything that a run was made with.

use super::{copy::CopyButton, words::count};
use domain::{Format, Run, RunModel, Wrapper};
use leptos::prelude::*;

/// Drawn anew only when what it says changes, so that a selection in it stays.
#[component]
pub fn ToRepeat(run: RwSignal<Run>) -> impl IntoView {
    let said = Memo::new(move |_| (pairs(&run.read()), run.read().command()));
    view! {
        <section class="panel">
            <header>
                <h2>"To repeat this run"</h2>
                <span class="end">
                    <CopyButton text=move || said.get_untracked().1 label="Copy command"/>
                </span>
            </header>
            <div class="pad stack">
                {move || {
                    let (pairs, command) = said.get();
                    let (left, right) = pairs.split_at(pairs.len().div_ceil(2));
                    view! {
                        <div class="split">{list(left)} {list(right)}</div>
                        <pre class="command mono" tabindex="0" aria-label="Command line">
                            {command}
                        </pre>
                    }
                }}
            </div>
        </section>
    }
    .into_any()
}

fn list(pairs: &[(&'static str, String)]) -> impl IntoView + use<> {
    let pair = |(name, value): (&'static str, String)| {
        view! {
            <dt>{name}</dt>
            <dd>{value}</dd>
        }
    };
    view! { <dl class="pairs">{pairs.iter().cloned().map(pair).collect_view()}</dl> }
}

fn pairs(run: &Run) -> Vec<(&'static str, String)> {
    let models: Vec<_> = run.models.iter().map(|it| it.name.as_str()).collect();
    let formats: Vec<_> = run.formats().into_iter().map(Format::name).collect();
    let wrappers: Vec<_> = run.wrappers().into_iter().map(Wrapper::name).collect();
    let judges: Vec<_> = run.judges.iter().map(|it| it.judge.0.as_str()).collect();
    let sampling = run.sampling;
    let mut pairs = vec![
        ("models", models.join(", ")),
        ("questions", format!("{} ({})", run.pack, count(run.questions().len() as u64, "question"))),
        ("pack", or_unknown(&run.pack_hash)),
        ("formats", formats.join(", ")),
        ("wrappers", wrappers.join(", ")),
        ("samples", format!("{} per cell, seed {}", run.n_samples, run.seed.0)),
        (
            "sampling",
            format!(
                "temperature {}, top-p {}, max tokens {}",
                sampling.temperature, sampling.top_p, sampling.max_tokens
            ),
        ),
        ("judges", if judges.is_empty() { "none".into() } else { judges.join(", ") }),
        ("engine", each(run, |it| format!("{}, {} {}", it.engine, it.device, it.precision))),
    ];
    pairs.extend(run.models.iter().map(|it| ("weights", format!("{}: {}", it.name, or_unknown(&it.hash)))));
    pairs
}

fn or_unknown(hash: &str) -> String {
    if hash.is_empty() { "not known yet".into() } else { hash.to_owned() }
}

/// What all models have in common said once; otherwise each with its name. Nothing is known before the first answer.
fn each(run: &Run, of: impl Fn(&RunModel) -> String) -> String {
    let known: Vec<_> = run.models.iter().filter(|it| !it.engine.is_empty()).collect();
    let Some(first) = known.first().map(|it| of(it)) else { return "not known before the first answer".into() };
    if known.iter().all(|it| of(it) == first) {
        return first;
    }
    known.iter().map(|it| format!("{}: {}", it.name, of(it))).collect::<Vec<_>>().join("; ")
}
