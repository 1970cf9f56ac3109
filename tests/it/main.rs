//! The whole house through its router: a real database, a real scheduler, and models that say what the test wants.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

mod blind;
mod compare;
mod completions;
mod conversation;
mod flood;
mod history;
mod hostile;
mod label;
mod likelihood;
mod metrics;
mod models;
mod openai;
mod openai_clients;
mod openapi;
mod questions;
mod restart;
mod results;
mod run_answers;
mod runs;
mod scores;
mod security;
mod stop;
mod stream;
mod tokens;
mod walls;
