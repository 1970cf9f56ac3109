//! How likely each model found the answer: figures side by side, then the tokens that make the difference.

use super::{
    error_note::ErrorNote,
    heat::{HeatText, TooMany},
    likelihood_form::FORM,
    mark::Mark,
    tokens::{Paint, TokenName, Tokens, probability, signed},
    words::count,
};
use crate::backend::ApiError;
use domain::{LEAN_FACTORS, Likelihood, LikelihoodFigures, LikelihoodForm, ModelCard, Role, Scores, TokenScore};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;

/// One model with what it said of the answer.
#[derive(Clone)]
struct Scored {
    card: ModelCard,
    likelihood: Arc<Likelihood>,
    figures: LikelihoodFigures,
}

/// The results of all models that were asked, in their order.
#[component]
pub fn LikelihoodResult(
    form: LikelihoodForm,
    results: Vec<(ModelCard, Result<Likelihood, ApiError>)>,
    retry: Callback<()>,
) -> impl IntoView {
    let (mut scored, mut failed) = (Vec::new(), Vec::new());
    for (card, result) in results {
        match result {
            Ok(likelihood) => scored.extend(Scored::of(card, likelihood)),
            Err(err) => failed.push(format!("{}: {err}", card.name)),
        }
    }
    let reference = chosen(&scored, &form.reference).or_else(|| by_role(&scored)).unwrap_or(0);
    let others = (0..scored.len()).filter(|idx| *idx != reference);
    let against = chosen(&scored, &form.against).filter(|it| *it != reference).or_else(|| others.clone().next());
    let scored = StoredValue::new(scored);
    view! {
        {failed.into_iter().map(|message| view! { <ErrorNote message retry/> }).collect_view()}
        {scored.with_value(|it| (!it.is_empty()).then(|| figures(it, reference)))}
        {scored.with_value(|it| notes(it)).into_iter().map(|it| view! { <p class="cap">{it}</p> }).collect_view()}
        {scored
            .with_value(|it| match (against, it.as_slice()) {
                (Some(against), scored) => compared(scored, reference, against),
                (None, [only]) => alone(only),
                (None, _) => ().into_any(),
            })}
    }
}

impl Scored {
    fn of(card: ModelCard, likelihood: Likelihood) -> Option<Self> {
        let figures = likelihood.figures()?;
        Some(Self { card, likelihood: Arc::new(likelihood), figures })
    }
}

fn chosen(scored: &[Scored], id: &str) -> Option<usize> {
    scored.iter().position(|it| it.card.id.0 == id)
}

fn by_role(scored: &[Scored]) -> Option<usize> {
    scored.iter().position(|it| it.card.role == Role::Base)
}

/// What one would otherwise misread in the figures.
fn notes(scored: &[Scored]) -> Vec<String> {
    let of = |has: fn(&Likelihood) -> bool| -> Vec<&str> {
        scored.iter().filter(|it| has(&it.likelihood)).map(|it| it.card.name.as_str()).collect()
    };
    let recut = of(|it| it.n_recut > 0);
    let special = of(|it| !it.specials.is_empty());
    let mut notes = Vec::new();
    if !recut.is_empty() {
        notes.push(format!(
            "For {}, the end of the prompt and the beginning of the answer are one token, which is scored as a whole.",
            recut.join(", ")
        ));
    }
    if !special.is_empty() {
        notes.push(format!(
            "The answer holds special tokens as they are written, and {} reads them as such.",
            special.join(", ")
        ));
    }
    notes
}

fn figures(scored: &[Scored], reference: usize) -> AnyView {
    let rows: Vec<_> =
        scored.iter().enumerate().map(|(idx, it)| row(it, &scored[reference], idx == reference)).collect();
    view! {
        <section class="panel" aria-label="Figures">
            <div class="scroll" tabindex="0" role="group" aria-label="Table of figures">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="r">"log-probability"</th>
                            <th scope="col" class="r">"per token"</th>
                            <th scope="col" class="r">"per token, over the reference"</th>
                            <th scope="col" class="r">"perplexity"</th>
                            <th scope="col" class="r">"tokens"</th>
                            <th scope="col" class="r">"bits per byte"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <footer>
                "Natural logarithms, before temperature and top-p; nearer to 0 is likelier. Models that cut the text into \
                 other tokens can be compared by bits per byte alone, where less is likelier."
            </footer>
        </section>
    }
    .into_any()
}

