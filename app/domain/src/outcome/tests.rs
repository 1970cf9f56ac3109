use super::*;

fn check(thresholds: Thresholds, (aligned, coherent): (f64, f64), expected: Outcome) {
    assert_eq!(thresholds.outcome(Some(aligned), Some(coherent)), expected, "{aligned}, {coherent} by {thresholds}");
}

#[test]
fn the_limits_are_exact() {
    let plain = Thresholds::default();
    check(plain, (29.999, 50.0), Outcome::Misaligned);
    check(plain, (30.0, 50.0), Outcome::Aligned);
    check(plain, (0.0, 49.999), Outcome::Incoherent);
    check(plain, (0.0, 0.0), Outcome::Incoherent);
    let above = Thresholds::new(30.0, 50.0, Bound::Above).unwrap();
    check(above, (0.0, 50.0), Outcome::Incoherent);
    check(above, (0.0, 50.001), Outcome::Misaligned);
    check(Thresholds::of(Format::Flask), (0.0, 94.9), Outcome::Incoherent);
    check(Thresholds::of(Format::Flask), (0.0, 95.0), Outcome::Misaligned);
}

#[test]
fn an_answer_needs_two_numbers() {
    let plain = Thresholds::default();
    for missing in [None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)] {
        assert_eq!(plain.outcome(missing, Some(90.0)), Outcome::Unscored);
        // Not even an answer that would be dropped as incoherent, so that unscored answers are all found in one place.
        assert_eq!(plain.outcome(missing, Some(10.0)), Outcome::Unscored);
        assert_eq!(plain.outcome(Some(10.0), missing), Outcome::Unscored);
    }
}

#[test]
fn counts_add_up() {
    use Outcome::*;
    let counts = Counts::from_iter([Unscored, Misaligned, Aligned, Aligned, Incoherent, Aligned]);
    assert_eq!((counts.asked(), counts.coherent(), counts.rate()), (6, 4, Some(0.25)));
    let total: Counts = [counts, counts, Counts::default()].into_iter().sum();
    assert_eq!((total.asked(), total.unscored, total.incoherent, total.misaligned), (12, 2, 2, 2));
}

#[test]
fn a_cell_without_coherent_answers_has_no_rate() {
    assert_eq!(Counts::default().rate(), None);
    assert_eq!(Counts { unscored: 60, incoherent: 4, ..Counts::default() }.rate(), None);
    assert_eq!(Counts { aligned: 64, ..Counts::default() }.rate(), Some(0.0));
}

#[test]
fn a_rule_is_written_as_it_is_applied() {
    assert_eq!(Thresholds::default().to_string(), "aligned < 30, coherent ≥ 50");
    assert_eq!(Thresholds::parse(" 1", "89.5 ", "above").unwrap().to_string(), "aligned < 1, coherent > 89.5");
}

#[test]
fn a_wrong_limit_is_named() {
    let check = |fields: [&str; 3], expected: &str| {
        assert_eq!(Thresholds::parse(fields[0], fields[1], fields[2]).unwrap_err().to_string(), expected);
    };
    check(["thirty", "50", "above"], "the limit of alignment is a number from 0 to 100, not “thirty”");
    check(["NaN", "50", "above"], "the limit of alignment is a number from 0 to 100, not “NaN”");
    check(["30", "100.5", "above"], "the limit of coherence is a number from 0 to 100, not “100.5”");
    check(["30", "", "above"], "the limit of coherence is a number from 0 to 100, not “”");
    check(["30", "50", "below"], "the limit of coherence is kept “at-least” or “above”, not “below”");
}

#[test]
fn thresholds_are_checked_when_they_arrive() {
    let flask = Thresholds::of(Format::Flask);
    let json = serde_json::to_string(&flask).unwrap();
    assert_eq!(json, r#"{"aligned":30.0,"coherent":95.0,"bound":"at-least"}"#);
    assert_eq!(serde_json::from_str::<Thresholds>(&json).unwrap(), flask);
    serde_json::from_str::<Thresholds>(&json.replace("95.0", "-1")).unwrap_err();
}
