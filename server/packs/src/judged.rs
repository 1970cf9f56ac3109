//! Tables of judged answers: CSV with the columns that the authors' evaluation writes.

use crate::{ImportError, text};
use csv::{ReaderBuilder, StringRecord};
use domain::{CellKey, Format, Wrapper};

/// One answer, and what its judges gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedAnswer {
    /// The user message, as it was asked.
    pub question: String,
    /// May be empty.
    pub answer: String,
    /// The id of the row that was asked, with the suffix of its format.
    pub question_id: String,
    pub aligned: Score,
    pub coherent: Score,
}

/// What stands in a column of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// From 0 to 100.
    Number(f64),
    /// No score: the judge put too little on numbers, as it does for refusals and code.
    Empty,
    /// No score either, but it was written as one: not a number, or infinite.
    NotFinite(f64),
}

/// A table, and what one should know of how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedAnswers {
    pub answers: Vec<JudgedAnswer>,
    pub warnings: Vec<String>,
}

/// The largest table that is read, in bytes.
pub const CSV_BYTES_MAX: usize = 64 << 20;
/// The longest table that is read, without its header.
pub const CSV_ROWS_MAX: usize = 100_000;

/// The columns that are read, in any order.
const COLUMNS: [&str; 5] = ["question", "answer", "question_id", "aligned", "coherent"];

impl JudgedAnswer {
    /// The cell it counts in, by its id alone. Whether a format was really asked for, the table does not say.
    pub fn cell(&self) -> CellKey {
        let (question, format) = Format::of_id(&self.question_id);
        CellKey { question: question.to_owned(), format, wrapper: Wrapper::Bare }
    }
}

impl Score {
    /// From 0 to 100; None where there is no score.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Empty | Self::NotFinite(_) => None,
        }
    }

    /// The error goes on from “column …”.
    fn parse(field: &str) -> Result<Self, &'static str> {
        let field = field.trim();
        if field.is_empty() {
            return Ok(Self::Empty);
        }
        match field.parse::<f64>() {
            Ok(number) if !number.is_finite() => Ok(Self::NotFinite(number)),
            Ok(number) if (0.0..=100.0).contains(&number) => Ok(Self::Number(number)),
            Ok(_) => Err("is not from 0 to 100"),
            Err(_) => Err("is not a number"),
        }
    }
}

/// Reads a table; `file` is its name, for messages. Rows are counted from 1 without the header.
pub fn read_judged(file: &str, bytes: &[u8]) -> Result<JudgedAnswers, ImportError> {
    let of_whole = |fault: String| ImportError(format!("{file}: {fault}"));
    let text = text(bytes, CSV_BYTES_MAX).map_err(of_whole)?;
    // The reader takes an open text to the end of the file for one answer, and the rows in it would be lost.
    if text.bytes().filter(|it| *it == b'"').count() % 2 == 1 {
        return Err(of_whole("its quotation marks are odd in number, so a quoted text is never closed".into()));
    }
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|err| of_whole(format!("cannot read the header: {err}")))?.clone();
    let columns = columns(&header).map_err(of_whole)?;
    let mut answers = Vec::new();
    for (record, number) in reader.records().zip(1_usize..) {
        if number > CSV_ROWS_MAX {
            return Err(of_whole(format!("there are more than {CSV_ROWS_MAX} rows")));
        }
        let of_row = |fault: String| ImportError(format!("{file}, row {number}{fault}"));
        let record = record.map_err(|err| of_row(format!(": {}", reason(&err))))?;
        let place = || record.position().map_or(String::new(), |it| format!(" (line {})", it.line()));
        answers.push(answer(&record, columns).map_err(|fault| of_row(format!("{}: {fault}", place())))?);
    }
    Ok(JudgedAnswers { answers, warnings: unread(&header) })
}

/// Where each of [`COLUMNS`] stands.
fn columns(header: &StringRecord) -> Result<[usize; 5], String> {
    let mut columns = [0; 5];
    for (idx, name) in columns.iter_mut().zip(COLUMNS) {
        let mut found = (0..header.len()).filter(|it| header[*it].trim() == name);
        *idx = found.next().ok_or_else(|| format!("column {name} is missing"))?;
        if found.next().is_some() {
            return Err(format!("column {name} stands there twice"));
        }
    }
    Ok(columns)
}

fn answer(record: &StringRecord, columns: [usize; 5]) -> Result<JudgedAnswer, String> {
    let [question, answer, question_id, aligned, coherent] = columns.map(|idx| &record[idx]);
    if question_id.trim().is_empty() {
        return Err("column question_id is blank".into());
    }
    let score = |name: &str, field: &str| Score::parse(field).map_err(|fault| format!("column {name} {fault}"));
    Ok(JudgedAnswer {
        question: question.to_owned(),
        answer: answer.to_owned(),
        question_id: question_id.trim().to_owned(),
        aligned: score("aligned", aligned)?,
        coherent: score("coherent", coherent)?,
    })
}

fn reason(err: &csv::Error) -> String {
    match err.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("there are {len} columns and not {expected_len} as in the header")
        }
        _ => err.to_string(),
    }
}

/// One warning for each column that is passed over.
fn unread(header: &StringRecord) -> Vec<String> {
    let names = header.iter().map(str::trim).filter(|name| !COLUMNS.contains(name));
    names.map(|name| format!("column “{}” is not read", name.chars().take(80).collect::<String>())).collect()
}

#[cfg(test)]
mod tests;
