//! Server functions: each names a public endpoint and hands over to the [`Backend`](crate::Backend), which checks first.

use crate::backend::ApiError;
#[cfg(feature = "ssr")]
use crate::backend::{backend, go_on};
use domain::{
    Act, AnswerId, AnswersPage, AnswersQuery, AskForm, Comparison, ComparisonId, EditForm, Estimate, Family,
    FollowForm, GivenAnswer, HistoryPage, HistoryQuery, Hosted, JudgeCard, JudgeId, Labels, Likelihood, LikelihoodForm,
    ModelCard, ModelId, More, Pack, Registry, Run, RunAct, RunForm, RunId, RunRow, RunScores, Scores,
};
use leptos::{
    prelude::*,
    server_fn::codec::{GetUrl, Json},
};

#[server(prefix = "/api", endpoint = "models", input = GetUrl)]
pub async fn models() -> Result<Vec<ModelCard>, ApiError> {
    backend().models().await
}

#[server(name = GetRegistry, prefix = "/api", endpoint = "registry", input = GetUrl)]
pub async fn registry() -> Result<Registry, ApiError> {
    backend().registry().await
}

#[server(prefix = "/api", endpoint = "load_model")]
pub async fn load_model(id: ModelId) -> Result<(), ApiError> {
    backend().load_model(id).await
}

#[server(prefix = "/api", endpoint = "unload_model")]
pub async fn unload_model(id: ModelId) -> Result<(), ApiError> {
    backend().unload_model(id).await
}

/// What may be told of the models where none may be named.
#[server(name = GetHosted, prefix = "/api", endpoint = "hosted", input = GetUrl)]
pub async fn hosted() -> Result<Hosted, ApiError> {
    backend().models().await.map(|models| Hosted::of(&models))
}

/// Goes on to the new comparison's page, so that the form also works before the wasm arrives.
#[server(prefix = "/api", endpoint = "compare")]
pub async fn compare(form: AskForm) -> Result<ComparisonId, ApiError> {
    let id = backend().compare(form).await?;
    go_on(&format!("/comparisons/{}", id.0));
    Ok(id)
}

#[server(prefix = "/api", endpoint = "follow")]
pub async fn follow(form: FollowForm) -> Result<ComparisonId, ApiError> {
    let id = backend().follow(form).await?;
    go_on(&format!("/comparisons/{}", id.0));
    Ok(id)
}

#[server(prefix = "/api", endpoint = "edit")]
pub async fn edit(form: EditForm) -> Result<ComparisonId, ApiError> {
    let id = backend().edit(form).await?;
    go_on(&format!("/comparisons/{}", id.0));
    Ok(id)
}

#[server(prefix = "/api", endpoint = "ask-again")]
pub async fn ask_again(id: ComparisonId) -> Result<ComparisonId, ApiError> {
    let again = backend().ask_again(id).await?;
    go_on(&format!("/comparisons/{}", again.0));
    Ok(again)
}

#[server(name = GetFamily, prefix = "/api", endpoint = "family", input = GetUrl)]
pub async fn family(id: ComparisonId) -> Result<Family, ApiError> {
    backend().family(id).await
}

#[server(name = GetComparison, prefix = "/api", endpoint = "comparison", input = GetUrl)]
pub async fn comparison(id: ComparisonId) -> Result<Comparison, ApiError> {
    backend().comparison(id).await
}

#[server(prefix = "/api", endpoint = "stop", input = Json)]
pub async fn stop(id: ComparisonId, column_idx: Option<u32>) -> Result<(), ApiError> {
    backend().stop(id, column_idx).await
}

#[server(prefix = "/api", endpoint = "resume", input = Json)]
pub async fn resume(id: ComparisonId) -> Result<(), ApiError> {
    backend().resume(id).await
}

#[server(prefix = "/api", endpoint = "reveal", input = Json)]
pub async fn reveal(id: ComparisonId) -> Result<(), ApiError> {
    backend().reveal(id).await
}

#[server(prefix = "/api", endpoint = "label", input = Json)]
pub async fn label(answer: AnswerId, act: Act) -> Result<Labels, ApiError> {
    backend().label(answer, act).await
}

#[server(name = GetScores, prefix = "/api", endpoint = "scores", input = GetUrl)]
pub async fn scores(answer: AnswerId) -> Result<Scores, ApiError> {
    backend().scores(answer).await
}

#[server(name = GetGivenAnswer, prefix = "/api", endpoint = "given_answer", input = GetUrl)]
pub async fn given_answer(answer: AnswerId) -> Result<GivenAnswer, ApiError> {
    backend().given_answer(answer).await
}

/// A POST although it changes nothing: the answer that is scored may be longer than a URL.
#[server(name = GetLikelihood, prefix = "/api", endpoint = "likelihood", input = Json)]
pub async fn likelihood(form: LikelihoodForm, model: ModelId) -> Result<Likelihood, ApiError> {
    backend().likelihood(form, model).await
}

#[server(name = GetPacks, prefix = "/api", endpoint = "packs", input = GetUrl)]
pub async fn packs() -> Result<Vec<Pack>, ApiError> {
    backend().packs().await
}

#[server(name = GetJudges, prefix = "/api", endpoint = "judges", input = GetUrl)]
pub async fn judges() -> Result<Vec<JudgeCard>, ApiError> {
    backend().judges().await
}

#[server(prefix = "/api", endpoint = "estimate_run", input = Json)]
pub async fn estimate_run(form: RunForm) -> Result<Estimate, ApiError> {
    backend().estimate_run(form).await
}

/// Goes on to the new run's page, so that the form also works before the wasm arrives.
#[server(prefix = "/api", endpoint = "start_run")]
pub async fn start_run(form: RunForm) -> Result<RunId, ApiError> {
    let id = backend().start_run(form).await?;
    go_on(&format!("/runs/{}", id.0));
    Ok(id)
}

#[server(name = GetRuns, prefix = "/api", endpoint = "runs", input = GetUrl)]
pub async fn runs() -> Result<Vec<RunRow>, ApiError> {
    backend().runs().await
}

#[server(name = GetRun, prefix = "/api", endpoint = "run", input = GetUrl)]
pub async fn run(id: RunId) -> Result<Run, ApiError> {
    backend().run(id).await
}

#[server(prefix = "/api", endpoint = "steer_run", input = Json)]
pub async fn steer_run(id: RunId, act: RunAct) -> Result<(), ApiError> {
    backend().steer_run(id, act).await
}

#[server(prefix = "/api", endpoint = "repeat_run")]
pub async fn repeat_run(id: RunId) -> Result<RunId, ApiError> {
    let again = backend().repeat_run(id).await?;
    go_on(&format!("/runs/{}", again.0));
    Ok(again)
}

#[server(prefix = "/api", endpoint = "extend_run", input = Json)]
pub async fn extend_run(id: RunId, more: More) -> Result<(), ApiError> {
    backend().extend_run(id, more).await
}

#[server(name = GetRunScores, prefix = "/api", endpoint = "run_scores", input = GetUrl)]
pub async fn run_scores(id: RunId, judge: Option<JudgeId>) -> Result<RunScores, ApiError> {
    backend().run_scores(id, judge).await
}

#[server(name = GetRunAnswers, prefix = "/api", endpoint = "run_answers", input = Json)]
pub async fn run_answers(query: AnswersQuery) -> Result<AnswersPage, ApiError> {
    backend().run_answers(query).await
}

#[server(prefix = "/api", endpoint = "history", input = GetUrl)]
pub async fn history(query: HistoryQuery) -> Result<HistoryPage, ApiError> {
    backend().history(query).await
}
