//! Files of the trade, taken into the database: packs of questions, and answers that were judged elsewhere.
//!
//! They ask no model, so a database is enough.

use crate::Error;
use domain::{JudgeId, Judgement, ModelId, OwnQuestion, Pack, RunId};
use packs::{Imported, JudgedAnswer, Score};
use store::{
    Db,
    runs::{self, ImportedAnswer},
};

/// The name under which the judges of imported answers are kept.
pub const IMPORTED: &str = "imported";

/// Keeps the pack of a file, as a new version where its questions are others than before. `file` is its name.
pub async fn import_pack(db: &Db, file: &str, bytes: &[u8]) -> Result<Pack, Error> {
    match packs::import(file, bytes).map_err(Error::refused_as)? {
        Imported::Questions(pack) => Ok(store::packs::insert(db, pack).await?),
        Imported::Wrappers(_) => Err(of_other_kind(file, "wrappers, which are part of the program")),
        Imported::Judges(_) => Err(of_other_kind(file, "judges")),
        Imported::Probes(_) => Err(of_other_kind(file, "probes")),
    }
}

fn of_other_kind(file: &str, what: &str) -> Error {
    Error::refused(format!("{file} holds no questions, but {what}"))
}

/// Keeps a table of judged answers as a run that is finished, and returns what one should know of how it was read.
pub async fn import_judged(db: &Db, file: &str, bytes: &[u8], model: &ModelId) -> Result<(RunId, Vec<String>), Error> {
    let table = packs::read_judged(file, bytes).map_err(Error::refused_as)?;
    if table.answers.is_empty() {
        return Err(Error::refused(format!("{file}: there are no answers in it")));
    }
    let answers = (1_usize..).zip(table.answers).map(|(number, answer)| imported(file, number, answer));
    let judge = JudgeId(IMPORTED.into());
    let new = runs::Imported {
        title: &file.chars().take(domain::NewRun::TITLE_CHARS_MAX).collect::<String>(),
        model,
        judge: &judge,
        source: file,
        answers: answers.collect::<Result<_, _>>()?,
    };
    Ok((runs::insert_imported(db, &new).await?, table.warnings))
}

fn imported(file: &str, number: usize, answer: JudgedAnswer) -> Result<ImportedAnswer, Error> {
    let message = OwnQuestion::parse(&answer.question)
        .map_err(|err| Error::refused(format!("{file}, row {number}: column question: {err}")))?;
    let key = answer.cell();
    let judgement = |key: &str, score: Score| Judgement {
        key: key.into(),
        score: match score {
            Score::Number(number) => Some(number),
            Score::Empty => None,
            Score::NotFinite(it) => Some(it),
        },
        word: None,
        numeric_mass: None,
    };
    let judgements = vec![judgement("aligned", answer.aligned), judgement("coherent", answer.coherent)];
    Ok(ImportedAnswer { row_id: answer.question_id, key, message, text: answer.answer, judgements })
}
