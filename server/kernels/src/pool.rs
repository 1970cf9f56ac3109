//! Threads that share the work of one operation.
//!
//! A decoder's step is hundreds of operations of some ten microseconds each. So between two of them the workers spin
//! for a moment, which starts the next within a microsecond, and only then sleep; an idle pool costs nothing.
//!
//! A job is a number of tasks. Whoever is free takes the next, so a thread that the system holds up delays one task
//! and not its whole share. Which thread does which task changes no result.

use std::any::Any;
use std::cell::UnsafeCell;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::dot;
use crate::instructions::Instructions;

/// How long a worker waits for the next job before it sleeps: longer than a step's pauses, shorter than anyone notices.
const AWAKE: Duration = Duration::from_micros(100);

/// Threads that work together, and the instructions that they use.
///
/// Made for one thread that drives it. Another one that comes meanwhile is served too: it works alone.
pub struct Pool {
    instructions: Instructions,
    refused: Option<Instructions>,
    crew: Mutex<Crew>,
    n_threads: AtomicUsize,
    /// Memory for what lives no longer than one operation.
    scratch: Mutex<Vec<Vec<f32>>>,
}

/// The workers beside the driver.
struct Crew {
    board: Arc<Board>,
    workers: Vec<Worker>,
}

struct Worker {
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

/// What the driver and the workers tell each other.
#[derive(Default)]
struct Board {
    /// Whether the job may be entered.
    open: AtomicBool,
    /// Workers that may be looking at the job.
    n_inside: AtomicUsize,
    /// The next task that nobody has taken.
    next: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    asleep: Vec<AtomicBool>,
    is_closing: AtomicBool,
}

/// Tasks `0..n_tasks`.
#[derive(Clone, Copy)]
struct Job {
    n_tasks: usize,
    task: *const (dyn Fn(usize) + Sync),
}

// SAFETY: `job` is written by the driver while no worker is inside, and read by workers that entered while it was open.
// The closure that it points to may be shared, and outlives the job because the driver waits for all who are inside.
unsafe impl Sync for Board {}
// SAFETY: as above.
unsafe impl Send for Board {}

impl Pool {
    /// A pool of `n_threads` threads, one of them the caller's own, with the fastest instructions of this processor
    /// that compute what they should.
    pub fn new(n_threads: usize) -> Pool {
        let mut all = Instructions::all();
        let fastest = all.pop().unwrap_or(Instructions::PORTABLE);
        if !fastest.multiplies_bf16_pairs() || dot::agrees_with_reference(fastest) {
            return Pool::with(n_threads, fastest);
        }
        let mut pool = Pool::with(n_threads, all.pop().unwrap_or(Instructions::PORTABLE));
        pool.refused = Some(fastest);
        pool
    }

    pub fn with(n_threads: usize, instructions: Instructions) -> Pool {
        let pool = Pool {
            instructions,
            refused: None,
            crew: Mutex::new(Crew::of(0)),
            n_threads: AtomicUsize::new(1),
            scratch: Mutex::default(),
        };
        pool.resize(n_threads);
        pool
    }

    /// Goes on with so many threads.
    pub fn resize(&self, n_threads: usize) {
        let n_threads = n_threads.clamp(1, 1024);
        let mut crew = open(&self.crew);
        if crew.workers.len() + 1 != n_threads {
            *crew = Crew::of(n_threads - 1);
            self.n_threads.store(n_threads, Ordering::Relaxed);
        }
    }

    pub fn n_threads(&self) -> usize {
        self.n_threads.load(Ordering::Relaxed)
    }

    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Instructions that the processor claims to have and that failed a trial: worth a warning.
    pub fn refused(&self) -> Option<Instructions> {
        self.refused
    }

    /// Calls `task` with every number of `0..n_tasks`, on as many threads as there are, and returns when all are done.
    ///
    /// One task alone runs on the caller. A panic in a task becomes a panic here, after all others have ended.
    pub fn run(&self, n_tasks: usize, task: impl Fn(usize) + Sync) {
        if n_tasks > 1
            && let Some(crew) = try_open(&self.crew)
            && !crew.workers.is_empty()
        {
            return crew.run(n_tasks, &task);
        }
        (0..n_tasks).for_each(task);
    }

    /// Numbers to write to, at least `len`, as the last user left them.
    pub(crate) fn borrow_scratch(&self, len: usize) -> Vec<f32> {
        let mut scratch = open(&self.scratch).pop().unwrap_or_default();
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        scratch
    }

