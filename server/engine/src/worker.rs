//! The thread that owns the runner: takes commands in, steps, and tells every reader what came of it.
//!
//! No reader can hold it up: each has a queue with room for a whole answer, and one who has left is noticed before the
//! next step, whether the answer was waiting, being fed or half told. No panic ends it, except in the runner's reset.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::counts::Counters;
use crate::desk::Desk;
use crate::guard;
use crate::scheduler::{Advance, Limits, Outcome, Scheduler, SequenceId};
use crate::transcript::{Settled, Transcript, spelled};
use crate::{Batch, Event, FinishReason, Language, Request, RowResult, Runner, RunnerError, Score};

/// Everything that can be asked of the thread.
pub enum Command {
    Generate(Box<Order>),
}

/// A request together with whom to tell.
pub struct Order {
    pub request: Request,
    /// Has room for every event of the answer.
    pub events: mpsc::Sender<Event>,
    pub place: OwnedSemaphorePermit,
    pub asked_at: Instant,
}

/// What the thread shares with the handles.
pub struct Office {
    pub language: Arc<Language>,
    pub desk: Arc<Desk>,
    pub counters: Arc<Counters>,
}

pub fn spawn(runner: impl Runner, office: Office, inbox: mpsc::Receiver<Command>) {
    let limits = Limits {
        shape: runner.shape(),
        end_tokens: office.language.end_tokens().to_vec(),
        prompt_tokens_per_step: PROMPT_TOKENS_PER_STEP,
    };
    let scheduler = Scheduler::new(limits.clone());
    let worker = Worker { runner, office, inbox, limits, scheduler, readers: HashMap::new(), next_id: 0 };
    let thread = std::thread::Builder::new().name("engine".into());
    thread.spawn(|| worker.run()).expect("the system has room for a thread per model");
}

/// Long enough to keep the arithmetic busy, short enough that running streams do not stutter.
const PROMPT_TOKENS_PER_STEP: u32 = 512;

/// Should it die, its inbox is dropped before its readers are, so who hears of the end finds the engine closed. The runner is
/// dropped first of all, and the desk after it, so who finds the desk gone finds the runner's memory free.
struct Worker<R> {
    runner: R,
    office: Office,
    inbox: mpsc::Receiver<Command>,
    limits: Limits,
    scheduler: Scheduler,
    /// One for each sequence of the scheduler.
    readers: HashMap<SequenceId, Reader>,
    next_id: u64,
}

struct Reader {
    events: mpsc::Sender<Event>,
    transcript: Transcript,
    /// Held while the sequence waits for a slot.
    place: Option<OwnedSemaphorePermit>,
    asked_at: Instant,
}

impl<R: Runner> Worker<R> {
    fn run(mut self) {
        while let Err(panic) = guard::caught(|| self.work()) {
            self.start_again(&panic);
        }
    }

    /// Until every handle is gone and every answer told.
    fn work(&mut self) {
        while self.take_commands() {
            self.forget_who_left();
            self.admit();
            self.step();
        }
    }

    /// Sleeps while there is nothing to do. False once there never will be, because every handle is gone.
    fn take_commands(&mut self) -> bool {
        if self.scheduler.is_idle() {
            match self.inbox.blocking_recv() {
                Some(command) => self.obey(command),
                None => return false,
            }
        }
        while let Ok(command) = self.inbox.try_recv() {
            self.obey(command);
        }
        true
    }

    fn obey(&mut self, command: Command) {
        let Command::Generate(order) = command;
        let Order { request, events, place, asked_at } = *order;
        let id = SequenceId(self.next_id);
        self.next_id += 1;
        let transcript = Transcript::new(request.stop.clone());
        self.readers.insert(id, Reader { events, transcript, place: Some(place), asked_at });
        self.scheduler.add(id, request);
    }

    fn forget_who_left(&mut self) {
        let scheduler = &mut self.scheduler;
        let left = self.readers.extract_if(|_, reader| reader.events.is_closed());
        let n_left = left.map(|(id, _)| scheduler.cancel(id)).count();
        self.office.counters.left.add(n_left as u64);
        self.publish_load();
    }

    fn admit(&mut self) {
        for id in self.scheduler.admit() {
            let reader = self.readers.get_mut(&id).expect("every sequence has its reader");
            reader.place = None;
            self.office.counters.seconds_waiting_for_a_slot.note_time(reader.asked_at.elapsed());
        }
        self.publish_load();
    }

    fn step(&mut self) {
        let batch = self.scheduler.next_batch();
        if batch.rows.is_empty() {
            return; // Everyone has left.
        }
        let begun = Instant::now();
        match step_guarded(&mut self.runner, &batch) {
            Ok(results) => {
                self.count(&batch, begun);
                for advance in self.scheduler.advance(&batch, results) {
                    self.tell(advance);
                }
            }
            Err(err) => self.give_up(&batch, &err),
        }
    }

    fn count(&self, batch: &Batch, begun: Instant) {
        let counters = &self.office.counters;
        counters.seconds_per_step.note_time(begun.elapsed());
        counters.rows_per_step.note(batch.rows.len() as f64);
        counters.prompt_tokens_fed.add(self.scheduler.n_prompt_tokens(batch) as u64);
        counters.prompt_tokens_shared.add(batch.copies.iter().map(|copy| u64::from(copy.n_positions)).sum());
    }

