//! Keeps comparisons, answers, labels, packs, runs and judgements in SQLite. Knows SQL and the words of `domain`, nothing of models or the network.
//!
//! When a function that writes returns, its transaction is committed and on disk: acknowledged means committed.

pub mod answers;
pub mod comparisons;
mod conversations;
mod db;
mod error;
pub mod families;
pub mod history;
pub mod labels;

pub mod judgements;
pub mod packs;
pub mod runs;
pub mod scored;

mod row;

pub use db::{Db, FolderLock, now};
pub use error::Error;
