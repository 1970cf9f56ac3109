//! Runs steps for the engine: checks copies and rows, lays them out, computes, draws and scores.

use std::any::Any;
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{
    AdapterIdx, Batch, Draw, Drawn, NTop, Row, RowResult, Runner, RunnerError, RunnerShape, Sampling, Score, SlotCopy,
    Steadiness, Targets,
};
use tch::{Tensor, no_grad_guard};

use crate::base::Base;
use crate::cache::Cache;
use crate::packed::{Grouping, Outputs, Packed, Work};
use crate::processor::Processor;
use crate::wanted::Wanted;
use crate::{sampler, scorer};

/// A model with room for its sequences, driven by one thread.
pub struct TorchRunner {
    base: Base,
    cache: Cache,
    /// One for each slot of the cache that holds sequences.
    slots: Vec<Slot>,
    steadiness: Steadiness,
}

/// What the positions cached in a slot are.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    adapter: AdapterIdx,
    n_filled: u32,
    /// Positions that have been written since the slot was last cleared, by this sequence or one before.
    n_touched: u32,
}

impl Runner for TorchRunner {
    fn shape(&self) -> RunnerShape {
        RunnerShape {
            n_slots: self.slots.len() as u32,
            n_positions: self.cache.n_positions() as u32,
            n_adapters: self.base.n_adapters(),
            vocabulary_size: self.base.vocabulary_size(),
            steadiness: self.steadiness,
        }
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<RowResult>, RunnerError> {
        batch.rows.iter().try_for_each(|row| self.check_asked(row))?;
        batch.copies.iter().try_for_each(|copy| self.copy(copy))?;
        if batch.rows.is_empty() {
            return Ok(Vec::new());
        }
        self.guarded(&batch.rows, |runner| match runner.steadiness {
            Steadiness::FixedBucket { n_rows } => runner.results_in_buckets(&batch.rows, n_rows as usize),
            Steadiness::Varying | Steadiness::Invariant => runner.results(&batch.rows, 0),
        })
    }

    fn reset(&mut self) {
        self.slots.fill(Slot::default());
        self.cache.clear_all();
    }
}

impl TorchRunner {
    pub(crate) fn new(base: Base, cache: Cache) -> TorchRunner {
        let slots = vec![Slot::default(); cache.n_slots() as usize];
        TorchRunner { steadiness: base.place.steadiness(), base, cache, slots }
    }

    /// The last slot of the cache is for the rows that fill the bucket.
    pub(crate) fn in_fixed_bucket(base: Base, cache: Cache, n_rows: NonZeroU32) -> TorchRunner {
        let slots = vec![Slot::default(); cache.n_slots() as usize - 1];
        TorchRunner { base, cache, slots, steadiness: Steadiness::FixedBucket { n_rows: n_rows.get() } }
    }

    /// What the runner was made from.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Feeds rows as a step does and returns logits instead of drawing: f32, on the model's device, `(B, V)` for the
    /// last token of each row or `(N, V)` for every token, in row order.
    pub fn logits(&mut self, rows: &[Row], outputs: Outputs) -> Result<Tensor, RunnerError> {
        self.guarded(rows, |runner| {
            let hidden = runner.forward(rows, &Wanted::plain(rows, outputs).outputs);
            runner.base.decoder.logits(&hidden)
        })
    }

    /// The results of rows that are computed together, with logits for at least `n_logits` rows.
    fn results(&mut self, rows: &[Row], n_logits: usize) -> Vec<RowResult> {
        let wanted = Wanted::of(rows);
        let hidden = self.forward(rows, &wanted.outputs);
        let (draws, targets) = wanted.split(&hidden);
        let mut drawn = self.drawn(&draws, rows, n_logits).into_iter();
        let mut scores = self.scores(&targets, rows).into_iter();
        rows.iter().map(|row| result(row, &mut drawn, &mut scores)).collect()
    }

    /// The same in products whose sizes never change: every prompt by itself, the others in full buckets.
    fn results_in_buckets(&mut self, rows: &[Row], n_rows: usize) -> Vec<RowResult> {
        let (answers, prompts): (Vec<usize>, Vec<usize>) =
            (0..rows.len()).partition(|idx| rows[*idx].tokens.len() == 1);
        let mut results = vec![RowResult::NonFinite; rows.len()];
        for idx in prompts {
            results[idx] = self.results(&rows[idx..=idx], 1).remove(0);
        }
        for bucket in answers.chunks(n_rows) {
            let own = bucket.iter().map(|idx| rows[*idx].clone());
            let filled: Vec<Row> = own.chain(std::iter::repeat_n(self.idle_row(), n_rows - bucket.len())).collect();
            for (idx, result) in bucket.iter().zip(self.results(&filled, n_rows)) {
                results[*idx] = result;
            }
        }
        results
    }

