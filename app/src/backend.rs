//! Everything the pages ask of the server, as one trait.

use async_trait::async_trait;
use domain::{
    Act, AnswerId, AnswersPage, AnswersQuery, AskError, AskForm, Comparison, ComparisonId, EditForm, Estimate, Family,
    FollowForm, GivenAnswer, HistoryPage, HistoryQuery, JudgeCard, JudgeId, Labels, Likelihood, LikelihoodForm,
    ModelCard, ModelId, More, Pack, Registry, Run, RunAct, RunForm, RunId, RunRow, RunScores, Scores,
};
use leptos::{
    prelude::*,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub type BackendHandle = Arc<dyn Backend>;

/// The server, as the person of this request may use it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Every model of the catalogue, in its order, with those that cannot answer.
    async fn models(&self) -> Result<Vec<ModelCard>, ApiError>;

    /// Every model with all that is known of it, and the memories they lie in.
    async fn registry(&self) -> Result<Registry, ApiError>;

    /// Loads a model with its family, also one that failed before.
    async fn load_model(&self, id: ModelId) -> Result<(), ApiError>;

    /// Unloads a model's family, or gives up loading it. Refused while it is in use.
    async fn unload_model(&self, id: ModelId) -> Result<(), ApiError>;

    /// Keeps a new comparison and starts its answers; a wrong field of the form is named.
    async fn compare(&self, form: AskForm) -> Result<ComparisonId, ApiError>;

    /// Asks on from answers of a comparison; a wrong field of the form is named.
    async fn follow(&self, form: FollowForm) -> Result<ComparisonId, ApiError>;

    /// Has an answer continued from the text that a reviewer made of it.
    async fn edit(&self, form: EditForm) -> Result<ComparisonId, ApiError>;

    /// Asks the same once more with a new seed, in the same conversation.
    async fn ask_again(&self, id: ComparisonId) -> Result<ComparisonId, ApiError>;

    /// What goes on from a comparison, and what is revealed together with it.
    async fn family(&self, id: ComparisonId) -> Result<Family, ApiError>;

    /// A comparison as it is now; without names while it is blind.
    async fn comparison(&self, id: ComparisonId) -> Result<Comparison, ApiError>;

    /// Stops the answers of one column, or of all; what was written is kept.
    async fn stop(&self, id: ComparisonId, column_idx: Option<u32>) -> Result<(), ApiError>;

    /// Starts the answers that were cut off or failed once more, with their own seeds.
    async fn resume(&self, id: ComparisonId) -> Result<(), ApiError>;

    /// Shows the names of a blind comparison and of all its family for good, and locks the labels given so far.
    async fn reveal(&self, id: ComparisonId) -> Result<(), ApiError>;

    /// Adds one act to an answer's labels; returns what stands once it is committed.
    async fn label(&self, answer: AnswerId, act: Act) -> Result<Labels, ApiError>;

    /// How likely each token of an answer was to the model that wrote it. Says nothing of which model that is.
    async fn scores(&self, answer: AnswerId) -> Result<Scores, ApiError>;

    /// An answer whose likelihood can be asked for; refused where its comparison is blind.
    async fn given_answer(&self, answer: AnswerId) -> Result<GivenAnswer, ApiError>;

    /// How likely one model finds the answer that the form gives; a wrong field of the form is named.
    async fn likelihood(&self, form: LikelihoodForm, model: ModelId) -> Result<Likelihood, ApiError>;

    /// Every pack in its newest version.
    async fn packs(&self) -> Result<Vec<Pack>, ApiError>;

    /// Every judge that can be asked.
    async fn judges(&self) -> Result<Vec<JudgeCard>, ApiError>;

    /// What the run of this form would take; a wrong field is named.
    async fn estimate_run(&self, form: RunForm) -> Result<Estimate, ApiError>;

    /// Keeps a new run and puts it at the end of the queue; a wrong field of the form is named.
    async fn start_run(&self, form: RunForm) -> Result<RunId, ApiError>;

    /// Runs, newest first.
    async fn runs(&self) -> Result<Vec<RunRow>, ApiError>;

    async fn run(&self, id: RunId) -> Result<Run, ApiError>;

    /// Pauses, goes on with, cancels or tries the failures of a run again.
    async fn steer_run(&self, id: RunId, act: RunAct) -> Result<(), ApiError>;

    /// Starts the same again with the same seed.
    async fn repeat_run(&self, id: RunId) -> Result<RunId, ApiError>;

    /// Adds samples, models and judges to a run; what it has stays.
    async fn extend_run(&self, id: RunId, more: More) -> Result<(), ApiError>;

    /// What one judge, or the first, says of every answer of a run.
    async fn run_scores(&self, id: RunId, judge: Option<JudgeId>) -> Result<RunScores, ApiError>;

    /// One page of the answers of a run that match.
    async fn run_answers(&self, query: AnswersQuery) -> Result<AnswersPage, ApiError>;

    /// One page of comparisons, newest first.
    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage, ApiError>;
}

/// What the browser may know of a failure; shown as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ApiError {
    #[error("{0}")]
    Ask(AskError),
    #[error("there is nothing here by that number")]
    NotFound,
    /// The request was understood and is not allowed as things are.
    #[error("{0}")]
    Refused(String),
    #[error("the server has as much to do as it can take; try again in a moment")]
    Busy,
    #[error("something went wrong on the server; its log says what")]
    Internal,
    #[error("the server did not answer: {0}")]
    Transport(String),
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(err: ServerFnErrorErr) -> Self {
        Self::Transport(match err {
            ServerFnErrorErr::Request(_) => "it is away, or the line to it is".into(),
            other => other.to_string(),
        })
    }
}

/// The backend that `web` has bound to this request.
#[cfg(feature = "ssr")]
pub(crate) fn backend() -> BackendHandle {
    expect_context::<BackendHandle>()
}

/// How a server function sends the browser on to another page. `web` provides it, so that no HTTP is named here.
#[derive(Clone)]
pub struct GoOn(pub fn(&str));

/// How a page says with which HTTP status it is served. `web` provides it.
#[derive(Clone)]
pub struct SetStatus(pub fn(u16));

/// The `Cookie` header of the request, empty where there is none. `web` provides it.
#[derive(Clone, Debug, Default)]
pub struct Cookies(pub String);

#[cfg(feature = "ssr")]
pub(crate) fn go_on(path: &str) {
    expect_context::<GoOn>().0(path);
}
