//! One request on its way: what of its prompt is fed, what is drawn, when its answer ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::draws::uniform;
use crate::scheduler::{Advance, Limits, Outcome, SequenceId};
use crate::{Draw, Drawn, FinishReason, Penalties, Priority, Request, Row, RowResult, Score, Targets};

#[derive(Debug)]
pub struct Sequence {
    pub id: SequenceId,
    pub request: Request,
    /// Tokens that are in the cache.
    pub position: u32,
    /// Goes into the cache next, once all of the prompt is there.
    drawn_last: Option<u32>,
    n_tokens: u32,
    /// How often each token stands in the answer. Kept only where penalties ask for it.
    n_drawn: BTreeMap<u32, u32>,
    /// Of the prompt's tokens from the second on, as far as it is fed.
    prompt_scores: Vec<Score>,
}

/// Where a prompt is cut, when it is not fed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Wherever the step's budget ends.
    AsFits,
    /// After every so many tokens, and before the last one, which is fed by itself as the tokens of the answer are. So
    /// the cuts are the same whatever else runs, and whether or not the rest was copied.
    Fixed { n_tokens: u32 },
}

impl Sequence {
    pub fn new(id: SequenceId, request: Request) -> Self {
        let (n_drawn, prompt_scores) = (BTreeMap::new(), Vec::new());
        Self { id, request, position: 0, drawn_last: None, n_tokens: 0, n_drawn, prompt_scores }
    }

    /// Who goes first: the smaller.
    pub fn rank(&self) -> (Priority, SequenceId) {
        (self.request.priority, self.id)
    }

    pub fn is_sample_of(&self, request: &Request) -> bool {
        self.request.adapter == request.adapter && Arc::ptr_eq(&self.request.prompt, &request.prompt)
    }

    /// Whether another's copy of the prompt serves as well. Who wants scores has to see every token fed.
    pub fn may_share(&self) -> bool {
        self.request.score_prompt.is_none() && self.n_shareable() > 0
    }

    /// The prompt's last token is always fed, because what comes after it is drawn from there.
    pub fn n_shareable(&self) -> u32 {
        self.request.prompt.len() as u32 - 1
    }

    pub fn is_feeding(&self) -> bool {
        self.drawn_last.is_none()
    }

    /// Nothing of it is cached any more.
    pub fn restart(&mut self) {
        debug_assert!(self.is_feeding(), "a sequence with an answer is in every batch");
        self.position = 0;
        self.prompt_scores.clear();
    }

    /// This sequence's part of the next step, with so many positions in the cache by then; `None` where the budget is
    /// used up.
    pub fn row(&self, slot: u32, position: u32, chunks: Chunks, prompt_budget: &mut u32) -> Option<Row> {
        let tokens = match self.drawn_last {
            Some(token) => vec![token],
            None => self.next_of_prompt(position, chunks, prompt_budget)?,
        };
        let end = position as usize + tokens.len();
        Some(Row {
            slot,
            adapter: self.request.adapter,
            position,
            draw: (end >= self.request.prompt.len() && self.request.max_tokens > 0).then(|| self.draw()),
            targets: self.targets(position as usize, end),
            tokens,
        })
    }

    fn next_of_prompt(&self, position: u32, chunks: Chunks, budget: &mut u32) -> Option<Vec<u32>> {
        let n_prompt = self.request.prompt.len() as u32;
        let end = match chunks {
            Chunks::AsFits => n_prompt.min(position + *budget),
            Chunks::Fixed { .. } if position + 1 >= n_prompt => n_prompt,
            Chunks::Fixed { n_tokens } => (n_prompt - 1).min((position / n_tokens + 1) * n_tokens),
        };
        let n_fed = end - position;
        if n_fed == 0 || n_fed > *budget {
            return None;
        }
        *budget -= n_fed;
        Some(self.request.prompt[position as usize..end as usize].to_vec())
    }

    fn draw(&self) -> Draw {
        Draw {
            sampling: self.request.sampling,
            uniform: uniform(self.request.seed, self.n_tokens),
            adjustments: self.adjustments(),
            score: self.request.score_answer,
        }
    }

    /// Bias and penalties together, each token once.
    fn adjustments(&self) -> Arc<[(u32, f32)]> {
        if self.n_drawn.is_empty() {
            return self.request.logit_bias.clone();
        }
        let Penalties { presence, frequency } = self.request.penalties;
        let bias = self.request.logit_bias.iter().map(|&(token, bias)| (token, f64::from(bias)));
        let mut sums: BTreeMap<u32, f64> = bias.collect();
        for (&token, &count) in &self.n_drawn {
            *sums.entry(token).or_default() -= presence + f64::from(count) * frequency;
        }
        sums.into_iter().map(|(token, sum)| (token, sum as f32)).collect()
    }

    /// The tokens of the prompt that follow on those from `start` to `end`.
    fn targets(&self, start: usize, end: usize) -> Option<Targets> {
        let n_top = self.request.score_prompt?;
        let tokens = self.request.prompt.get(start + 1..self.request.prompt.len().min(end + 1))?.to_vec();
        (!tokens.is_empty()).then_some(Targets { tokens, n_top })
    }

    /// `None` while the prompt is being fed.
    pub fn advance(&mut self, row: &Row, result: RowResult, limits: &Limits) -> Option<Advance> {
        self.position = row.position + row.tokens.len() as u32;
        let RowResult::Fed { drawn, target_scores } = result else {
            return Some(self.advanced(None, Outcome::NonFinite));
        };
        self.prompt_scores.extend(target_scores);
        if (self.position as usize) < self.request.prompt.len() {
            return None;
        }
        let prompt_scores = self.finished_prompt();
        let outcome = drawn.map_or(Outcome::NoAnswer, |drawn| self.take(drawn, limits));
        Some(self.advanced(prompt_scores, outcome))
    }

    /// The scores of a prompt that is fed as of this step.
    fn finished_prompt(&mut self) -> Option<Vec<(u32, Score)>> {
        let is_asked = self.is_feeding() && self.request.score_prompt.is_some();
        let scores = std::mem::take(&mut self.prompt_scores);
        is_asked.then(|| self.request.prompt[1..].iter().copied().zip(scores).collect())
    }

    fn advanced(&self, prompt_scores: Option<Vec<(u32, Score)>>, outcome: Outcome) -> Advance {
        Advance { id: self.id, n_tokens: self.n_tokens, prompt_scores, outcome }
    }

    fn take(&mut self, drawn: Drawn, limits: &Limits) -> Outcome {
        let Drawn { token, score } = drawn;
        self.drawn_last = Some(token);
        self.n_tokens += 1;
        if self.request.penalties != Penalties::default() {
            *self.n_drawn.entry(token).or_default() += 1;
        }
        if !self.request.ignore_end && limits.end_tokens.contains(&token) {
            return Outcome::EndToken;
        }
        Outcome::Token { token, score, end: self.end(limits) }
    }

    fn end(&self, limits: &Limits) -> Option<FinishReason> {
        if self.n_tokens >= self.request.max_tokens {
            Some(FinishReason::Length)
        } else if self.position >= limits.shape.n_positions {
            Some(FinishReason::Full)
        } else {
            None
        }
    }
}
