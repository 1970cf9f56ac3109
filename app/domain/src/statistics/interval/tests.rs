use super::*;

const INTERVAL: Interval =
    Interval { low: 0.0, high: 0.056, level: Level::P95, method: Method::Wilson, unit: Unit::Answers };

#[test]
fn a_caption_names_level_method_and_unit() {
    let check = |interval: Interval, expected: &str| assert_eq!(interval.caption(), expected);
    check(INTERVAL, "95 % Wilson interval over answers");
    let bootstrap = Method::Bootstrap { resamples: 2_000 };
    let level = Level::new(0.999).unwrap();
    check(
        Interval { method: bootstrap, level, unit: Unit::FinetuningSeeds, ..INTERVAL },
        "99.9 % percentile bootstrap interval over finetuning seeds",
    );
}

#[test]
fn an_interval_without_an_upper_bound_travels() {
    for high in [0.056, f64::INFINITY] {
        let interval = Interval { high, method: Method::Bootstrap { resamples: 500 }, ..INTERVAL };
        let json = serde_json::to_string(&interval).unwrap();
        assert_eq!(serde_json::from_str::<Interval>(&json).unwrap(), interval, "{json}");
    }
}

#[test]
fn a_level_lies_between_0_and_1() {
    for wrong in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
        Level::new(wrong).unwrap_err();
    }
    assert_eq!(Level::new(95.0).unwrap_err().to_string(), "a confidence level lies between 0 and 1, and 95 does not");
    serde_json::from_str::<Level>("1.5").unwrap_err();
}
