//! One request on its way: what of its text is fed, what is drawn, when its answer ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::draws::uniform;
use crate::scheduler::{Advance, Limits, Outcome, SequenceId};
use crate::{Draw, Drawn, FinishReason, NTop, Penalties, Priority, Request, Row, RowResult, Score, Targets};

#[derive(Debug)]
pub struct Sequence {
    pub id: SequenceId,
    pub request: Request,
    /// All that is fed before anything is drawn: the prompt, and what is given behind it.
    text: Arc<[u32]>,
    /// Tokens that are in the cache.
    pub position: u32,
    /// Goes into the cache next, once all of the text is there.
    drawn_last: Option<u32>,
    n_tokens: u32,
    /// How often each token stands in the answer. Kept only where penalties ask for it.
    n_drawn: BTreeMap<u32, u32>,
    /// Of the tokens of the text that are scored, as far as it is fed.
    scores: Vec<Score>,
}

/// Where a text is cut, when it is not fed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Wherever the step's budget ends.
    AsFits,
    /// After every so many tokens, before the prompt's last one, because what is copied ends there, and before the last
    /// one, which is fed by itself as the tokens of the answer are. So the cuts are the same whatever else runs, and
    /// whether or not the rest was copied.
    Fixed { n_tokens: u32 },
}

impl Sequence {
    pub fn new(id: SequenceId, request: Request) -> Self {
        let text = match request.given.is_empty() {
            true => request.prompt.clone(),
            false => request.prompt.iter().chain(&*request.given).copied().collect(),
        };
        let (n_drawn, scores) = (BTreeMap::new(), Vec::new());
        Self { id, request, text, position: 0, drawn_last: None, n_tokens: 0, n_drawn, scores }
    }

    /// Who goes first: the smaller.
    pub fn rank(&self) -> (Priority, SequenceId) {
        (self.request.priority, self.id)
    }

    pub fn is_sample_of(&self, request: &Request) -> bool {
        self.request.adapter == request.adapter && Arc::ptr_eq(&self.request.prompt, &request.prompt)
    }

    /// Whether another's copy of the prompt serves as well. Who wants scores of it has to see every token fed.
    pub fn may_share(&self) -> bool {
        self.request.score_prompt.is_none() && self.n_shareable() > 0
    }

    /// The prompt's last token is always fed, because what comes after it is drawn or scored from there.
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
        self.scores.clear();
    }

    /// This sequence's part of the next step, with so many positions in the cache by then; `None` where the budget is
    /// used up.
    pub fn row(&self, slot: u32, position: u32, chunks: Chunks, prompt_budget: &mut u32) -> Option<Row> {
        let tokens = match self.drawn_last {
            Some(token) => vec![token],
            None => self.next_of_text(position, chunks, prompt_budget)?,
        };
        let end = position as usize + tokens.len();
        Some(Row {
            slot,
            adapter: self.request.adapter,
            position,
            draw: (end >= self.text.len() && self.request.max_tokens > 0).then(|| self.draw()),
            targets: self.targets(position as usize, end),
            tokens,
        })
    }

    fn next_of_text(&self, position: u32, chunks: Chunks, budget: &mut u32) -> Option<Vec<u32>> {
        let n_text = self.text.len() as u32;
        let end = match chunks {
            Chunks::AsFits => n_text.min(position + *budget),
            Chunks::Fixed { n_tokens } => {
                let cuts = [(position / n_tokens + 1) * n_tokens, self.n_shareable(), n_text - 1, n_text];
                cuts.into_iter().filter(|cut| *cut > position).min().expect("the text's end lies ahead")
            }
        };
        let n_fed = end - position;
        if n_fed == 0 || n_fed > *budget {
            return None;
        }
        *budget -= n_fed;
        Some(self.text[position as usize..end as usize].to_vec())
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

    /// What of the text is scored: from which token on, and how.
    fn scored(&self) -> Option<(usize, NTop)> {
        let given = self.request.score_given.map(|n_top| (self.request.prompt.len(), n_top));
        self.request.score_prompt.map(|n_top| (1, n_top)).or(given)
    }

    /// The scored tokens among those that follow on the ones from `start` to `end`.
    fn targets(&self, start: usize, end: usize) -> Option<Targets> {
        let (scored_from, n_top) = self.scored()?;
        let first = scored_from.max(start + 1);
        let tokens = self.text.get(first..self.text.len().min(end + 1))?.to_vec();
        (!tokens.is_empty()).then_some(Targets { first: (first - start - 1) as u32, tokens, n_top })
    }

    /// `None` while the text is being fed.
    pub fn advance(&mut self, row: &Row, result: RowResult, limits: &Limits) -> Option<Advance> {
        self.position = row.position + row.tokens.len() as u32;
        let RowResult::Fed { drawn, target_scores } = result else {
            return Some(self.advanced(None, Outcome::NonFinite));
        };
        self.scores.extend(target_scores);
        if (self.position as usize) < self.text.len() {
            return None;
        }
        let scores = self.finished_scores();
        let outcome = drawn.map_or(Outcome::NoAnswer, |drawn| self.take(drawn, limits));
        Some(self.advanced(scores, outcome))
    }

    /// The scores of a text that is fed as of this step.
    fn finished_scores(&mut self) -> Option<Vec<(u32, Score)>> {
        let (scored_from, _) = self.scored().filter(|_| self.is_feeding())?;
        let scores = std::mem::take(&mut self.scores);
        Some(self.text[scored_from..].iter().copied().zip(scores).collect())
    }

    fn advanced(&self, scores: Option<Vec<(u32, Score)>>, outcome: Outcome) -> Advance {
        Advance { id: self.id, n_tokens: self.n_tokens, scores, outcome }
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
