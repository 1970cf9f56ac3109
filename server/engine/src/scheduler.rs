//! Decides the next batch: who gets a slot, whose tokens are fed, whose answer has ended.
//!
//! Pure: no tensors, no clock and no thread. Interactive requests go before bulk ones; among equals, whoever comes first
//! is served first. Samples of one prompt have it fed once: who finds it in another slot copies it from there.

use std::sync::Arc;

use crate::queue::Queue;
use crate::sequence::{Chunks, Sequence};
use crate::{
    AdapterIdx, Batch, FinishReason, Priority, Request, Row, RowResult, RunnerShape, Score, SlotCopy, Steadiness,
};

/// In the order of arrival, so that a smaller one came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    waiting: Queue,
    slots: Vec<Slot>,
}

/// What bounds a batch and an answer.
#[derive(Clone, Debug)]
pub struct Limits {
    pub shape: RunnerShape,
    pub end_tokens: Vec<u32>,
    /// Prompt tokens fed in one step over all rows, at least 1, so that a long prompt does not stall the others.
    pub prompt_tokens_per_step: u32,
}

/// A slot is busy exactly while a sequence stands in it.
#[derive(Debug, Default)]
struct Slot {
    sequence: Option<Sequence>,
    /// Outlives the sequence, for the other samples of its prompt.
    held: Option<HeldPrompt>,
}

/// The beginning of a prompt that is cached in a slot.
#[derive(Clone, Debug)]
struct HeldPrompt {
    prompt: Arc<[u32]>,
    adapter: AdapterIdx,
    n_cached: u32,
}

/// What a step meant for one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Advance {
    pub id: SequenceId,
    /// Tokens of the answer so far, the one of this step among them.
    pub n_tokens: u32,
    /// The tokens that were to be scored, once all of the text is fed.
    pub scores: Option<Vec<(u32, Score)>>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A token of the text; the last one where there is an end.
    Token { token: u32, score: Option<Score>, end: Option<FinishReason> },
    /// An end-of-sequence token, which is no part of the text.
    EndToken,
    /// The text is fed, and no answer was asked for.
    NoAnswer,
    /// Nothing could be drawn.
    NonFinite,
}

impl Outcome {
    /// Whether the sequence has left its slot.
    fn is_last(&self) -> bool {
        !matches!(self, Self::Token { end: None, .. })
    }
}

impl Limits {
    /// Slots that bulk requests may hold at once: three quarters, so that nobody who is watching has to wait until a
    /// whole bulk answer ends. Of few slots one is kept back; only a single slot is for everyone.
    fn n_bulk_slots(&self) -> usize {
        let n_slots = self.shape.n_slots as usize;
        n_slots - (n_slots / 4).max(1).min(n_slots.saturating_sub(1))
    }

    pub fn chunks(&self) -> Chunks {
        match self.shape.steadiness {
            Steadiness::FixedBucket { .. } => Chunks::Fixed { n_tokens: self.prompt_tokens_per_step },
            Steadiness::Varying | Steadiness::Invariant => Chunks::AsFits,
        }
    }
}

impl Scheduler {
    pub fn new(limits: Limits) -> Self {
        let slots = (0..limits.shape.n_slots).map(|_| Slot::default()).collect();
        Self { limits, waiting: Queue::default(), slots }
    }

    /// Puts a sequence at the end of its queue. Ids must grow; prompt and what is given must fit into a slot.
    pub fn add(&mut self, id: SequenceId, request: Request) {
        self.waiting.push(Sequence::new(id, request));
    }

    /// Gives the free slots to those who wait longest, and says who they are.
    pub fn admit(&mut self) -> Vec<SequenceId> {
        std::iter::from_fn(|| self.admit_one()).collect()
    }

    fn admit_one(&mut self) -> Option<SequenceId> {
        let may_run = |priority| priority == Priority::Interactive || self.n_bulk() < self.limits.n_bulk_slots();
        let request = &self.waiting.next(may_run)?.request;
        let slot = self.best_free_slot(request)?;
        let sequence = self.waiting.pop(request.priority)?;
        let slot = &mut self.slots[slot];
        // What another sequence is about to overwrite can no longer be copied.
        slot.held.take_if(|held| !held.is_of(&sequence));
        Some(slot.sequence.insert(sequence).id)
    }

    fn n_bulk(&self) -> usize {
        self.running().filter(|(_, sequence)| sequence.request.priority == Priority::Bulk).count()
    }

