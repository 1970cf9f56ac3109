//! The thread that owns the runner: takes commands in, steps, and tells every reader what came of it.
//!
//! No reader can hold it up: each has a queue with room for a whole answer, and one who has left is noticed before the
//! next step, whether the answer was waiting, being fed or half told.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::guard;
use crate::scheduler::{Advance, Limits, Outcome, Scheduler, SequenceId};
use crate::transcript::Transcript;
use crate::{Batch, Drawn, Event, FinishReason, Language, Load, Request, Runner, RunnerError};

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
}

/// Where handles and thread see how much there is to do.
pub struct Desk {
    n_places: usize,
    /// A place in the queue is held from the request until a slot is free, or until the reader has left.
    places: Arc<Semaphore>,
    n_running: AtomicU32,
}

impl Desk {
    pub fn new(n_places: usize) -> Self {
        Self { n_places, places: Arc::new(Semaphore::new(n_places)), n_running: AtomicU32::new(0) }
    }

    pub fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    pub fn load(&self) -> Load {
        let n_waiting = (self.n_places - self.places.available_permits()) as u32;
        Load { n_running: self.n_running.load(Ordering::Relaxed), n_waiting }
    }
}

pub fn spawn(runner: impl Runner, language: Arc<Language>, desk: Arc<Desk>, inbox: mpsc::Receiver<Command>) {
    let limits = Limits {
        shape: runner.shape(),
        end_tokens: language.end_tokens().to_vec(),
        prompt_tokens_per_step: PROMPT_TOKENS_PER_STEP,
    };
    let scheduler = Scheduler::new(limits);
    let worker = Worker { runner, language, desk, inbox, scheduler, readers: HashMap::new(), next_id: 0 };
    let thread = std::thread::Builder::new().name("engine".into());
    thread.spawn(|| worker.run()).expect("the system has room for a thread per model");
}

/// Long enough to keep the arithmetic busy, short enough that running streams do not stutter.
const PROMPT_TOKENS_PER_STEP: u32 = 512;

/// Should it die, its inbox is dropped before its readers are, so who hears of the end finds the engine closed.
struct Worker<R> {
    runner: R,
    language: Arc<Language>,
    desk: Arc<Desk>,
    inbox: mpsc::Receiver<Command>,
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
}

impl<R: Runner> Worker<R> {
    fn run(mut self) {
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
        let Order { request, events, place } = *order;
        let id = SequenceId(self.next_id);
        self.next_id += 1;
        let transcript = Transcript::new(request.stop.clone());
        self.readers.insert(id, Reader { events, transcript, place: Some(place) });
        self.scheduler.add(id, request);
    }

    fn forget_who_left(&mut self) {
        let scheduler = &mut self.scheduler;
        self.readers.retain(|&id, reader| {
            let has_left = reader.events.is_closed();
            if has_left {
                scheduler.cancel(id);
            }
            !has_left
        });
        self.publish_load();
    }

    fn admit(&mut self) {
        for id in self.scheduler.admit() {
            let reader = self.readers.get_mut(&id).expect("every sequence has its reader");
            reader.place = None;
        }
        self.publish_load();
    }

    fn step(&mut self) {
        let batch = self.scheduler.next_batch();
        if batch.rows.is_empty() {
            return; // Everyone has left.
        }
        match step_guarded(&mut self.runner, &batch) {
            Ok(drawn) => {
                for advance in self.scheduler.advance(&batch, &drawn) {
                    self.tell(advance);
                }
            }
            Err(err) => self.give_up(&batch, &err),
        }
    }

    /// Fails the rows of this batch and makes the runner ready for others.
    fn give_up(&mut self, batch: &Batch, err: &RunnerError) {
        tracing::error!(batch.n_rows = batch.rows.len(), error = %err, "a step of the model failed");
        self.runner.reset();
        for id in self.scheduler.fail(batch) {
            self.end(id, Event::Failed(err.to_string()));
        }
    }

    fn tell(&mut self, advance: Advance) {
        let Advance { id, n_tokens, outcome } = advance;
        let (token, end) = match outcome {
            Outcome::Token { token, end } => (Some(token), end),
            Outcome::EndToken => (None, Some(FinishReason::Stop)),
            Outcome::NonFinite => {
                return self.end(id, Event::Failed(format!("non-finite logits at token {}", n_tokens + 1)));
            }
        };
        let reader = self.readers.get_mut(&id).expect("every sequence has its reader");
        match reader.transcript.take(token, end, self.language.tokenizer()) {
            Ok((text, end)) => {
                reader.send_text(text, n_tokens);
                if let Some(reason) = end {
                    self.end(id, Event::Finished { reason, n_tokens });
                }
            }
            Err(err) => self.end(id, Event::Failed(err.to_string())),
        }
    }

    /// The load is published first, so that who has read the end of an answer finds its slot free.
    fn end(&mut self, id: SequenceId, event: Event) {
        self.scheduler.cancel(id);
        self.publish_load();
        let reader = self.readers.remove(&id).expect("every sequence has its reader");
        reader.send(event);
    }

    fn publish_load(&self) {
        self.desk.n_running.store(self.scheduler.n_running(), Ordering::Relaxed);
    }
}

impl Reader {
    fn send_text(&self, text: String, n_tokens: u32) {
        if !text.is_empty() {
            self.send(Event::Piece { text, n_tokens, scores: Vec::new() });
        }
    }

    /// A reader who has left is found out before the next step, so nothing is done about it here.
    fn send(&self, event: Event) {
        let sent = self.events.try_send(event);
        debug_assert!(!matches!(sent, Err(mpsc::error::TrySendError::Full(_))), "the queue holds a whole answer");
    }
}

/// A step whose panic is a failed step, like any other.
fn step_guarded(runner: &mut impl Runner, batch: &Batch) -> Result<Vec<Drawn>, RunnerError> {
    // Whatever the panic left half done in the runner is swept away by the reset that follows.
    let step = guard::caught(|| runner.step(batch));
    let drawn = step.unwrap_or_else(|panic| Err(RunnerError(format!("the step panicked: {panic}"))))?;
    if drawn.len() != batch.rows.len() {
        let message = format!("the step drew {} tokens for {} rows", drawn.len(), batch.rows.len());
        return Err(RunnerError(message));
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests;