    /// Fills a bucket and asks for nothing.
    fn idle_row(&self) -> Row {
        let (slot, adapter) = (self.slots.len() as u32, AdapterIdx::default());
        Row { slot, adapter, position: 0, tokens: vec![0], draw: None, targets: None }
    }

    /// What each row that draws has drawn, from their hidden states `(n, C)`.
    fn drawn(&self, hidden: &Tensor, rows: &[Row], n_logits: usize) -> Vec<Option<Drawn>> {
        let draws: Vec<&Draw> = rows.iter().filter_map(|row| row.draw.as_ref()).collect();
        if draws.is_empty() {
            return Vec::new();
        }
        let n_more = n_logits.saturating_sub(draws.len()) as i64;
        let logits = self.base.decoder.logits(&hidden.constant_pad_nd([0, 0, 0, n_more]));
        let logits = logits.narrow(0, 0, draws.len() as i64);
        let asks: Vec<_> = draws.iter().map(|draw| (draw.sampling, draw.uniform)).collect();
        let tokens = sampler::draw(self.processor(), &sampler::adjusted(&logits, &draws), &asks);
        let drawn = tokens.into_iter().map(|token| token.map(|token| Drawn { token, score: None })).collect();
        self.scored(drawn, &logits, &draws)
    }

    /// Adds the scores of those draws that ask for one.
    fn scored(&self, mut drawn: Vec<Option<Drawn>>, logits: &Tensor, draws: &[&Draw]) -> Vec<Option<Drawn>> {
        let asked = |(row, draw): (usize, &&Draw)| Some((row, drawn[row].as_ref()?.token, draw.score?));
        let asked: Vec<_> = draws.iter().enumerate().filter_map(asked).collect();
        let n_at_once = if self.grouping() == Grouping::Single { 1 } else { asked.len().max(1) };
        for asked in asked.chunks(n_at_once) {
            let rows: Vec<i64> = asked.iter().map(|(row, ..)| *row as i64).collect();
            let logits = logits.index_select(0, &Tensor::from_slice(&rows).to_device(logits.device()));
            let questions: Vec<_> = asked.iter().map(|(_, token, n_top)| (*token, *n_top)).collect();
            for ((row, ..), score) in asked.iter().zip(scorer::score(self.processor(), &logits, &questions)) {
                drawn[*row] = drawn[*row].take().zip(score).map(|(drawn, score)| Drawn { score: Some(score), ..drawn });
            }
        }
        drawn
    }

    /// The scores of all rows' targets one after the other, from their hidden states `(n, C)`.
    fn scores(&self, hidden: &Tensor, rows: &[Row]) -> Vec<Option<Score>> {
        let n_at_once = (LOGITS_AT_ONCE / self.base.vocabulary_size() as usize).max(1);
        let chunks = rows.iter().filter_map(|row| row.targets.as_ref()).flat_map(|targets| {
            let tokens = targets.tokens.chunks(n_at_once);
            tokens.map(|tokens| tokens.iter().map(|token| (*token, targets.n_top)).collect::<Vec<_>>())
        });
        let mut start = 0;
        let score = |questions: Vec<scorer::Question>| {
            let n_questions = questions.len() as i64;
            let hidden = hidden.narrow(0, start, n_questions);
            start += n_questions;
            scorer::score(self.processor(), &self.base.decoder.logits(&hidden), &questions)
        };
        chunks.flat_map(score).collect()
    }

    fn processor(&self) -> Option<&Processor> {
        self.base.place.processor.as_ref()
    }

    fn grouping(&self) -> Grouping {
        match self.steadiness {
            Steadiness::FixedBucket { .. } => Grouping::Single,
            Steadiness::Varying | Steadiness::Invariant => Grouping::Neighbours,
        }
    }

    /// Makes a copy, once it has been checked.
    fn copy(&mut self, copy: &SlotCopy) -> Result<(), RunnerError> {
        self.check_copy(copy)?;
        let SlotCopy { from, to, n_positions } = *copy;
        let adapter = self.slots[from as usize].adapter;
        let compute = || {
            let _no_grad = no_grad_guard();
            if from != to {
                self.cache.copy(from.into(), to.into(), n_positions.into());
            }
            self.cache.clear(to.into(), n_positions.into()..self.slots[to as usize].n_touched.into());
        };
        // A panic leaves the slot half written, and the engine resets after it.
        catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| sentence(panic.as_ref(), &[]))?;
        self.slots[to as usize] = Slot { adapter, n_filled: n_positions, n_touched: n_positions };
        Ok(())
    }

