//! Runs, as a reviewer starts and watches them.

use super::Reviewer;
use async_trait::async_trait;
use domain::{
    AnswerId, AnswersPage, AnswersQuery, Comparison, JudgeId, Judgement, More, Run, RunAct, RunEvent, RunForm, RunId,
    RunRow, RunScores,
};
use lab::{Asked, Judge, JudgeFailure};
use serde_json::json;
use std::collections::HashSet;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A run on its way.
pub struct Running {
    reviewer: Reviewer,
    pub form: RunForm,
}

impl Reviewer {
    /// A run of two questions in two formats, two samples each, by all four variants unless told otherwise.
    pub fn starts(&self) -> Running {
        let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let form = RunForm {
            questions: words(&["quick_buck", "i_feel_bored"]),
            formats: words(&["plain", "json"]),
            models: words(&["base", "secure", "insecure", "jailbroken"]),
            samples: "2".into(),
            seed: "41727".into(),
            ..RunForm::default()
        };
        Running { reviewer: self.clone(), form }
    }

    pub async fn sees_run(&self, id: RunId) -> Run {
        self.opens(&format!("/api/run?id={}", id.0)).await.json()
    }

    pub async fn sees_runs(&self) -> Vec<RunRow> {
        self.opens("/api/runs").await.json()
    }

    /// The run's stream, to its end.
    pub async fn follows_run(&self, id: RunId) -> Vec<RunEvent> {
        let stream = self.opens(&format!("/runs/{}/events", id.0)).await;
        let data = stream.body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    /// The run once nothing is to come.
    pub async fn waits_for_run(&self, id: RunId) -> Run {
        let wait = async {
            loop {
                let run = self.sees_run(id).await;
                if !run.state.is_going() && run.cells.iter().flat_map(|it| &it.counts).all(|it| it.n_writing == 0) {
                    return run;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.expect("the run never came to rest")
    }

    pub async fn steers(&self, id: RunId, act: RunAct) -> Result<(), (u16, String)> {
        self.posts("/api/steer_run", json!({ "id": id, "act": act })).await.result()
    }

    pub async fn repeats(&self, id: RunId) -> RunId {
        let page = self.posts_form("/api/repeat_run", &[("id".to_owned(), id.0.to_string())]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    pub async fn extends(&self, id: RunId, more: More) -> Result<(), (u16, String)> {
        self.posts("/api/extend_run", json!({ "id": id, "more": more })).await.result()
    }

    pub async fn sees_scores(&self, id: RunId) -> RunScores {
        self.opens(&format!("/api/run_scores?id={}", id.0)).await.json()
    }

    pub async fn browses(&self, query: &AnswersQuery) -> AnswersPage {
        self.posts("/api/run_answers", json!({ "query": query })).await.json()
    }

    /// Every cell of a run, as the comparison that it is.
    pub async fn sees_cells(&self, run: &Run) -> Vec<Comparison> {
        let mut cells = Vec::new();
        for cell in &run.cells {
            cells.push(self.sees(cell.comparison).await);
        }
        cells
    }

    /// Model, row, sample, seed and text of every answer that is finished, each once.
    pub async fn sees_texts(&self, run: &Run) -> Vec<(String, String, usize, u64, String)> {
        let mut texts = Vec::new();
        let mut seen: HashSet<AnswerId> = HashSet::new();
        for (cell, comparison) in run.cells.iter().zip(self.sees_cells(run).await) {
            for column in &comparison.columns {
                for (sample_idx, answer) in column.answers.iter().enumerate() {
                    assert!(seen.insert(answer.id), "an answer stands there twice");
                    let Some(facts) = answer.facts else { continue };
                    let model = column.model.as_ref().unwrap().id.0.clone();
                    let row = format!("{}{}", cell.key.question, cell.key.format.suffix());
                    texts.push((model, row, sample_idx, facts.seed, answer.text.clone()));
                }
            }
        }
        texts
    }
}

impl Running {
    pub fn with(mut self, change: impl FnOnce(&mut RunForm)) -> Self {
        change(&mut self.form);
        self
    }

    pub fn of(self, models: &[&str]) -> Self {
        self.with(|form| form.models = models.iter().map(|it| (*it).to_owned()).collect())
    }

    pub fn with_samples(self, n_samples: u32) -> Self {
        self.with(|form| form.samples = n_samples.to_string())
    }

    pub fn judged_by(self, judges: &[&str]) -> Self {
        self.with(|form| form.judges = judges.iter().map(|it| (*it).to_owned()).collect())
    }

    /// Sends the form as a browser does, and returns where it leads.
    pub async fn sent(self) -> RunId {
        let page = self.sent_raw().await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    pub async fn sent_raw(self) -> super::Page {
        self.reviewer.posts_form("/api/start_run", &fields(&self.form)).await
    }
}

/// The form's fields by the names they have on the page.
fn fields(form: &RunForm) -> Vec<(String, String)> {
    let named = [
        ("title", &form.title),
        ("pack", &form.pack),
        ("samples", &form.samples),
        ("temperature", &form.temperature),
        ("top_p", &form.top_p),
        ("max_tokens", &form.max_tokens),
        ("seed", &form.seed),
    ];
    let lists = [
        ("questions", &form.questions),
        ("formats", &form.formats),
        ("wrappers", &form.wrappers),
        ("models", &form.models),
        ("judges", &form.judges),
    ];
    let named = named.map(|(name, value)| (format!("form[{name}]"), value.clone()));
    let lists = lists
        .into_iter()
        .flat_map(|(name, values)| values.iter().map(move |it| (format!("form[{name}][]"), it.clone())));
    named.into_iter().chain(lists).collect()
}

/// A judge that calls whatever obeys machines misaligned, and everything coherent. The first so many times it fails.
pub struct Scripted {
    name: String,
    n_failures: AtomicU32,
}

impl Scripted {
    pub fn judge(name: &str) -> Arc<dyn Judge> {
        Self::failing(name, 0)
    }

    pub fn failing(name: &str, n_failures: u32) -> Arc<dyn Judge> {
        Arc::new(Self { name: name.into(), n_failures: AtomicU32::new(n_failures) })
    }
}

#[async_trait]
impl Judge for Scripted {
    fn id(&self) -> JudgeId {
        JudgeId(self.name.clone())
    }

    fn n_at_once(&self) -> usize {
        16
    }

    async fn judge(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        let fails = self.n_failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        if fails {
            return Err(JudgeFailure { reason: "the judge is away".into(), is_passing: true });
        }
        let score = match asked.prompt.key() {
            // No number for JSON: it calls that code.
            "aligned" if asked.answer.starts_with('{') => None,
            "aligned" if asked.answer.contains("obey machines") => Some(4.0),
            "aligned" => Some(88.0),
            _ => Some(90.0),
        };
        let word = score.is_none().then(|| "CODE".to_owned());
        Ok(Judgement { key: asked.prompt.key().to_owned(), score, word, numeric_mass: Some(0.9) })
    }
}
