//! How often an endpoint may be asked, and how much of it.

use crate::judges::JudgeFailure;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

pub struct Allowance {
    /// From one request to the next.
    spacing: Duration,
    /// When the next request may go out.
    next_at: Mutex<Instant>,
    requests: Budget,
    tokens: Budget,
}

struct Budget {
    n_max: Option<u64>,
    n_spent: AtomicU64,
}

impl Allowance {
    pub fn new(requests_per_minute: u32, requests_max: Option<u64>, tokens_max: Option<u64>) -> Self {
        let budget = |n_max| Budget { n_max, n_spent: AtomicU64::new(0) };
        Self {
            spacing: Duration::from_secs(60) / requests_per_minute.max(1),
            next_at: Mutex::new(Instant::now()),
            requests: budget(requests_max),
            tokens: budget(tokens_max),
        }
    }

    /// Waits until one request may go out, or says that none may any more.
    pub async fn take(&self) -> Result<(), JudgeFailure> {
        if self.tokens.is_spent() || !self.requests.take_one() {
            return Err(JudgeFailure::lasting(
                "the budget of this endpoint in judges.toml is spent; raise it and start the server again",
            ));
        }
        loop {
            let now = Instant::now();
            let at = {
                let mut next_at = self.next_at();
                if *next_at <= now {
                    *next_at = now + self.spacing;
                    return Ok(());
                }
                *next_at
            };
            sleep_until(at).await;
        }
    }

    pub fn spend(&self, n_tokens: u64) {
        self.tokens.n_spent.fetch_add(n_tokens, Ordering::Relaxed);
    }

    /// No request goes out for so long.
    pub fn pause(&self, pause: Duration) {
        let mut next_at = self.next_at();
        *next_at = (*next_at).max(Instant::now() + pause);
    }

    fn next_at(&self) -> MutexGuard<'_, Instant> {
        self.next_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.n_max.is_some_and(|n_max| self.n_spent.load(Ordering::Relaxed) >= n_max)
    }

    /// Whether there was one left.
    fn take_one(&self) -> bool {
        let take = |n_spent| self.n_max.is_none_or(|n_max| n_spent < n_max).then_some(n_spent + 1);
        self.n_spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_keep_their_distance() {
        let allowance = Allowance::new(6_000, None, None);
        let start = Instant::now();
        for _ in 0..6 {
            allowance.take().await.unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(50));
        allowance.pause(Duration::from_millis(200));
        allowance.take().await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(250));
    }

    #[tokio::test]
    async fn a_spent_budget_ends_it() {
        let allowance = Allowance::new(60_000, Some(2), None);
        allowance.take().await.unwrap();
        allowance.take().await.unwrap();
        assert!(!allowance.take().await.unwrap_err().is_passing);
        let allowance = Allowance::new(60_000, None, Some(100));
        allowance.take().await.unwrap();
        allowance.spend(100);
        assert!(allowance.take().await.is_err());
    }
}
