//! What several nouns read out of a row.

use crate::Error;
use domain::{Blindness, Timestamp};
use sqlx::{Row, sqlite::SqliteRow};

/// Whether the names of this comparison are shown.
pub fn blindness(row: &SqliteRow) -> Result<Blindness, Error> {
    let revealed_at: Option<i64> = row.try_get("revealed_at")?;
    Ok(match (row.try_get("blind")?, revealed_at) {
        (false, _) => Blindness::Open,
        (true, None) => Blindness::Blind,
        (true, Some(at)) => Blindness::Revealed(Timestamp(at)),
    })
}

/// A word of a closed set, as the database keeps it.
pub fn word<T>(what: &'static str, value: String, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    parse(&value).ok_or(Error::Corrupt { what, value })
}
