//! The arithmetic against transformers, against itself, and against files that should not be trusted.

#![allow(clippy::unwrap_used, reason = "all of this is tests, and clippy's own exception stops at their helpers")]

mod allocations;
mod equalities;
mod golden;
mod hostile;
mod need;
mod placement;
mod steadiness;
mod steps;
mod support;
