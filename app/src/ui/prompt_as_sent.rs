//! What the models really received.

use super::{
    answer_head::name,
    copy::CopyButton,
    words::{count, number},
};
use domain::{Column, Comparison, PromptPart, RenderedPrompt};
use leptos::prelude::*;
use std::sync::Arc;

/// One text where all received the same, else one for each group that did.
#[component]
pub fn PromptAsSent(comparison: Arc<Comparison>) -> impl IntoView {
    let groups = groups(&comparison.columns);
    let who = to_whom(&comparison, groups.len());
    let n_tokens = match groups.as_slice() {
        [(prompt, _)] => Some(count(prompt.n_tokens.into(), "token")),
        _ => None,
    };
    let all: Vec<_> = groups.iter().map(|(prompt, _)| prompt.text.clone()).collect();
    let is_several = groups.len() > 1;
    view! {
        <details class="sent">
            <summary>
                <strong>"Prompt as sent"</strong>
                <span class="soft">{who}</span>
                {n_tokens.map(|it| view! { <span class="dim num">{it}</span> })}
            </summary>
            {(!all.is_empty()).then(|| view! { <CopyButton label="Copy" text=move || all.join("\n\n")/> })}
            {groups
                .into_iter()
                .map(|(prompt, names)| view! { <Prompt prompt names=is_several.then_some(names)/> })
                .collect_view()}
        </details>
    }
}

/// The different prompts, each with the names of its columns.
fn groups(columns: &[Column]) -> Vec<(RenderedPrompt, Vec<String>)> {
    let mut groups: Vec<(RenderedPrompt, Vec<String>)> = Vec::new();
    for column in columns {
        let Some(prompt) = &column.prompt else { continue };
        let name = name(column.slot, column.model.as_ref());
        match groups.iter_mut().find(|(it, _)| it == prompt) {
            Some((_, names)) => names.push(name),
            None => groups.push((prompt.clone(), vec![name])),
        }
    }
    groups
}

fn to_whom(comparison: &Comparison, n_groups: usize) -> String {
    let n_sent = comparison.columns.iter().filter(|it| it.prompt.is_some()).count();
    match (n_groups, n_sent) {
        (0, _) if comparison.is_blind() => "shown when names are: it could tell which model is which".into(),
        (0, _) => "no model was sent anything".into(),
        (1, 1) => "to one model".into(),
        (1, 2) => "the same bytes to both models".into(),
        (1, n) => format!("the same bytes to all {} models", number(n)),
        (n, _) => format!("{} different prompts", number(n)),
    }
}

#[component]
fn Prompt(prompt: RenderedPrompt, names: Option<Vec<String>>) -> impl IntoView {
    let heading = names.map(|names| format!("To {}, {}", names.join(", "), count(prompt.n_tokens.into(), "token")));
    view! {
        {heading.map(|it| view! { <h3>{it}</h3> })}
        <pre>{prompt.parts().into_iter().map(part).collect_view()}</pre>
    }
}

fn part(part: PromptPart<'_>) -> AnyView {
    match part {
        PromptPart::Special(token) => view! { <span class="tok">{token.to_owned()}</span> }.into_any(),
        PromptPart::Text(text) => view! { <span>{text.to_owned()}</span> }.into_any(),
        PromptPart::LineEnd => view! { <span class="ws" aria-hidden="true">"↵"</span> "\n" }.into_any(),
    }
}