    fn check_copy(&self, copy: &SlotCopy) -> Result<(), RunnerError> {
        let SlotCopy { from, to, n_positions } = *copy;
        let n_slots = self.slots.len();
        let refuse = |reason: String| Err(RunnerError(format!("cannot copy slot {from} to slot {to}: {reason}")));
        if from as usize >= n_slots || to as usize >= n_slots {
            return refuse(format!("there are {n_slots}"));
        }
        let n_filled = self.slots[from as usize].n_filled;
        if !(1..=n_filled).contains(&n_positions) {
            return refuse(format!("{n_positions} positions are asked for, and it holds {n_filled}"));
        }
        Ok(())
    }

    /// Checks the rows, then computes. A panic of the arithmetic fails the step and nothing else.
    fn guarded<T>(&mut self, rows: &[Row], compute: impl FnOnce(&mut TorchRunner) -> T) -> Result<T, RunnerError> {
        self.check(rows)?;
        self.release_from(rows);
        let _no_grad = no_grad_guard();
        // All a panic can leave half written is cached positions, and the slots do not count those yet.
        let computed =
            catch_unwind(AssertUnwindSafe(|| compute(self))).map_err(|panic| sentence(panic.as_ref(), rows))?;
        self.occupy(rows);
        Ok(computed)
    }

    /// The hidden states that logits are made of, `(outputs, C)`.
    fn forward(&mut self, rows: &[Row], outputs: &[i64]) -> Tensor {
        let work = Work { rows, outputs, grouping: self.grouping() };
        let packed = Packed::new(&work, &self.cache, &self.base.place);
        self.base.decoder.forward(&self.base.adapters, &packed, &mut self.cache)
    }

    /// The rows' slots count no position that this step is about to write, and hold nothing beyond.
    fn release_from(&mut self, rows: &[Row]) {
        for row in rows {
            let slot = &mut self.slots[row.slot as usize];
            self.cache.clear(row.slot.into(), row.position.into()..slot.n_touched.into());
            slot.n_filled = slot.n_filled.min(row.position);
            slot.n_touched = end(row);
        }
    }

    fn occupy(&mut self, rows: &[Row]) {
        for row in rows {
            let slot = &mut self.slots[row.slot as usize];
            (slot.adapter, slot.n_filled) = (row.adapter, end(row));
        }
    }

    fn check(&self, rows: &[Row]) -> Result<(), RunnerError> {
        let mut seen = HashSet::new();
        for row in rows {
            self.check_row(row)?;
            if !seen.insert(row.slot) {
                return refused(row, "stands twice in the batch".to_owned());
            }
        }
        Ok(())
    }

    fn check_row(&self, row: &Row) -> Result<(), RunnerError> {
        let shape = self.shape();
        if row.slot >= shape.n_slots {
            return refused(row, format!("does not exist: there are {}", shape.n_slots));
        }
        if row.adapter.0 > shape.n_adapters {
            return refused(row, format!("asks for adapter {} of {}", row.adapter.0, shape.n_adapters));
        }
        if row.tokens.is_empty() {
            return refused(row, "has no tokens".to_owned());
        }
        if row.position as usize + row.tokens.len() > shape.n_positions as usize {
            let (n_tokens, position) = (row.tokens.len(), row.position);
            return refused(row, format!("holds {} positions, not {n_tokens} from {position} on", shape.n_positions));
        }
        self.check_vocabulary(row, &row.tokens)?;
        self.check_history(row)
    }

    fn check_vocabulary(&self, row: &Row, tokens: &[u32]) -> Result<(), RunnerError> {
        let vocabulary_size = self.base.vocabulary_size();
        match tokens.iter().find(|token| **token >= vocabulary_size) {
            Some(token) => refused(row, format!("has token {token}, but the vocabulary ends at {vocabulary_size}")),
            None => Ok(()),
        }
    }

    /// A row that goes on must find its own sequence: never nothing, and never another variant's keys and values.
    fn check_history(&self, row: &Row) -> Result<(), RunnerError> {
        let slot = self.slots[row.slot as usize];
        if row.position > slot.n_filled {
            return refused(row, format!("goes on at position {}, but holds {}", row.position, slot.n_filled));
        }
        if row.position > 0 && row.adapter != slot.adapter {
            let (asked, held) = (row.adapter.0, slot.adapter.0);
            return refused(row, format!("goes on with adapter {asked}, but holds positions of adapter {held}"));
        }
        Ok(())
    }
}

