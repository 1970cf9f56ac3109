//! One file per URL.

mod compare;
mod comparison;
mod history;
mod likelihood;
mod not_found;

pub use compare::ComparePage;
pub use comparison::ComparisonPage;
pub use history::HistoryPage;
pub use likelihood::LikelihoodPage;
pub use not_found::NotFoundPage;
