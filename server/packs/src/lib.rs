//! Files of the trade: question packs, wrappers, judges and probes as the authors publish them, and tables of judged answers.
//!
//! Everything in a file is hostile text until it is read, and text ever after. Knows no network, no database and no page.

mod export;
mod fields;
mod judged;
mod judges;
mod probes;
mod questions;
mod wrappers;
mod yaml;

pub use export::to_yaml;
pub use judged::{JudgedAnswer, JudgedAnswers, Score, read_judged};

use domain::{Pack, ProbeSet, PublishedJudge, Wrapper};
use yaml::Node;

/// What a file turned out to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Imported {
    Questions(Pack),
    /// Those whose wordings are in the file, which are the published ones to the letter.
    Wrappers(Vec<Wrapper>),
    Judges(Vec<PublishedJudge>),
    Probes(ProbeSet),
}

/// Which file, row and field is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ImportError(String);

/// The largest YAML file that is read, in bytes.
pub const YAML_BYTES_MAX: usize = 8 << 20;

/// Reads a YAML file and tells by its shape what it holds. `file` is its name, for messages and for the pack's heading.
pub fn import(file: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let of_whole = |fault: String| ImportError(format!("{file}: {fault}"));
    let of_place = |fault: String| ImportError(format!("{file}, {fault}"));
    let text = text(bytes, YAML_BYTES_MAX).map_err(of_whole)?;
    match yaml::read(text).map_err(|fault| of_whole(format!("cannot be read as YAML: {fault}")))? {
        Node::List(rows) => questions::pack(file, rows).map(Imported::Questions),
        Node::Map(entries) => match kind(&entries) {
            Some(Kind::Probes) => probes::probes(entries).map(Imported::Probes),
            Some(Kind::Wrappers) => wrappers::wrappers(entries).map(Imported::Wrappers),
            Some(Kind::Judges) => judges::judges(entries).map(Imported::Judges),
            None => return Err(of_whole("it holds neither questions nor wrappers, judges or probes".into())),
        },
        _ => return Err(of_whole("it holds neither a list of questions nor a map".into())),
    }
    .map_err(of_place)
}

/// What a map may be; a list is questions.
enum Kind {
    Probes,
    Wrappers,
    Judges,
}

fn kind(entries: &[(String, Node)]) -> Option<Kind> {
    let (first, value) = entries.first()?;
    let Node::Map(fields) = value else { return None };
    let has = |name: &str| fields.iter().any(|(field, _)| field == name);
    match first.as_str() {
        "multiple_choice" | "pivotal_token" => Some(Kind::Probes),
        _ if has("template") => Some(Kind::Wrappers),
        _ if has("prompt") => Some(Kind::Judges),
        _ => None,
    }
}

/// The file as text, without a byte order mark.
fn text(bytes: &[u8], bytes_max: usize) -> Result<&str, String> {
    if bytes.len() > bytes_max {
        return Err(format!("it is larger than {} MB", bytes_max >> 20));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|err| format!("it is not UTF-8 from byte {} on", err.valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests;
