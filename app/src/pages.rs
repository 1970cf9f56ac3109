//! One file per URL.

mod answers;
mod compare;
mod comparison;
mod history;
mod likelihood;
mod models;
mod new_run;
mod not_found;
mod results;
mod run;
mod runs;

pub use answers::AnswersPage;
pub use compare::ComparePage;
pub use comparison::ComparisonPage;
pub use history::HistoryPage;
pub use likelihood::LikelihoodPage;
pub use models::ModelsPage;
pub use new_run::NewRunPage;
pub use not_found::NotFoundPage;
pub use results::ResultsPage;
pub use run::RunPage;
pub use runs::RunsPage;