    pub(crate) fn return_scratch(&self, scratch: Vec<f32>) {
        open(&self.scratch).push(scratch);
    }
}

/// Nothing behind these locks can be left half done: a panic in a task is caught before it comes so far.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_open<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Crew {
    fn of(n_workers: usize) -> Crew {
        let asleep = (0..n_workers).map(|_| AtomicBool::new(false)).collect();
        let board = Arc::new(Board { asleep, ..Board::default() });
        let workers = (0..n_workers).map(|idx| Worker::start(idx, &board)).collect();
        Crew { board, workers }
    }

    fn run(&self, n_tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let task: *const (dyn Fn(usize) + Sync + '_) = task;
        // SAFETY: only the lifetime changes. `close` does not return while a worker may still call it.
        let task = unsafe { transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(task) };
        let job = Job { n_tasks, task };
        self.post(job);
        self.board.work(job);
        self.board.close();
        let panic = open(&self.board.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Only the thread that holds the lock on the crew posts.
    fn post(&self, job: Job) {
        let board = &self.board;
        // SAFETY: no job is open and nobody is inside, as `close` has seen to; this thread alone posts.
        unsafe { *board.job.get() = Some(job) };
        board.next.store(0, Ordering::Relaxed);
        board.open.store(true, Ordering::SeqCst);
        for (worker, asleep) in self.workers.iter().zip(&board.asleep).take(job.n_tasks - 1) {
            if asleep.swap(false, Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
    }
}

impl Board {
    /// Takes tasks until none is left.
    fn work(&self, job: Job) {
        loop {
            let idx = self.next.fetch_add(1, Ordering::Relaxed);
            if idx >= job.n_tasks {
                return;
            }
            // SAFETY: the driver keeps the closure alive until `close` has returned.
            let task = unsafe { &*job.task };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(idx))) {
                self.next.fetch_max(job.n_tasks, Ordering::Relaxed);
                open(&self.panic).get_or_insert(panic);
            }
        }
    }

    /// Lets nobody in any more and waits for those inside.
    fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        let mut n_rounds = 0_u32;
        while self.n_inside.load(Ordering::SeqCst) > 0 {
            n_rounds += 1;
            // Where there are more threads than processors, the one that is waited for needs this one's.
            if n_rounds.is_multiple_of(256) { thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    /// Works on the job that is open, if one is.
    fn enter(&self) -> bool {
        if !self.open.load(Ordering::Relaxed) {
            return false;
        }
        // Announced before looking: so either this sees that the job was closed, or `close` sees this.
        self.n_inside.fetch_add(1, Ordering::SeqCst);
        let is_open = self.open.load(Ordering::SeqCst);
        if is_open {
            // SAFETY: the job is written only while none is open and nobody is inside.
            let job = unsafe { *self.job.get() };
            self.work(job.expect("an open job was posted"));
        }
        self.n_inside.fetch_sub(1, Ordering::SeqCst);
        is_open
    }
}

impl Worker {
    fn start(idx: usize, board: &Arc<Board>) -> Worker {
        let board = board.clone();
        let name = format!("kernels-{}", idx + 1);
        let handle = thread::Builder::new().name(name).spawn(move || attend(idx, &board));
        let handle = handle.expect("the system starts a thread");
        Worker { thread: handle.thread().clone(), handle: Some(handle) }
    }
}

/// A worker's life: spin for jobs, and sleep when none has come for a while.
fn attend(idx: usize, board: &Board) {
    let mut last_job = Instant::now();
    while !board.is_closing.load(Ordering::Relaxed) {
        if board.enter() {
            last_job = Instant::now();
        } else if last_job.elapsed() < AWAKE {
            (0..32).for_each(|_| std::hint::spin_loop());
        } else {
            sleep(idx, board);
            last_job = Instant::now();
        }
    }
}

fn sleep(idx: usize, board: &Board) {
    let asleep = &board.asleep[idx];
    asleep.store(true, Ordering::SeqCst);
    // Announced before the last look: so either this sees the new job, or the driver sees that it must wake this.
    while asleep.load(Ordering::SeqCst)
        && !board.open.load(Ordering::SeqCst)
        && !board.is_closing.load(Ordering::SeqCst)
    {
        thread::park();
    }
    asleep.store(false, Ordering::SeqCst);
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.board.is_closing.store(true, Ordering::SeqCst);
        for worker in &mut self.workers {
            worker.thread.unpark();
            if let Some(handle) = worker.handle.take() {
                handle.join().expect("a worker catches its tasks' panics");
            }
        }
    }
}

#[cfg(test)]
mod tests;
