//! Reference values for tests: what SciPy and others compute, made by the scripts in `golden/`.

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) const STATISTICS: &str = include_str!("../golden/statistics.json");

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
