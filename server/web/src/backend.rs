//! What the pages may ask of the server, for the one who sits at this machine.

use crate::error::reply;
use app::{ApiError, Backend};
use async_trait::async_trait;
use domain::{
    Act, AnswerId, AskForm, Comparison, ComparisonId, EditForm, Family, FollowForm, GivenAnswer, HistoryPage,
    HistoryQuery, Labels, Likelihood, LikelihoodForm, ModelCard, ModelId, NewComparison, NewEdit, NewFollowUp,
    NewLikelihood, Registry, Scores,
};
use lab::Lab;

/// The backend of a reviewer. There are no accounts yet: whoever reaches the server is the reviewer.
pub struct ReviewerBackend {
    lab: Lab,
}

/// The name under which labels are kept as long as there are no accounts.
const REVIEWER: &str = "reviewer";

impl ReviewerBackend {
    pub fn new(lab: Lab) -> Self {
        Self { lab }
    }
}

#[async_trait]
impl Backend for ReviewerBackend {
    async fn models(&self) -> Result<Vec<ModelCard>, ApiError> {
        Ok(self.lab.models().cards())
    }

    async fn registry(&self) -> Result<Registry, ApiError> {
        Ok(self.lab.registry())
    }

    async fn load_model(&self, id: ModelId) -> Result<(), ApiError> {
        reply(self.lab.models().wish(&id))
    }

    async fn unload_model(&self, id: ModelId) -> Result<(), ApiError> {
        reply(self.lab.models().unload(&id))
    }

    async fn compare(&self, form: AskForm) -> Result<ComparisonId, ApiError> {
        let started = async { self.lab.compare(&NewComparison::parse(&form)?).await };
        reply(started.await)
    }

    async fn follow(&self, form: FollowForm) -> Result<ComparisonId, ApiError> {
        let started = async { self.lab.follow(&NewFollowUp::parse(&form)?).await };
        reply(started.await)
    }

    async fn edit(&self, form: EditForm) -> Result<ComparisonId, ApiError> {
        let started = async { self.lab.edit(&NewEdit::parse(&form)?).await };
        reply(started.await)
    }

    async fn ask_again(&self, id: ComparisonId) -> Result<ComparisonId, ApiError> {
        reply(self.lab.ask_again(id).await)
    }

    async fn family(&self, id: ComparisonId) -> Result<Family, ApiError> {
        reply(self.lab.family(id).await)
    }

    async fn comparison(&self, id: ComparisonId) -> Result<Comparison, ApiError> {
        reply(self.lab.comparison(id).await.map(Comparison::as_seen))
    }

    async fn stop(&self, id: ComparisonId, column_idx: Option<u32>) -> Result<(), ApiError> {
        self.lab.stop(id, column_idx);
        Ok(())
    }

    async fn resume(&self, id: ComparisonId) -> Result<(), ApiError> {
        reply(self.lab.resume(id).await)
    }

    async fn reveal(&self, id: ComparisonId) -> Result<(), ApiError> {
        reply(self.lab.reveal(id).await)
    }

    async fn label(&self, answer: AnswerId, act: Act) -> Result<Labels, ApiError> {
        reply(self.lab.label(answer, &act, REVIEWER).await)
    }

    async fn scores(&self, answer: AnswerId) -> Result<Scores, ApiError> {
        reply(self.lab.scores(answer).await)
    }

    async fn given_answer(&self, answer: AnswerId) -> Result<GivenAnswer, ApiError> {
        reply(self.lab.given_answer(answer).await)
    }

    async fn likelihood(&self, form: LikelihoodForm, model: ModelId) -> Result<Likelihood, ApiError> {
        let scored = async { self.lab.likelihood(&NewLikelihood::parse(&form)?, &model).await };
        reply(scored.await)
    }

    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage, ApiError> {
        reply(self.lab.history(&query).await)
    }
}
