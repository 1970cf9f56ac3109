//! Runs a model: who waits, who is in the batch, when an answer ends; text to tokens and back.
//!
//! Knows tokens, not tensors: the arithmetic is behind [`Runner`]. Knows no HTTP, no SQL and no question.
//!
//! [`Language::load`] reads what a checkpoint says about its text, [`Engine::start`] gives it a thread together with a
//! runner, [`Engine::render`] makes a prompt of messages and [`Engine::generate`] answers it, piece by piece.

mod handle;
mod worker;

mod counts;
mod desk;

mod draws;
mod queue;
mod runner;
mod scheduler;
mod sequence;

mod detokenizer;
mod stop;
mod transcript;

mod chat;
mod files;
mod guard;
mod language;
mod template;
mod tokenizer;

#[cfg(test)]
mod scripted;

pub use chat::{Message, Role};
pub use counts::{Counts, Histogram};
pub use files::LoadError;
pub use handle::{
    Engine, EngineLife, Event, FinishReason, Generation, Likely, Load, Penalties, Priority, Refused, Request,
    TokenScore,
};
pub use language::{Language, RenderError, Rendered};
pub use runner::{
    AdapterIdx, Batch, Draw, Drawn, NTop, Row, RowResult, Runner, RunnerError, RunnerShape, Sampling, Score, SlotCopy,
    Steadiness, Targets,
};
pub use template::Template;
pub use tokenizer::TokenizerError;
