//! What an engine has done since it was started, for those who watch over it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::FinishReason;

/// A reading. Every number only ever grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub prompt_tokens_fed: u64,
    /// Copied from another sample of the same prompt instead of being fed.
    pub prompt_tokens_shared: u64,
    /// End-of-sequence tokens count.
    pub answer_tokens: u64,
    pub rows_per_step: Histogram,
    pub seconds_per_step: Histogram,
    /// From the request to the first token of its answer.
    pub seconds_to_first_token: Histogram,
    pub seconds_waiting_for_a_slot: Histogram,
    /// Answers that ended at an end-of-sequence token or a stop string.
    pub finished_at_stop: u64,
    /// Answers, and prompts that were only scored, that ended at `max_tokens`.
    pub finished_at_length: u64,
    pub finished_at_full_slot: u64,
    pub failed: u64,
    /// Given up because their readers had left.
    pub left: u64,
    pub failed_steps: u64,
}

/// How often a measure fell into each of its buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The largest measure of each bucket but the last, which has no bound.
    pub bounds: &'static [f64],
    /// One more than there are bounds.
    pub counts: Vec<u64>,
    /// Of all measures.
    pub sum: f64,
}

impl Histogram {
    /// How many measures there were.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Written by the engine's thread alone, read by anybody.
#[derive(Debug)]
pub struct Counters {
    pub prompt_tokens_fed: Counter,
    pub prompt_tokens_shared: Counter,
    pub answer_tokens: Counter,
    pub rows_per_step: Buckets,
    pub seconds_per_step: Buckets,
    pub seconds_to_first_token: Buckets,
    pub seconds_waiting_for_a_slot: Buckets,
    pub failed: Counter,
    pub left: Counter,
    pub failed_steps: Counter,
    finished_at_stop: Counter,
    finished_at_length: Counter,
    finished_at_full_slot: Counter,
}

const ROWS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const STEP_SECONDS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
const WAIT_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

impl Default for Counters {
    fn default() -> Self {
        Self {
            prompt_tokens_fed: Counter::default(),
            prompt_tokens_shared: Counter::default(),
            answer_tokens: Counter::default(),
            rows_per_step: Buckets::new(ROWS),
            seconds_per_step: Buckets::new(STEP_SECONDS),
            seconds_to_first_token: Buckets::new(WAIT_SECONDS),
            seconds_waiting_for_a_slot: Buckets::new(WAIT_SECONDS),
            failed: Counter::default(),
            left: Counter::default(),
            failed_steps: Counter::default(),
            finished_at_stop: Counter::default(),
            finished_at_length: Counter::default(),
            finished_at_full_slot: Counter::default(),
        }
    }
}

impl Counters {
    pub fn finished(&self, reason: FinishReason) {
        let counter = match reason {
            FinishReason::Stop => &self.finished_at_stop,
            FinishReason::Length => &self.finished_at_length,
            FinishReason::Full => &self.finished_at_full_slot,
        };
        counter.add(1);
    }

    pub fn read(&self) -> Counts {
        Counts {
            prompt_tokens_fed: self.prompt_tokens_fed.read(),
            prompt_tokens_shared: self.prompt_tokens_shared.read(),
            answer_tokens: self.answer_tokens.read(),
            rows_per_step: self.rows_per_step.read(),
            seconds_per_step: self.seconds_per_step.read(),
            seconds_to_first_token: self.seconds_to_first_token.read(),
            seconds_waiting_for_a_slot: self.seconds_waiting_for_a_slot.read(),
            finished_at_stop: self.finished_at_stop.read(),
            finished_at_length: self.finished_at_length.read(),
            finished_at_full_slot: self.finished_at_full_slot.read(),
            failed: self.failed.read(),
            left: self.left.read(),
            failed_steps: self.failed_steps.read(),
        }
    }
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub struct Buckets {
    bounds: &'static [f64],
    counts: Vec<AtomicU64>,
    /// In millionths: whole numbers can be added atomically.
    sum_millionths: AtomicU64,
}

impl Buckets {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum_millionths: AtomicU64::new(0) }
    }

    pub fn note(&self, measure: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < measure);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_millionths.fetch_add((measure * 1e6).round() as u64, Ordering::Relaxed);
    }

    pub fn note_time(&self, time: Duration) {
        self.note(time.as_secs_f64());
    }

    fn read(&self) -> Histogram {
        Histogram {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum_millionths.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests;