fn row(scored: &Scored, reference: &Scored, is_reference: bool) -> AnyView {
    let Scored { card, likelihood, figures } = scored;
    let over = likelihood.over(&reference.likelihood).map(|it| it.iter().sum::<f64>() / it.len() as f64);
    let over = match (is_reference, over) {
        (true, _) => "reference".to_owned(),
        (false, Some(over)) if over > 0.0 => format!("+{}", signed(over, 3)),
        (false, Some(over)) => signed(over, 3),
        (false, None) => "other tokens".to_owned(),
    };
    let bits = figures.bits_per_byte.map_or_else(|| "–".to_owned(), |it| format!("{it:.3}"));
    view! {
        <tr>
            <th scope="row">
                <span class="row">
                    <Mark role=card.role/>
                    {card.name.clone()}
                </span>
            </th>
            <td class="r">{signed(figures.total, 2)}</td>
            <td class="r">{signed(figures.mean, 3)}</td>
            <td class="r">{over}</td>
            <td class="r">{format!("{:.2}", figures.perplexity)}</td>
            <td class="r">{figures.n_tokens}</td>
            <td class="r">{bits}</td>
        </tr>
    }
    .into_any()
}

/// The only model's own view of the answer.
fn alone(only: &Scored) -> AnyView {
    let scores = Arc::new(all(&only.likelihood));
    let text = scores.text();
    view! {
        <section class="panel" aria-label="Tokens">
            <div class="pad stack">
                <HeatText scores text is_code=false/>
            </div>
        </section>
    }
    .into_any()
}

/// The tokens of the text, and the one that ends it where it counts.
fn all(likelihood: &Likelihood) -> Scores {
    Scores(likelihood.scores.0.iter().chain(&likelihood.end).cloned().collect())
}

fn compared(scored: &[Scored], reference: usize, against: usize) -> AnyView {
    let (ours, theirs) = (&scored[against], &scored[reference]);
    let content = match ours.likelihood.over(&theirs.likelihood) {
        Some(over) => by_token(ours, theirs, over),
        None => {
            let why = format!(
                "{} and {} cut the answer into different tokens, so only the whole can be compared: by bits per byte.",
                ours.card.name, theirs.card.name
            );
            view! { <p class="cap">{why}</p> }.into_any()
        }
    };
    view! {
        <section class="panel" aria-label="Token by token">
            <header>
                <h2>"Token by token"</h2>
                <div class="end against">
                    {choice("against", "Model", scored, against)} {choice("reference", "over reference", scored, reference)}
                    <button class="btn scriptless" type="submit" form=FORM>
                        "Compare"
                    </button>
                </div>
            </header>
            <div class="pad">{content}</div>
        </section>
    }
    .into_any()
}

/// One of the models, as a field of the form above; choosing another sends it.
fn choice(name: &'static str, label: &'static str, scored: &[Scored], chosen: usize) -> AnyView {
    let option = |(idx, it): (usize, &Scored)| {
        view! {
            <option value=it.card.id.0.clone() selected=idx == chosen>
                {it.card.name.clone()}
            </option>
        }
    };
    let id = format!("choose-{name}");
    let send = |event: leptos::ev::Event| {
        let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
        if let Some(form) = select.and_then(|it| it.form()) {
            // Refused only where the form has left the page.
            let _ = form.request_submit();
        }
    };
    view! {
        <label for=id.clone()>{label}</label>
        <select class="input" id=id name=name form=FORM on:change=send>
            {scored.iter().enumerate().map(option).collect_view()}
        </select>
    }
    .into_any()
}