    /// Fails the rows of this batch and makes the runner ready for others.
    fn give_up(&mut self, batch: &Batch, err: &RunnerError) {
        tracing::error!(batch.n_rows = batch.rows.len(), error = %err, "a step of the model failed");
        self.office.counters.failed_steps.add(1);
        self.runner.reset();
        for id in self.scheduler.fail(batch) {
            self.fail(id, err.to_string());
        }
    }

    fn tell(&mut self, advance: Advance) {
        let Advance { id, n_tokens, scores, outcome } = advance;
        if let Some(scores) = scores {
            self.tell_read(id, scores);
        }
        match outcome {
            Outcome::Token { token, score, end } => {
                self.count_token(id, n_tokens);
                let tokenizer = self.office.language.tokenizer();
                let settled = reader(&mut self.readers, id).transcript.take(token, score, end, tokenizer);
                self.tell_text(id, n_tokens, settled.map_err(|err| err.to_string()));
            }
            Outcome::EndToken => {
                self.count_token(id, n_tokens);
                let tokenizer = self.office.language.tokenizer();
                let settled = reader(&mut self.readers, id).transcript.finish(FinishReason::Stop, tokenizer);
                self.tell_text(id, n_tokens, settled.map_err(|err| err.to_string()));
            }
            Outcome::NoAnswer => self.finish(id, FinishReason::Length, n_tokens),
            Outcome::NonFinite => self.fail(id, format!("non-finite logits at token {}", n_tokens + 1)),
        }
    }

    fn tell_read(&mut self, id: SequenceId, scores: Vec<(u32, Score)>) {
        let tokenizer = self.office.language.tokenizer();
        let scores = scores.into_iter().map(|(token, score)| spelled(token, score, tokenizer));
        reader(&mut self.readers, id).send(Event::Read(scores.collect()));
    }

    fn count_token(&mut self, id: SequenceId, n_tokens: u32) {
        let counters = &self.office.counters;
        counters.answer_tokens.add(1);
        if n_tokens == 1 {
            counters.seconds_to_first_token.note_time(reader(&mut self.readers, id).asked_at.elapsed());
        }
    }

    fn tell_text(&mut self, id: SequenceId, n_tokens: u32, settled: Result<Settled, String>) {
        let Settled { text, scores, end } = match settled {
            Ok(settled) => settled,
            Err(reason) => return self.fail(id, reason),
        };
        if !text.is_empty() || !scores.is_empty() {
            reader(&mut self.readers, id).send(Event::Piece { text, n_tokens, scores });
        }
        if let Some(reason) = end {
            self.finish(id, reason, n_tokens);
        }
    }

    fn finish(&mut self, id: SequenceId, reason: FinishReason, n_tokens: u32) {
        self.office.counters.finished(reason);
        self.end(id, Event::Finished { reason, n_tokens });
    }

    fn fail(&mut self, id: SequenceId, reason: String) {
        self.office.counters.failed.add(1);
        self.end(id, Event::Failed(reason));
    }

    /// The load is published first, so that who has read the end of an answer finds its slot free.
    fn end(&mut self, id: SequenceId, event: Event) {
        self.scheduler.cancel(id);
        self.publish_load();
        let reader = self.readers.remove(&id).expect("every sequence has its reader");
        reader.send(event);
    }

    fn publish_load(&self) {
        self.office.desk.set_running(self.scheduler.n_running());
    }

    /// After a panic nobody knows how far the bookkeeping got, so all of it begins anew.
    fn start_again(&mut self, panic: &str) {
        tracing::error!(n_answers = self.readers.len(), "the engine panicked and starts again: {panic}");
        self.runner.reset();
        self.scheduler = Scheduler::new(self.limits.clone());
        self.publish_load();
        self.office.counters.failed.add(self.readers.len() as u64);
        for (_, mut reader) in self.readers.drain() {
            reader.place = None;
            reader.send(Event::Failed("the engine failed and has started again; ask once more".into()));
        }
    }
}

fn reader(readers: &mut HashMap<SequenceId, Reader>, id: SequenceId) -> &mut Reader {
    readers.get_mut(&id).expect("every sequence has its reader")
}

impl Reader {
    /// A reader who has left is found out before the next step, so nothing is done about it here.
    fn send(&self, event: Event) {
        let sent = self.events.try_send(event);
        debug_assert!(!matches!(sent, Err(mpsc::error::TrySendError::Full(_))), "the queue holds a whole answer");
    }
}

/// A step whose panic is a failed step, like any other.
fn step_guarded(runner: &mut impl Runner, batch: &Batch) -> Result<Vec<RowResult>, RunnerError> {
    // Whatever the panic left half done in the runner is swept away by the reset that follows.
    let step = guard::caught(|| runner.step(batch));
    let results = step.unwrap_or_else(|panic| Err(RunnerError(format!("the step panicked: {panic}"))))?;
    if results.len() != batch.rows.len() {
        let message = format!("the step has {} results for {} rows", results.len(), batch.rows.len());
        return Err(RunnerError(message));
    }
    match batch.rows.iter().zip(&results).find(|(row, result)| !row.is_answered_by(result)) {
        Some((row, _)) => Err(RunnerError(format!("the step did not do what was asked for slot {}", row.slot))),
        None => Ok(results),
    }
}

#[cfg(test)]
mod tests;
