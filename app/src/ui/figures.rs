//! Numbers as people read them. What has no value is a dash, never 0.

use domain::{RunModel, ShownInterval, statistics::Interval};

pub const NONE: &str = "–";

/// `3,200`.
pub fn grouped(n: impl Into<u64>) -> String {
    let digits = n.into().to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent: `13.5`.
pub fn per_cent(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), |it| format!("{:.1}", it * 100.0))
}

/// A difference of shares in points, with its sign: `+12.8`.
pub fn points(difference: Option<f64>) -> String {
    let Some(difference) = difference else { return NONE.to_owned() };
    let text = format!("{:.1}", (difference * 100.0).abs());
    let sign = match difference {
        _ if text == "0.0" => "",
        it if it < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{text}")
}

/// How many times: `8.3`, `∞`.
pub fn times(ratio: Option<f64>) -> String {
    match ratio {
        None => NONE.to_owned(),
        Some(it) if it.is_infinite() => "∞".to_owned(),
        Some(it) => format!("{it:.1}"),
    }
}

/// `11.1 – 16.3`.
pub fn ends(interval: Option<ShownInterval>) -> String {
    interval.map_or_else(|| NONE.to_owned(), |it| ends_of(&it.interval))
}

fn ends_of(interval: &Interval) -> String {
    let end = |it: f64| {
        let text = format!("{:.1}", it * 100.0);
        match text.as_str() {
            "-0.0" => "0.0".to_owned(),
            _ => text.replace('-', "−"),
        }
    };
    format!("{} – {}", end(interval.low), end(interval.high))
}

/// `about 17 min`, for what cannot be told exactly.
pub fn about_time(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("about {} s", seconds.max(1)),
        60..5_400 => format!("about {} min", (seconds + 30) / 60),
        5_400..172_800 => format!("about {} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("about {} days", (seconds + 43_200) / 86_400),
    }
}

/// The models as a drawing names them.
pub fn who(models: &[RunModel]) -> Vec<(domain::Role, String)> {
    models.iter().map(|it| (it.role, it.name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_with_what_they_need() {
        assert_eq!(grouped(3_200_u32), "3,200");
        assert_eq!(grouped(999_u32), "999");
        assert_eq!(grouped(1_234_567_u32), "1,234,567");
        assert_eq!(per_cent(None), "–");
        assert_eq!(per_cent(Some(0.0)), "0.0");
        assert_eq!(points(Some(0.128)), "+12.8");
        assert_eq!(points(Some(-0.0301)), "−3.0");
        assert_eq!(points(Some(-0.0001)), "0.0");
        assert_eq!(times(Some(f64::INFINITY)), "∞");
        assert_eq!(about_time(1_020.0), "about 17 min");
        assert_eq!(about_time(0.2), "about 1 s");
        assert_eq!(about_time(7_260.0), "about 2 h 1 min");
    }
}
