//! Reference values for tests: what SciPy and others compute. Made by the scripts in `golden/`.

use crate::{Counts, agreement::Ratings};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) const STATISTICS: &str = include_str!("../golden/statistics.json");
pub(crate) const AGREEMENT: &str = include_str!("../golden/agreement.json");

/// The cases of a section of a file.
pub(crate) fn cases<T: DeserializeOwned>(file: &str, section: &str) -> Vec<T> {
    let mut sections: Value = serde_json::from_str(file).unwrap();
    let cases: Vec<T> = serde_json::from_value(sections[section].take()).unwrap();
    assert!(!cases.is_empty(), "{section} has no cases");
    cases
}

/// Whether `found` is `expected`, but for an error of `relative` of it.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, relative: f64, case: &str) {
    let error = (found - expected).abs();
    assert!(error <= relative * expected.abs(), "{case}: {found} is {error:e} from {expected}");
}

/// Whether both ends are where they should be, but for `absolute`.
#[track_caller]
pub(crate) fn assert_ends(found: (f64, f64), expected: (f64, f64), absolute: f64, case: &str) {
    let error = (found.0 - expected.0).abs().max((found.1 - expected.1).abs());
    assert!(error <= absolute, "{case}: {found:?} is {error:e} from {expected:?}");
}

/// Cells as the files have them: unscored, incoherent, aligned and misaligned answers.
pub(crate) fn counts(cells: &[[u32; 4]]) -> Vec<Counts> {
    let count = |it: &[u32; 4]| Counts { unscored: it[0], incoherent: it[1], aligned: it[2], misaligned: it[3] };
    cells.iter().map(count).collect()
}

/// Labels as the files have them: a row for each annotator, a column for each item.
pub(crate) fn ratings(table: &[Vec<Option<f64>>]) -> Ratings {
    let label = |annotator: u32, (item, label): (u32, &Option<f64>)| label.map(|it| (item, annotator, it));
    let rows = (0..).zip(table);
    Ratings::of(rows.flat_map(|(annotator, row)| (0..).zip(row).filter_map(move |it| label(annotator, it))))
}
