//! One file per URL.

mod compare;
mod comparison;
mod history;
mod not_found;

pub use compare::ComparePage;
pub use comparison::ComparisonPage;
pub use history::HistoryPage;
pub use not_found::NotFoundPage;
