use domain::{AnswerId, ComparisonId, RunId};

/// Why something was not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no comparison {}", .0.0)]
    NoComparison(ComparisonId),
    #[error("there is no answer {}", .0.0)]
    NoAnswer(AnswerId),
    #[error("there is no run {}", .0.0)]
    NoRun(RunId),
    /// The request is understood and not allowed as things are; a sentence for the person who asked.
    #[error("{0}")]
    Refused(String),
    #[error("cannot use the data folder {folder}: {source}")]
    Folder { folder: String, source: std::io::Error },
    #[error("the data folder {folder} is in use by another Plumbline; stop that one, or choose another with --data")]
    InUse { folder: String },
    #[error(
        "the database {path} was written by a newer version of Plumbline (its schema has step {version}); use that version"
    )]
    NewerSchema { path: String, version: i64 },
    #[error("cannot bring the database {path} up to date: {source}")]
    Migration { path: String, source: sqlx::migrate::MigrateError },
    /// A row holds a word that is not of its set: the file was changed by hand or is damaged.
    #[error("the database holds “{value}” where a {what} should be")]
    Corrupt { what: &'static str, value: String },
    #[error("the database failed: {0}")]
    Sql(#[from] sqlx::Error),
}
