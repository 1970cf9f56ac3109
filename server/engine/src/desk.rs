//! Where handles and thread see how much there is to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::handle::N_WAITING_MAX;
use crate::{Load, Priority};

pub struct Desk {
    n_slots: u32,
    n_running: AtomicU32,
    /// A place in the queue is held from the request until a slot is free, or until the reader has left. Each priority
    /// has places of its own, so that a large run cannot make the engine busy for others.
    interactive: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

impl Desk {
    pub fn new(n_slots: u32) -> Self {
        let places = || Arc::new(Semaphore::new(N_WAITING_MAX));
        Self { n_slots, n_running: AtomicU32::new(0), interactive: places(), bulk: places() }
    }

    /// Of both priorities together.
    pub fn n_places(&self) -> usize {
        2 * N_WAITING_MAX
    }

    pub fn take_place(&self, priority: Priority) -> Option<OwnedSemaphorePermit> {
        let places = match priority {
            Priority::Interactive => &self.interactive,
            Priority::Bulk => &self.bulk,
        };
        places.clone().try_acquire_owned().ok()
    }

    pub fn set_running(&self, n_running: u32) {
        self.n_running.store(n_running, Ordering::Relaxed);
    }

    pub fn load(&self) -> Load {
        let n_free = self.interactive.available_permits() + self.bulk.available_permits();
        let n_waiting = (self.n_places() - n_free) as u32;
        Load { n_slots: self.n_slots, n_running: self.n_running.load(Ordering::Relaxed), n_waiting }
    }
}
