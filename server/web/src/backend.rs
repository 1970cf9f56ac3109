//! What the pages may ask of the server, for the one who sits at this machine.

use crate::error::reply;
use app::{ApiError, Backend};
use async_trait::async_trait;
use domain::{
    Act, AnswerId, AnswersPage, AnswersQuery, AskForm, Comparison, ComparisonId, EditForm, Estimate, Family,
    FollowForm, GivenAnswer, HistoryPage, HistoryQuery, JudgeCard, JudgeId, Labels, Likelihood, LikelihoodForm,
    ModelCard, ModelId, More, NewComparison, NewEdit, NewFollowUp, NewLikelihood, Pack, Registry, Run, RunAct, RunForm,
    RunId, RunRow, RunScores, Scores,
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

    async fn packs(&self) -> Result<Vec<Pack>, ApiError> {
        reply(self.lab.packs().await)
    }

    async fn judges(&self) -> Result<Vec<JudgeCard>, ApiError> {
        Ok(self.lab.judge_cards())
    }

    async fn estimate_run(&self, form: RunForm) -> Result<Estimate, ApiError> {
        let estimated = async { self.lab.estimate_run(&self.lab.plan_run(&form).await?.0).await };
        reply(estimated.await)
    }

    async fn start_run(&self, form: RunForm) -> Result<RunId, ApiError> {
        let started = async {
            let (new, pack) = self.lab.plan_run(&form).await?;
            self.lab.start_run(&new, &pack).await
        };
        reply(started.await)
    }

    async fn runs(&self) -> Result<Vec<RunRow>, ApiError> {
        reply(self.lab.list_runs().await)
    }

    async fn run(&self, id: RunId) -> Result<Run, ApiError> {
        reply(self.lab.run(id).await)
    }

    async fn steer_run(&self, id: RunId, act: RunAct) -> Result<(), ApiError> {
        reply(self.lab.steer_run(id, act).await)
    }

    async fn repeat_run(&self, id: RunId) -> Result<RunId, ApiError> {
        reply(self.lab.repeat_run(id).await)
    }

    async fn extend_run(&self, id: RunId, more: More) -> Result<(), ApiError> {
        reply(self.lab.extend_run(id, &more).await)
    }

    async fn run_scores(&self, id: RunId, judge: Option<JudgeId>) -> Result<RunScores, ApiError> {
        reply(self.lab.run_scores(id, judge.as_ref()).await)
    }

    async fn run_answers(&self, query: AnswersQuery) -> Result<AnswersPage, ApiError> {
        reply(self.lab.run_answers(&query).await)
    }

    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage, ApiError> {
        reply(self.lab.history(&query).await)
    }
}