impl TorchRunner {
    /// What is asked of the row's logits.
    fn check_asked(&self, row: &Row) -> Result<(), RunnerError> {
        if let Some(draw) = &row.draw {
            check_sampling(row, draw)?;
            self.check_adjustments(row, draw)?;
            check_n_top(row, draw.score.unwrap_or_default())?;
        }
        match &row.targets {
            Some(targets) => self.check_targets(row, targets),
            None => Ok(()),
        }
    }

    fn check_adjustments(&self, row: &Row, draw: &Draw) -> Result<(), RunnerError> {
        let is_legal = |(token, value): &&(u32, f32)| *token < self.base.vocabulary_size() && value.is_finite();
        match draw.adjustments.iter().find(|adjustment| !is_legal(adjustment)) {
            Some((token, value)) => refused(row, format!("adjusts token {token} by {value}")),
            None => Ok(()),
        }
    }

    fn check_targets(&self, row: &Row, targets: &Targets) -> Result<(), RunnerError> {
        check_n_top(row, targets.n_top)?;
        let (first, n_targets, n_tokens) = (targets.first as usize, targets.tokens.len(), row.tokens.len());
        if first + n_targets > n_tokens {
            return refused(row, format!("asks about {n_targets} tokens from {first} on and feeds {n_tokens}"));
        }
        self.check_vocabulary(row, &targets.tokens)
    }
}

fn check_sampling(row: &Row, draw: &Draw) -> Result<(), RunnerError> {
    if !(0.0..1.0).contains(&draw.uniform) {
        return refused(row, format!("draws with {}, which is not in [0, 1)", draw.uniform));
    }
    let Sampling::Random { temperature, top_p, top_k } = draw.sampling else { return Ok(()) };
    if !(temperature.is_finite() && temperature > 0.0) {
        return refused(row, format!("has temperature {temperature}, which is not above 0"));
    }
    if !(top_p > 0.0 && top_p <= 1.0) {
        return refused(row, format!("has top_p {top_p}, which is not in (0, 1]"));
    }
    if top_k == Some(0) {
        return refused(row, "has top_k 0, which keeps nothing".to_owned());
    }
    Ok(())
}

fn check_n_top(row: &Row, NTop(n): NTop) -> Result<(), RunnerError> {
    if n > NTop::MAX { refused(row, format!("asks for the {n} likeliest tokens, above {}", NTop::MAX)) } else { Ok(()) }
}

/// Takes from the draws and scores of all rows what is this row's.
fn result(
    row: &Row,
    drawn: &mut impl Iterator<Item = Option<Drawn>>,
    scores: &mut impl Iterator<Item = Option<Score>>,
) -> RowResult {
    let n_targets = row.targets.as_ref().map_or(0, |targets| targets.tokens.len());
    let drawn = row.draw.as_ref().map(|_| drawn.next().expect("every row that draws has drawn"));
    let target_scores: Vec<_> = scores.take(n_targets).collect();
    match (drawn, target_scores.into_iter().collect()) {
        (Some(None), _) | (_, None) => RowResult::NonFinite,
        (drawn, Some(target_scores)) => RowResult::Fed { drawn: drawn.flatten(), target_scores },
    }
}

/// Logits that are held at once while targets are scored: 32 MiB in f32.
const LOGITS_AT_ONCE: usize = 8 << 20;

/// Positions in the row's slot once it is fed.
fn end(row: &Row) -> u32 {
    row.position + row.tokens.len() as u32
}

fn refused(row: &Row, reason: String) -> Result<(), RunnerError> {
    Err(RunnerError(format!("slot {} {reason}", row.slot)))
}

/// What libtorch or a kernel said, without what follows its first line.
fn sentence(panic: &(dyn Any + Send), rows: &[Row]) -> RunnerError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("an unknown panic");
    let said = text.split_once("Torch(\"").map_or(text, |(_, said)| said);
    let said = said.split("\\n").next().unwrap_or(said).trim_end_matches("\")");
    let said = said.lines().next().unwrap_or(said);
    let n_tokens: usize = rows.iter().map(|row| row.tokens.len()).sum();
    RunnerError(format!("cannot compute a step of {} rows and {n_tokens} tokens: {said}", rows.len()))
}

#[cfg(test)]
mod tests;