    /// One that holds this very prompt; else one whose prompt nobody is waiting for; else any.
    fn best_free_slot(&self, request: &Request) -> Option<usize> {
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.sequence.is_none());
        let best = free.min_by_key(|(_, slot)| match &slot.held {
            Some(held) if held.is_for(request) => 0,
            Some(held) if self.is_wanted(held) => 2,
            _ => 1,
        });
        best.map(|(idx, _)| idx)
    }

    fn is_wanted(&self, held: &HeldPrompt) -> bool {
        let not_begun = self.running().map(|(_, sequence)| sequence).filter(|sequence| sequence.position == 0);
        self.waiting.iter().chain(not_begun).any(|sequence| sequence.may_share() && held.is_of(sequence))
    }

    /// The next step for everyone who holds a slot.
    pub fn next_batch(&self) -> Batch {
        let mut running: Vec<_> = self.running().collect();
        running.sort_by_key(|(_, sequence)| sequence.rank());
        let mut prompt_budget = self.limits.prompt_tokens_per_step;
        let mut batch = Batch::default();
        for (slot, sequence) in running {
            let Some((position, copy)) = self.beginning(slot, sequence) else { continue };
            let row = sequence.row(slot, position, self.limits.chunks(), &mut prompt_budget);
            // Nothing is copied for a sequence that has to wait because others have used up the budget.
            batch.copies.extend(copy.filter(|_| row.is_some()));
            batch.rows.extend(row);
        }
        batch.rows.sort_by_key(|row| row.adapter); // Stable, so that rank decides within an adapter.
        batch
    }

    /// Where a sequence goes on, and what has to be copied first; `None` while another is feeding the same prompt.
    fn beginning(&self, slot: u32, sequence: &Sequence) -> Option<(u32, Option<SlotCopy>)> {
        if sequence.position > 0 || !sequence.may_share() {
            return Some((sequence.position, None));
        }
        let n_wanted = sequence.n_shareable();
        let (from, n_positions) = self.best_holder(slot, sequence);
        if n_positions < n_wanted && self.is_being_fed(slot, sequence) {
            return None;
        }
        let copy = (n_positions > 0).then_some(SlotCopy { from, to: slot, n_positions });
        Some((n_positions, copy))
    }

    /// The slot that holds most of the sequence's prompt, preferably its own, and how much of it can be used.
    fn best_holder(&self, slot: u32, sequence: &Sequence) -> (u32, u32) {
        let holders = (0..).zip(&self.slots).filter_map(|(idx, holder)| {
            let held = holder.held.as_ref().filter(|held| held.is_of(sequence))?;
            Some((idx, held.n_cached.min(sequence.n_shareable())))
        });
        holders.max_by_key(|&(idx, n_cached)| (n_cached, idx == slot)).unwrap_or((slot, 0))
    }

    /// Whether a sequence that is no less urgent is feeding the same prompt, or is about to.
    fn is_being_fed(&self, slot: u32, sequence: &Sequence) -> bool {
        let is_ahead = |other: &Sequence| other.position > 0 || other.rank() < sequence.rank();
        self.running().any(|(other_slot, other)| {
            other_slot != slot
                && other.is_sample_of(&sequence.request)
                && other.is_feeding()
                && other.request.priority <= sequence.request.priority
                && is_ahead(other)
        })
    }

    /// Takes in what became of a batch's rows. Sequences that have ended have left their slots.
    pub fn advance(&mut self, batch: &Batch, results: Vec<RowResult>) -> Vec<Advance> {
        assert_eq!(batch.rows.len(), results.len(), "every row has a result");
        let rows = batch.rows.iter().zip(results);
        rows.filter_map(|(row, result)| self.slots[row.slot as usize].advance(row, result, &self.limits)).collect()
    }

    /// Gives up the sequences of a batch that failed, and says who they were. The runner has forgotten the others too,
    /// so these, who were still waiting to be fed, start again.
    pub fn fail(&mut self, batch: &Batch) -> Vec<SequenceId> {
        let failed = batch.rows.iter().filter_map(|row| self.slots[row.slot as usize].sequence.take());
        let failed = failed.map(|sequence| sequence.id).collect();
        for slot in &mut self.slots {
            slot.held = None;
            slot.sequence.iter_mut().for_each(Sequence::restart);
        }
        failed
    }

    /// Forgets a sequence, wherever it stands, and frees its slot.
    pub fn cancel(&mut self, id: SequenceId) {
        self.waiting.remove(id);
        for slot in &mut self.slots {
            slot.sequence.take_if(|sequence| sequence.id == id);
        }
    }

    pub fn n_running(&self) -> u32 {
        self.running().count() as u32
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running().next().is_none()
    }

    /// How many of a batch's tokens are of prompts, or given behind them.
    pub fn n_prompt_tokens(&self, batch: &Batch) -> usize {
        let of_prompt = |row: &&Row| {
            let sequence = self.slots[row.slot as usize].sequence.as_ref();
            sequence.is_some_and(Sequence::is_feeding)
        };
        batch.rows.iter().filter(of_prompt).map(|row| row.tokens.len()).sum()
    }

    fn running(&self) -> impl Iterator<Item = (u32, &Sequence)> {
        (0..).zip(&self.slots).filter_map(|(idx, slot)| Some((idx, slot.sequence.as_ref()?)))
    }
}

impl Slot {
    fn advance(&mut self, row: &Row, result: RowResult, limits: &Limits) -> Option<Advance> {
        let sequence = self.sequence.as_mut().expect("a row's sequence keeps its slot during the step");
        let advance = sequence.advance(row, result, limits);
        self.held = Some(HeldPrompt::of(sequence));
        if let Some(advance) = &advance {
            self.sequence.take_if(|_| advance.outcome.is_last());
            // Where the numbers went wrong, nobody builds on them.
            self.held.take_if(|_| advance.outcome == Outcome::NonFinite);
        }
        advance
    }
}

impl HeldPrompt {
    fn of(sequence: &Sequence) -> Self {
        let Request { prompt, adapter, .. } = &sequence.request;
        Self { prompt: prompt.clone(), adapter: *adapter, n_cached: sequence.position.min(prompt.len() as u32) }
    }

    fn is_of(&self, sequence: &Sequence) -> bool {
        self.is_for(&sequence.request)
    }

    fn is_for(&self, request: &Request) -> bool {
        self.adapter == request.adapter && Arc::ptr_eq(&self.prompt, &request.prompt)
    }
}

#[cfg(test)]
mod tests;
