//! How much anybody may ask of the API at once, and who is kept waiting at the door.
//!
//! Everything that a request could make large is bounded before it costs anything: its share of the queue before its body
//! is read, its body before it is parsed, its numbers before an engine hears of them.

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{header, request::Parts},
};
use engine::Load;
use std::{
    collections::{HashMap, hash_map::RandomState},
    convert::Infallible,
    hash::BuildHasher as _,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one request, one client and all clients together may ask of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers to one prompt.
    pub n_max: u32,
    /// Prompts in one request for completions.
    pub prompts_max: u32,
    /// Tokens of one answer that may be asked for; how many there can be is up to the model's room.
    pub tokens_max: u32,
    pub messages_max: u32,
    /// All text of one request.
    pub prompt_bytes_max: usize,
    pub body_bytes_max: usize,
    /// Answers that one client may have in hand, waiting or being written, so that one script cannot take every place.
    pub answers_per_client_max: u32,
    /// Requests of all clients together.
    pub requests_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            n_max: 128,
            prompts_max: 128,
            tokens_max: 131_072,
            messages_max: 1_024,
            prompt_bytes_max: 1 << 20,
            body_bytes_max: 2 << 20,
            answers_per_client_max: 128,
            requests_max: 1_024,
        }
    }
}

/// Bodies that are being read, all together: so many of the longest ones.
const BODIES_AT_ONCE: usize = 32;

/// Bodies that are being parsed and turned into tokens at the same time: each takes a processor.
const READERS: usize = 2;

/// Where clients come in. Cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    limits: Limits,
    desk: Mutex<Desk>,
    requests: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
    readers: Semaphore,
    /// Tokens of clients are kept as numbers only, which nobody outside can work out.
    hasher: RandomState,
}

struct Desk {
    /// Answers in hand; a client without any is not in here.
    held: HashMap<Client, u32>,
    /// A running mean of how long a request takes.
    request_s: f64,
}

/// Who asks: the bearer of a token, or else an address. Several programs at one address are one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Client(u64);

/// Why somebody has to come again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The client itself has as much in hand as it may.
    Share,
    /// The server has.
    House,
}

impl Door {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            desk: Mutex::new(Desk { held: HashMap::new(), request_s: 1.0 }),
            requests: Arc::new(Semaphore::new(limits.requests_max as usize)),
            body_bytes: Arc::new(Semaphore::new(BODIES_AT_ONCE * limits.body_bytes_max)),
            readers: Semaphore::new(READERS),
            hasher: RandomState::new(),
        }))
    }

    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// A visit begins with one answer in hand, as there will be at least one.
    fn enter(&self, client: Client) -> Result<Visit, Full> {
        let request = self.0.requests.clone().try_acquire_owned().map_err(|_| Full::House)?;
        let mut visit = Visit {
            door: self.clone(),
            client,
            n_held: 0,
            begun: Instant::now(),
            is_answered: false,
            _request: request,
        };
        visit.hold(1)?;
        Ok(visit)
    }

    /// Room for a body of at most this length; given back when the permit is dropped.
    pub fn room_for_body(&self, n_bytes: usize) -> Result<OwnedSemaphorePermit, Full> {
        let n_bytes = u32::try_from(n_bytes.min(self.0.limits.body_bytes_max)).unwrap_or(u32::MAX);
        self.0.body_bytes.clone().try_acquire_many_owned(n_bytes).map_err(|_| Full::House)
    }

    /// Does work that takes a processor for a while, away from the threads that keep everybody's streams going.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _reader = self.0.readers.acquire().await.expect("it is never closed");
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|err| match err.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("work that has begun is not aborted"),
        })
    }

    /// When it may be worth to come again, in seconds: once those who wait have had their turns.
    pub fn retry_after_s(&self, load: Load) -> u64 {
        let n_rounds = f64::from(load.n_waiting / load.n_slots.max(1) + 1);
        (n_rounds * self.desk().request_s).ceil().clamp(1.0, 60.0) as u64
    }

    fn client(&self, parts: &Parts) -> Client {
        let bearer = parts.headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        Client(match bearer {
            Some(token) => self.0.hasher.hash_one(token),
            None => self.0.hasher.hash_one(address),
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing panics while holding it, and it is never half changed.
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, from its headers to the last byte of its answer. What it holds is free again when it is dropped.
pub struct Visit {
    door: Door,
    client: Client,
    n_held: u32,
    begun: Instant,
    is_answered: bool,
    _request: OwnedSemaphorePermit,
}

impl Visit {
    /// Takes so many answers in hand, all in all.
    pub fn hold(&mut self, n_answers: u32) -> Result<(), Full> {
        let mut desk = self.door.desk();
        let held = desk.held.entry(self.client).or_default();
        let others = *held - self.n_held;
        if others.saturating_add(n_answers) > self.door.0.limits.answers_per_client_max {
            return Err(Full::Share);
        }
        *held = others + n_answers;
        self.n_held = n_answers;
        Ok(())
    }

    pub fn door(&self) -> &Door {
        &self.door
    }

    /// From here on, how long the visit lasts tells how long others may have to wait.
    pub fn is_being_answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let duration_s = self.begun.elapsed().as_secs_f64();
        let mut desk = self.door.desk();
        if let Some(held) = desk.held.get_mut(&self.client) {
            *held -= self.n_held;
            if *held == 0 {
                desk.held.remove(&self.client);
            }
        }
        if self.is_answered {
            desk.request_s += (duration_s - desk.request_s) / 8.0;
        }
    }
}

/// The outcome of knocking; a body is read only by who came in.
pub struct Knock(pub Result<Visit, Full>);

impl FromRequestParts<crate::AppState> for Knock {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &crate::AppState) -> Result<Self, Infallible> {
        Ok(Self(state.door.enter(state.door.client(parts))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(answers_per_client_max: u32, requests_max: u32) -> Door {
        Door::new(Limits { answers_per_client_max, requests_max, ..Limits::default() })
    }

    #[test]
    fn one_client_gets_its_share_and_leaves_the_rest_to_others() {
        let door = door(4, 100);
        let mut ann = door.enter(Client(1)).unwrap();
        ann.hold(4).unwrap();
        assert_eq!(ann.hold(5), Err(Full::Share), "more than the whole share");
        assert_eq!(door.enter(Client(1)).err(), Some(Full::Share));
        let bob = door.enter(Client(2)).unwrap();
        drop(ann);
        let mut again = door.enter(Client(1)).unwrap();
        again.hold(4).unwrap();
        drop((again, bob));
        assert!(door.desk().held.is_empty(), "nothing is kept of who has left");
    }

    #[test]
    fn a_full_house_turns_everybody_away() {
        let door = door(4, 1);
        let ann = door.enter(Client(1)).unwrap();
        assert_eq!(door.enter(Client(2)).err(), Some(Full::House));
        drop(ann);
        assert!(door.enter(Client(2)).is_ok());
    }

    #[test]
    fn the_wait_grows_with_those_who_wait() {
        let door = door(4, 1);
        let wait = |n_waiting| door.retry_after_s(Load { n_slots: 2, n_running: 2, n_waiting });
        assert_eq!((wait(0), wait(10), wait(10_000)), (1, 6, 60));
    }
}
