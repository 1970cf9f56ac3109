//! The arithmetic against transformers, against itself, and against files that should not be trusted.

mod equalities;
mod golden;
mod hostile;
mod placement;
mod steps;
mod support;
