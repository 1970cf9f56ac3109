//! One file per URL.

mod compare;
mod comparison;
mod history;
mod likelihood;
mod models;
mod not_found;

pub use compare::ComparePage;
pub use comparison::ComparisonPage;
pub use history::HistoryPage;
pub use likelihood::LikelihoodPage;
pub use models::ModelsPage;
pub use not_found::NotFoundPage;
