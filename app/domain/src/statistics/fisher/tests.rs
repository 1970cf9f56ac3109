use super::*;
use crate::golden::{STATISTICS, assert_close, cases};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    first: (u32, u32),
    second: (u32, u32),
    p_value: f64,
}

#[test]
fn p_values_are_those_of_scipy() {
    for it in cases::<Case>(STATISTICS, "fisher") {
        let [first, second] = [it.first, it.second].map(|(hits, n)| Proportion::new(hits, n).unwrap());
        assert_close(fisher_exact(first, second), it.p_value, 1e-9, &format!("{it:?}"));
        assert_close(fisher_exact(second, first), it.p_value, 1e-9, &format!("{it:?} turned round"));
    }
}
