//! What several nouns read out of a row.

use crate::Error;
use domain::{Beginning, Blindness, Prompt, SystemPrompt, Timestamp};
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

/// What a comparison sends word for word, where it does; else the reviewer's own system prompt, where there is one.
pub fn asked(row: &SqliteRow) -> Result<(Option<Prompt>, Option<SystemPrompt>), Error> {
    let (message, system): (Option<String>, Option<String>) = (row.try_get("message")?, row.try_get("system")?);
    match (message, system) {
        (Some(user), system) => Ok((Some(Prompt { system, user }), None)),
        (None, None) => Ok((None, None)),
        (None, Some(text)) => {
            let system = word("system prompt", text, |text| SystemPrompt::parse(text).ok().flatten())?;
            Ok((None, Some(system)))
        }
    }
}

/// What the answers begin with.
pub fn beginning(row: &SqliteRow) -> Result<Beginning, Error> {
    word("beginning of answers", row.try_get("beginning")?, |text| Beginning::parse(text).ok())
}

/// The seed of an answer.
pub fn seed(row: &SqliteRow) -> Result<u64, Error> {
    let seed: i64 = row.try_get("seed")?;
    u64::try_from(seed).map_err(|_| Error::Corrupt { what: "seed", value: seed.to_string() })
}

/// A word of a closed set, as the database keeps it.
pub fn word<T>(what: &'static str, value: String, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    parse(&value).ok_or(Error::Corrupt { what, value })
}
