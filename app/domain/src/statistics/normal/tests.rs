use super::*;
use crate::golden::{STATISTICS, assert_close, cases};
use serde::Deserialize;

#[derive(Deserialize)]
struct Critical {
    level: f64,
    critical: f64,
}

#[derive(Deserialize)]
struct Error {
    x: f64,
    erfc: f64,
}

#[test]
fn standard_deviations_are_those_of_scipy() {
    for it in cases::<Critical>(STATISTICS, "normal") {
        let level = Level::new(it.level).unwrap();
        assert_close(critical(level), it.critical, 1e-12, &level.to_string());
    }
}

#[test]
fn the_error_function_is_that_of_scipy() {
    for it in cases::<Error>(STATISTICS, "complementary_error") {
        assert_close(erfc(it.x), it.erfc, 1e-13, &format!("erfc {}", it.x));
    }
}

#[test]
fn the_furthest_levels_end() {
    let check = |level: f64, low: f64, high: f64| {
        let critical = critical(Level::new(level).unwrap());
        assert!((low..high).contains(&critical), "{level}: {critical}");
    };
    check(1e-300, 0.0, 1e-15);
    check(1.0 - f64::EPSILON / 2.0, 8.0, 9.0);
}
