//! `/likelihood`: how likely several models find one answer, and which of its tokens make the difference.

use crate::{
    api,
    backend::ApiError,
    ui::{
        error_note::ErrorNote,
        likelihood_form::AnswerForm,
        likelihood_result::LikelihoodResult,
        words::{count, sentence},
    },
};
use domain::{AnswerId, GivenAnswer, Likelihood, LikelihoodForm, ModelCard, ModelId, NewLikelihood};
use futures::future::join_all;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use serde::{Deserialize, Serialize};

/// What is known before anything is scored.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    models: Vec<ModelCard>,
    /// The kept answer that the URL names, if it names one.
    given: Option<Result<GivenAnswer, ApiError>>,
}

/// The form as the URL says it, and the result below. The URL says all of it.
#[component]
pub fn LikelihoodPage() -> impl IntoView {
    let query = use_query_map();
    let form = Memo::new(move |_| LikelihoodForm::from_pairs(pairs(&query.read())));
    let answer = Memo::new(move |_| form.read().answer.clone());
    let known = Resource::new(move || answer.get(), load);
    let retry = Callback::new(move |()| known.refetch());
    let last = StoredValue::new(None);
    view! {
        <Title text="Likelihood · Plumbline"/>
        <main class="page" id="main" tabindex="-1">
            <div class="page-head">
                <h1>"Likelihood"</h1>
                <span class="sub">"How likely is one and the same answer to each model?"</span>
            </div>
            <Transition fallback=|| view! { <div class="bench" aria-busy="true"></div> }>
                {move || Suspend::new(async move {
                    match known.await {
                        Ok(known) => view! { <Asked form=form.get() known last/> }.into_any(),
                        Err(err) => view! { <ErrorNote message=err.to_string() retry/> }.into_any(),
                    }
                })}
            </Transition>
        </main>
    }
}

fn pairs(query: &ParamsMap) -> Vec<(String, String)> {
    query.clone().into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

async fn load(answer: String) -> Result<Known, ApiError> {
    let given = match answer.parse() {
        Ok(id) => Some(api::given_answer(AnswerId(id)).await),
        Err(_) => None,
    };
    Ok(Known { models: api::models().await?, given })
}

/// What was scored last, by which models, and what came of it: who only compares other models need not wait again.
type Last = StoredValue<Option<(LikelihoodForm, Results)>>;
type Results = Vec<Result<Likelihood, ApiError>>;

#[component]
fn Asked(form: LikelihoodForm, known: Known, last: Last) -> impl IntoView {
    let Known { models, given } = known;
    let (given, refused) = match given.transpose() {
        Ok(given) => (given, None),
        Err(err) => (None, Some(err)),
    };
    let chosen = chosen(&form, given.as_ref(), &models);
    let wrong = if form.is_blank() { None } else { NewLikelihood::parse(&form).err() };
    let may_score = !form.is_blank() && wrong.is_none() && refused.is_none() && !chosen.is_empty();
    let scoring = may_score.then(|| view! { <Scoring form=form.clone() chosen=chosen.clone() last/> });
    let blank = form.is_blank();
    let nobody = !blank && chosen.is_empty();
    view! {
        {refused.map(|err| view! { <Refused err/> })}
        <AnswerForm form given models chosen wrong/>
        {blank.then_some(view! {
            <p class="note">
                "Paste an answer, or follow “How likely to each model?” below an answer of a comparison."
            </p>
        })}
        {nobody.then_some(view! { <p class="note">"None of the chosen models can answer now: choose others."</p> })}
        {scoring}
    }
}

/// Why the answer in the URL cannot be scored.
#[component]
fn Refused(err: ApiError) -> impl IntoView {
    view! {
        <div class="note" data-is="fail" role="alert">
            <p>{sentence(err)}</p>
            <a class="btn" href="/likelihood">
                "Paste an answer instead"
            </a>
        </div>
    }
}

/// The models to be asked: those the form names, else those of the answer's comparison, else all; of these the ones that
/// can answer.
fn chosen(form: &LikelihoodForm, given: Option<&GivenAnswer>, models: &[ModelCard]) -> Vec<ModelCard> {
    let is_named = |card: &&ModelCard| match (form.models.is_empty(), given) {
        (false, _) => form.models.contains(&card.id.0),
        (true, Some(given)) => given.models.contains(&card.id),
        (true, None) => true,
    };
    models.iter().filter(|it| it.is_ready()).filter(is_named).take(MODELS_MAX).cloned().collect()
}

const MODELS_MAX: usize = domain::NewComparison::MODELS_MAX;

/// Asks all chosen models at once, and counts those that are done.
#[component]
fn Scoring(form: LikelihoodForm, chosen: Vec<ModelCard>, last: Last) -> impl IntoView {
    let (n_models, n_done) = (chosen.len(), RwSignal::new(0_usize));
    let models = chosen.iter().map(|it| it.id.0.clone()).collect();
    let what = StoredValue::new(LikelihoodForm { models, ..form.what_is_scored() });
    let cards = StoredValue::new(chosen);
    let scored = Resource::new(
        || (),
        move |()| {
            n_done.set(0);
            let form = what.get_value();
            let kept = last.with_value(|it| it.clone().filter(|(of, _)| *of == form));
            async move {
                match kept {
                    Some((_, results)) => results,
                    None => score_all(form, n_done).await,
                }
            }
        },
    );
    let retry = Callback::new(move |()| {
        last.set_value(None);
        scored.refetch();
    });
    let form = StoredValue::new(form);
    let progress = move || {
        view! {
            <div class="note" aria-busy="true">
                <p role="status">{move || format!("Scored by {} of {}…", n_done.get(), count(n_models as u64, "model"))}</p>
                <progress class="bar" max=n_models value=move || n_done.get() aria-label="Models that have scored it"></progress>
            </div>
        }
    };
    view! {
        <Suspense fallback=progress>
            {move || Suspend::new(async move {
                let results = scored.await;
                if results.iter().all(Result::is_ok) {
                    last.set_value(Some((what.get_value(), results.clone())));
                }
                let results = cards.get_value().into_iter().zip(results).collect();
                view! { <LikelihoodResult form=form.get_value() results retry/> }
            })}
        </Suspense>
    }
}

async fn score_all(form: LikelihoodForm, n_done: RwSignal<usize>) -> Results {
    let score = |id: &String| {
        let (form, model) = (form.clone(), ModelId(id.clone()));
        async move {
            let scored = api::likelihood(form, model).await;
            n_done.try_update(|it| *it += 1);
            scored
        }
    };
    join_all(form.models.iter().map(score)).await
}