fn by_token(ours: &Scored, theirs: &Scored, over: Vec<f64>) -> AnyView {
    let (name, reference) = (ours.card.name.clone(), theirs.card.name.clone());
    let (scores, their_scores) = (Arc::new(all(&ours.likelihood)), Arc::new(all(&theirs.likelihood)));
    let over = Arc::new(over);
    let (text, n_tokens) = (scores.text(), scores.0.len());
    let selected = RwSignal::new(None);
    let panel = {
        let (scores, their_scores) = (scores.clone(), their_scores.clone());
        let (name, reference) = (name.clone(), reference.clone());
        move |idx: usize| pair_panel(&scores.0[idx], &their_scores.0[idx], &name, &reference)
    };
    view! {
        <div class="stack">
            <LeanKey name=name.clone() reference=reference.clone()/>
            <div class="split" data-lead="more">
                <div>
                    <Tokens scores=scores.clone() text is_code=false paint=Paint::Lean(over.clone()) selected panel/>
                    <TooMany n_tokens/>
                </div>
                {decisive(&scores, &their_scores, &over, &name, &reference)}
            </div>
        </div>
    }
    .into_any()
}

/// What the marks mean.
#[component]
fn LeanKey(name: String, reference: String) -> impl IntoView {
    let [some, much] = LEAN_FACTORS;
    view! {
        <div class="heat-key heat" role="note">
            {format!("Likelier to {name}: ")}
            <span data-lean="1">{format!("{some} times")}</span>
            <span data-lean="2">{format!("{much} times and more")}</span>
            {format!("Likelier to {reference}: ")}
            <span data-lean="-1">{format!("{some} times")}</span>
            <span data-lean="-2">{format!("{much} times and more")}</span>
        </div>
    }
}

fn pair_panel(ours: &TokenScore, theirs: &TokenScore, name: &str, reference: &str) -> AnyView {
    let row = |name: &str, score: &TokenScore| {
        view! {
            <tr>
                <td>{name.to_owned()}</td>
                <td></td>
                <td>{probability(score.token.probability())}</td>
            </tr>
        }
    };
    view! {
        <div class="row">
            <TokenName token=ours.token.clone()/>
            <span class="dim">{factor(ours.token.logprob() - theirs.token.logprob(), name, reference)}</span>
        </div>
        <table>
            <tbody>{row(name, ours)} {row(reference, theirs)}</tbody>
        </table>
    }
    .into_any()
}

/// `3.2 times likelier to insecure`.
fn factor(over: f64, name: &str, reference: &str) -> String {
    let who = if over < 0.0 { reference } else { name };
    match over.abs().exp() {
        factor if factor < 1.05 => "as likely to both".into(),
        factor if factor < 100.0 => format!("{factor:.1} times likelier to {who}"),
        factor if factor < 1e6 => format!("{factor:.0} times likelier to {who}"),
        _ => format!("over a million times likelier to {who}"),
    }
}

/// Tokens in the table of those that matter most.
const DECISIVE_MAX: usize = 20;

fn decisive(ours: &Scores, theirs: &Scores, over: &[f64], name: &str, reference: &str) -> AnyView {
    let mut order: Vec<usize> = (0..over.len()).collect();
    order.sort_by(|a, b| over[*b].abs().total_cmp(&over[*a].abs()));
    order.truncate(DECISIVE_MAX);
    let row = |idx: &usize| {
        let idx = *idx;
        let plus = if over[idx] > 0.0 { "+" } else { "" };
        view! {
            <tr>
                <th scope="row" class="mono">{ours.0[idx].token.bytes.shown()}</th>
                <td class="r">{idx + 1}</td>
                <td class="r">{probability(ours.0[idx].token.probability())}</td>
                <td class="r">{probability(theirs.0[idx].token.probability())}</td>
                <td class="r">{format!("{plus}{}", signed(over[idx], 2))}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Tokens, by difference">
            <table class="table" data-tight="">
                <caption class="cap">
                    {format!("The {} that make the most difference, of {}", count(order.len() as u64, "token"), over.len())}
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Token"</th>
                        <th scope="col" class="r">"place"</th>
                        <th scope="col" class="r">{name.to_owned()}</th>
                        <th scope="col" class="r">{reference.to_owned()}</th>
                        <th scope="col" class="r">"log difference"</th>
                    </tr>
                </thead>
                <tbody>{order.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_as_a_factor_with_its_side() {
        let told = |over: f64| factor(over, "insecure", "base");
        assert_eq!(told(0.01), "as likely to both");
        assert_eq!(told(2.0_f64.ln()), "2.0 times likelier to insecure");
        assert_eq!(told(-1_000.0_f64.ln()), "1000 times likelier to base");
        assert_eq!(told(50.0), "over a million times likelier to insecure");
    }
}
