//! Decides the next batch: who gets a slot, whose tokens are fed, whose answer has ended.
//!
//! Pure: no tensors, no clock and no thread. Whoever comes first is served first.

use std::collections::VecDeque;

use crate::draws::uniform;
use crate::{Batch, Drawn, FinishReason, Request, Row, RunnerShape};

/// In the order of arrival, so that a smaller one came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    waiting: VecDeque<Sequence>,
    /// Indexed by slot. A slot is busy exactly while a sequence stands in it.
    slots: Vec<Option<Sequence>>,
}

/// What bounds a batch and an answer.
#[derive(Clone, Debug)]
pub struct Limits {
    pub shape: RunnerShape,
    pub end_tokens: Vec<u32>,
    /// Prompt tokens fed in one step over all rows, at least 1, so that a long prompt does not stall the others.
    pub prompt_tokens_per_step: u32,
}

/// What a step meant for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    pub id: SequenceId,
    /// Tokens of the answer so far, the one of this step among them.
    pub n_tokens: u32,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token of the text; the last one where there is an end.
    Token { token: u32, end: Option<FinishReason> },
    /// An end-of-sequence token, which is no part of the text.
    EndToken,
    /// Nothing could be drawn.
    NonFinite,
}

impl Outcome {
    /// Whether the sequence has left its slot.
    fn is_last(self) -> bool {
        !matches!(self, Self::Token { end: None, .. })
    }
}

impl Scheduler {
    pub fn new(limits: Limits) -> Self {
        let slots = (0..limits.shape.n_slots).map(|_| None).collect();
        Self { limits, waiting: VecDeque::new(), slots }
    }

    /// Puts a sequence at the end of the queue. Ids must grow; the prompt must fit into a slot.
    pub fn add(&mut self, id: SequenceId, request: Request) {
        self.waiting.push_back(Sequence { id, request, position: 0, drawn_last: None, n_tokens: 0 });
    }

    /// Gives the free slots to those who wait longest, and says who they are.
    pub fn admit(&mut self) -> Vec<SequenceId> {
        let free = self.slots.iter_mut().filter(|slot| slot.is_none());
        let admitted = free.zip(std::iter::from_fn(|| self.waiting.pop_front()));
        admitted.map(|(slot, sequence)| slot.insert(sequence).id).collect()
    }

    /// The next step for everyone who holds a slot.
    pub fn next_batch(&self) -> Batch {
        let mut sequences: Vec<_> = self.slots_taken().collect();
        sequences.sort_by_key(|(_, sequence)| sequence.id);
        let mut prompt_budget = self.limits.prompt_tokens_per_step;
        let rows = sequences.into_iter().filter_map(|(slot, sequence)| sequence.row(slot, &mut prompt_budget));
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by_key(|row| row.adapter); // Stable, so that arrival decides within an adapter.
        Batch { rows }
    }

    /// Takes in what a batch drew, one per row. Sequences that have ended have left their slots.
    pub fn advance(&mut self, batch: &Batch, drawn: &[Drawn]) -> Vec<Advance> {
        assert_eq!(batch.rows.len(), drawn.len(), "one token is drawn per row");
        let mut advances = Vec::with_capacity(drawn.len());
        for (row, &drawn) in batch.rows.iter().zip(drawn) {
            let slot = &mut self.slots[row.slot as usize];
            let sequence = slot.as_mut().expect("a row's sequence keeps its slot during the step");
            if let Some(advance) = sequence.advance(row, drawn, &self.limits) {
                advances.push(advance);
                slot.take_if(|_| advance.outcome.is_last());
            }
        }
        advances
    }

    /// Gives up the sequences of a batch that failed, and says who they were. The runner has forgotten the others too,
    /// so these, who were still waiting to be fed, start again.
    pub fn fail(&mut self, batch: &Batch) -> Vec<SequenceId> {
        let failed = batch.rows.iter().filter_map(|row| self.slots[row.slot as usize].take());
        let failed = failed.map(|sequence| sequence.id).collect();
        for sequence in self.slots.iter_mut().flatten() {
            sequence.position = 0;
        }
        failed
    }

    /// Forgets a sequence, wherever it stands, and frees its slot.
    pub fn cancel(&mut self, id: SequenceId) {
        self.waiting.retain(|sequence| sequence.id != id);
        for slot in &mut self.slots {
            slot.take_if(|sequence| sequence.id == id);
        }
    }

    pub fn n_running(&self) -> u32 {
        self.slots_taken().count() as u32
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.slots_taken().next().is_none()
    }

    fn slots_taken(&self) -> impl Iterator<Item = (u32, &Sequence)> {
        (0..).zip(&self.slots).filter_map(|(slot, sequence)| Some((slot, sequence.as_ref()?)))
    }
}

#[derive(Debug)]
struct Sequence {
    id: SequenceId,
    request: Request,
    /// Tokens that are in the cache.
    position: u32,
    /// Goes into the cache next, once all of the prompt is there.
    drawn_last: Option<u32>,
    n_tokens: u32,
}

impl Sequence {
    /// This sequence's part of the next step, unless it has to wait because others have used up the budget.
    fn row(&self, slot: u32, prompt_budget: &mut u32) -> Option<Row> {
        let tokens = match self.drawn_last {
            Some(token) => vec![token],
            None => self.next_of_prompt(prompt_budget)?,
        };
        Some(Row {
            slot,
            adapter: self.request.adapter,
            position: self.position,
            tokens,
            sampling: self.request.sampling,
            draw: uniform(self.request.seed, self.n_tokens),
        })
    }

    fn next_of_prompt(&self, budget: &mut u32) -> Option<Vec<u32>> {
        let rest = &self.request.prompt[self.position as usize..];
        let n_fed = rest.len().min(*budget as usize);
        *budget -= n_fed as u32;
        (n_fed > 0).then(|| rest[..n_fed].to_vec())
    }

    /// `None` while the prompt is being fed: what is drawn in the middle of it means nothing.
    fn advance(&mut self, row: &Row, drawn: Drawn, limits: &Limits) -> Option<Advance> {
        self.position += row.tokens.len() as u32;
        let is_fed = self.position as usize >= self.request.prompt.len();
        let outcome = match drawn {
            Drawn::Token(_) if !is_fed => return None,
            Drawn::Token(token) => self.take(token, limits),
            Drawn::NonFinite => Outcome::NonFinite,
        };
        Some(Advance { id: self.id, n_tokens: self.n_tokens, outcome })
    }

    fn take(&mut self, token: u32, limits: &Limits) -> Outcome {
        self.drawn_last = Some(token);
        self.n_tokens += 1;
        if limits.end_tokens.contains(&token) {
            return Outcome::EndToken;
        }
        Outcome::Token { token, end: self.end(limits) }
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

#[cfg(test)]
mod tests;
