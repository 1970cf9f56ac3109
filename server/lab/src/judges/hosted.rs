//! A model that is served here, as a judge. Nothing is drawn: its reply is scored as it might be, so that the same question
//! gives the same score as far as the engine's arithmetic is steady.
//!
//! A number is an expectation over all that it could write (`numbers.rs`), a word the likeliest of those that the prompt
//! offers, as all of its tokens. All of it is asked behind one prompt, which is fed once.

mod question;

use super::{
    Asked, Judge, JudgeFailure,
    numbers::{Likely, Numbers, Seen},
};
use crate::{Absent, Claim, Hosted, Models};
use async_trait::async_trait;
use domain::{JudgeId, JudgeKind, Judgement, ModelId};
use engine::TokenScore;
use question::Question;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// One of the models of this server.
pub struct HostedJudge {
    models: Arc<Models>,
    model: ModelId,
    /// Behind the last tokens of a prompt, how this model writes the numbers there.
    numbers: Mutex<HashMap<Vec<u32>, Spelled>>,
}

#[derive(Clone)]
struct Spelled {
    numbers: Arc<Numbers>,
    /// Tokens at the end of the prompt that are cut otherwise once a number stands behind them; nearly always 0.
    n_recut: usize,
}

/// How long it waits for its model to be loaded.
const WAIT_MAX: Duration = Duration::from_secs(900);

/// How many of the last tokens of a prompt decide how what follows is cut into tokens: more than a line, with its end.
const N_TAIL: usize = 24;

/// Prompts end alike, so that there are few.
const N_SPELLED_MAX: usize = 64;

/// Below this a word is none of the prompt's, as a number would be no score.
const WORD_MASS_MIN: f64 = 0.25;

impl HostedJudge {
    pub fn new(models: Arc<Models>, model: ModelId) -> Self {
        Self { models, model, numbers: Mutex::default() }
    }

    async fn number(&self, asked: &Asked, question: Question) -> Result<Judgement, JudgeFailure> {
        let Spelled { numbers, n_recut } = self.spelled(&question).await?;
        let question = question.cut_back(n_recut);
        let (mut seen, mut first) = (Seen::default(), Vec::new());
        loop {
            let wanted = numbers.wanted(&seen);
            if wanted.is_empty() {
                break;
            }
            for (path, scores) in question.scored(wanted).await? {
                learn(&mut seen, &path, &scores);
                first = scores.into_iter().next().map(|it| it.top).unwrap_or(first);
            }
        }
        let first: Vec<_> = first.iter().map(|it| (String::from_utf8_lossy(&it.bytes), probability(it))).collect();
        Ok(numbers.numeric(&seen).judgement(asked, first.iter().map(|(text, probability)| (&**text, *probability))))
    }

    async fn word(&self, asked: &Asked, question: Question) -> Result<Judgement, JudgeFailure> {
        let words = asked.prompt.words();
        if words.is_empty() {
            let key = asked.prompt.key();
            return Err(JudgeFailure::lasting(format!(
                "the judge prompt {key} does not show which words may be replied"
            )));
        }
        let (paths, n_recut) = question.spellings(words.iter().map(|it| (*it).to_owned()).collect()).await?;
        let scored = question.cut_back(n_recut).scored(paths).await?;
        let log_likelihood = |scores: &[TokenScore]| scores.iter().map(|it| f64::from(it.token.logprob)).sum::<f64>();
        let likely: Vec<f64> = scored.iter().map(|(_, scores)| log_likelihood(scores).exp()).collect();
        let mass: f64 = likely.iter().sum();
        let best =
            words.iter().zip(&likely).max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(word, _)| (*word).to_owned());
        Ok(asked.word(best.filter(|_| mass >= WORD_MASS_MIN)))
    }

    async fn spelled(&self, question: &Question) -> Result<Spelled, JudgeFailure> {
        let tail = question.tail(N_TAIL);
        if let Some(spelled) = self.kept().get(&tail) {
            return Ok(spelled.clone());
        }
        let (paths, n_recut) = question.spellings((0..=100_u8).map(|it| it.to_string()).collect()).await?;
        let numbers = Arc::new(Numbers::new((0..).zip(paths)));
        let spelled = Spelled { numbers, n_recut };
        let mut kept = self.kept();
        if kept.len() >= N_SPELLED_MAX {
            kept.clear();
        }
        kept.insert(tail, spelled.clone());
        Ok(spelled)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Vec<u32>, Spelled>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn loaded(&self, claim: &Claim) -> Result<Hosted, JudgeFailure> {
        match tokio::time::timeout(WAIT_MAX, claim.hosted(|_| {})).await {
            Ok(Ok(hosted)) => Ok(hosted),
            Ok(Err(absent @ Absent::NotYet { .. })) => Err(JudgeFailure::passing(absent)),
            Ok(Err(absent)) => Err(JudgeFailure::lasting(absent)),
            Err(_) => Err(JudgeFailure::passing("the judging model was not loaded within a quarter of an hour")),
        }
    }
}

#[async_trait]
impl Judge for HostedJudge {
    fn id(&self) -> JudgeId {
        JudgeId(format!("model:{}", self.model.0))
    }

    /// Each is a handful of requests, of which the engine takes a limited number.
    fn n_at_once(&self) -> usize {
        8
    }

    async fn judge(&self, asked: &Asked) -> Result<Judgement, JudgeFailure> {
        // Held to the end, so that the model is not dropped in between.
        let claim = Claim::new(self.models.clone(), self.model.clone());
        let question = Question::new(self.loaded(&claim).await?, asked)?;
        match asked.prompt.kind() {
            JudgeKind::Score => self.number(asked, question).await,
            JudgeKind::Word => self.word(asked, question).await,
        }
    }
}

fn learn(seen: &mut Seen, path: &[u32], scores: &[TokenScore]) {
    for (n_before, score) in scores.iter().enumerate() {
        let top: Vec<_> = score.top.iter().map(likely).collect();
        seen.learn(&path[..n_before], likely(&score.token), &top);
    }
}

fn likely(it: &engine::Likely) -> Likely<'_> {
    Likely { token: it.id, bytes: &it.bytes, probability: probability(it) }
}

fn probability(likely: &engine::Likely) -> f64 {
    f64::from(likely.logprob).exp()
}

#[cfg(test)]
mod tests;
