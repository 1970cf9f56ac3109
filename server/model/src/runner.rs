//! Runs steps for the engine: checks the rows, lays them out, computes, draws.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{AdapterIdx, Batch, Drawn, Row, Runner, RunnerError, RunnerShape, Sampling};
use tch::{Tensor, no_grad_guard};

use crate::base::Base;
use crate::cache::Cache;
use crate::packed::{Outputs, Packed};
use crate::sampler;

/// A model with room for its sequences, driven by one thread.
pub struct TorchRunner {
    base: Base,
    cache: Cache,
    /// One for each slot of the cache.
    slots: Vec<Slot>,
}

/// What the positions cached in a slot are.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    adapter: AdapterIdx,
    n_filled: u32,
}

impl Runner for TorchRunner {
    fn shape(&self) -> RunnerShape {
        RunnerShape {
            n_slots: self.slots.len() as u32,
            n_positions: self.cache.n_positions() as u32,
            n_adapters: self.base.n_adapters(),
        }
    }

    fn step(&mut self, batch: &Batch) -> Result<Vec<Drawn>, RunnerError> {
        if batch.rows.is_empty() {
            return Ok(Vec::new());
        }
        batch.rows.iter().try_for_each(check_sampling)?;
        self.guarded(&batch.rows, |runner| {
            let logits = runner.forward(&batch.rows, Outputs::Last);
            let asks: Vec<_> = batch.rows.iter().map(|row| (row.sampling, row.draw)).collect();
            sampler::draw(&logits, &asks)
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
        TorchRunner { base, cache, slots }
    }

    /// What the runner was made from.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Feeds rows as a step does and returns logits instead of drawing: f32, on the model's device, `(B, V)` for the
    /// last token of each row or `(N, V)` for every token, in row order.
    pub fn logits(&mut self, rows: &[Row], outputs: Outputs) -> Result<Tensor, RunnerError> {
        self.guarded(rows, |runner| runner.forward(rows, outputs))
    }

    /// Checks the rows, then computes. A panic of libtorch fails the step and nothing else.
    fn guarded<T>(&mut self, rows: &[Row], compute: impl FnOnce(&mut TorchRunner) -> T) -> Result<T, RunnerError> {
        self.check(rows)?;
        self.release_from(rows);
        // All a panic can leave half written is cached positions, and the slots do not count those yet.
        let computed =
            catch_unwind(AssertUnwindSafe(|| compute(self))).map_err(|panic| sentence(panic.as_ref(), rows))?;
        self.occupy(rows);
        Ok(computed)
    }

    fn forward(&mut self, rows: &[Row], outputs: Outputs) -> Tensor {
        let _no_grad = no_grad_guard();
        for row in rows.iter().filter(|row| row.position == 0) {
            self.cache.clear(row.slot.into());
        }
        let packed = Packed::new(rows, outputs, &self.cache, self.base.place);
        self.base.decoder.forward(&self.base.adapters, &packed, &mut self.cache)
    }

    /// The rows' slots count no position that this step is about to write.
    fn release_from(&mut self, rows: &[Row]) {
        for row in rows {
            let slot = &mut self.slots[row.slot as usize];
            slot.n_filled = slot.n_filled.min(row.position);
        }
    }

    fn occupy(&mut self, rows: &[Row]) {
        for row in rows {
            let n_filled = row.position + row.tokens.len() as u32;
            self.slots[row.slot as usize] = Slot { adapter: row.adapter, n_filled };
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
        self.check_tokens(row)?;
        self.check_history(row)
    }

    fn check_tokens(&self, row: &Row) -> Result<(), RunnerError> {
        let vocabulary_size = self.base.vocabulary_size();
        match row.tokens.iter().find(|token| **token >= vocabulary_size) {
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

fn check_sampling(row: &Row) -> Result<(), RunnerError> {
    if !(0.0..1.0).contains(&row.draw) {
        return refused(row, format!("draws with {}, which is not in [0, 1)", row.draw));
    }
    let Sampling::Random { temperature, top_p, top_k } = row.sampling else { return Ok(()) };
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

fn refused(row: &Row, reason: String) -> Result<(), RunnerError> {
    Err(RunnerError(format!("slot {} {reason}", row.slot)))
}

/// What libtorch said, without the backtrace that follows it.
fn sentence(panic: &(dyn Any + Send), rows: &[Row]) -> RunnerError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("an unknown panic");
    let said = text.split_once("Torch(\"").map_or(text, |(_, said)| said);
    let said = said.split("\\n").next().unwrap_or(said).trim_end_matches("\")");
    let n_tokens: usize = rows.iter().map(|row| row.tokens.len()).sum();
    RunnerError(format!("cannot compute a step of {} rows and {n_tokens} tokens: {said}", rows.len()))
}

#[cfg(test)]
mod tests;
