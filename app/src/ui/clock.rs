//! Times as people read them.

use domain::Timestamp;
use js_sys::Date;
use leptos::prelude::*;

/// In which zone the pages tell the time: UTC on the server and for the first moment, the browser's own from then on.
#[derive(Clone, Copy)]
pub struct Clock {
    is_local: RwSignal<bool>,
}

impl Clock {
    pub fn starting_in_utc() -> Self {
        let is_local = RwSignal::new(false);
        Effect::new(move |_| is_local.set(true));
        Self { is_local }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// `2026-11-23 14:02:31` in the zone that is told now.
    fn reading(self, at: Timestamp) -> String {
        if self.is_local.get() { local(at).utc() } else { at.utc() }
    }

    /// `14:02:31`.
    pub fn time(self, at: Timestamp) -> String {
        format!("{}{}", &self.reading(at)[11..], self.zone())
    }

    /// `14:02`, for where the zone stands elsewhere.
    fn short_time(self, at: Timestamp) -> String {
        self.reading(at)[11..16].to_owned()
    }

    /// What follows a time: nothing where it is the reader's own zone.
    pub fn zone(self) -> &'static str {
        if self.is_local.get() { "" } else { " UTC" }
    }

    /// `Today`, `Yesterday` or `23 Nov 2026`; the first two only where the zone is known.
    pub fn day(self, at: Timestamp) -> String {
        let day = self.reading(at)[..10].to_owned();
        if self.is_local.get() {
            let now = Timestamp(Date::now() as i64);
            if day == local(now).utc()[..10] {
                return "Today".into();
            }
            if day == local(Timestamp(now.0 - DAY_MS)).utc()[..10] {
                return "Yesterday".into();
            }
        }
        in_words(&day)
    }

    /// `23 Nov 2026, 14:02`.
    pub fn day_and_time(self, at: Timestamp) -> String {
        let reading = self.reading(at);
        format!("{}, {}{}", in_words(&reading[..10]), &reading[11..16], self.zone())
    }
}

const DAY_MS: i64 = 86_400_000;

/// The time of day, for people and for machines. What it stands in tells the zone.
#[component]
pub fn When(at: Timestamp) -> impl IntoView {
    let clock = Clock::here();
    view! { <time datetime=machine_readable(at)>{move || clock.short_time(at)}</time> }
}

/// The day and the time of day, for people and for machines.
#[component]
pub fn WhenAndDay(at: Timestamp) -> impl IntoView {
    let clock = Clock::here();
    view! { <time datetime=machine_readable(at)>{move || clock.day_and_time(at)}</time> }
}

fn machine_readable(at: Timestamp) -> String {
    format!("{}Z", at.utc().replacen(' ', "T", 1))
}

/// The moment whose UTC reading is what a clock in the browser's zone shows at `at`.
fn local(at: Timestamp) -> Timestamp {
    let offset_minutes = Date::new(&(at.0 as f64).into()).get_timezone_offset();
    Timestamp(at.0 - (offset_minutes * 60_000.0) as i64)
}

/// `2026-11-23` → `23 Nov 2026`.
fn in_words(day: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = day[5..7].parse::<usize>().ok().and_then(|it| MONTHS.get(it.wrapping_sub(1))).unwrap_or(&"?");
    format!("{} {month} {}", day[8..].trim_start_matches('0'), &day[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_in_words() {
        assert_eq!(in_words("2026-11-03"), "3 Nov 2026");
        assert_eq!(machine_readable(Timestamp(0)), "1970-01-01T00:00:00Z");
    }
}
