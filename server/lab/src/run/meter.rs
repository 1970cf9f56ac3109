//! How fast a run goes: over the last minute, second by second.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// What ended in the seconds of the last minute. It never holds more than sixty of them.
pub struct Meter {
    begun: Instant,
    seconds: VecDeque<Second>,
}

struct Second {
    from: Instant,
    n_answers: u64,
    n_tokens: u64,
}

/// Both above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub answers_per_second: f64,
    pub tokens_per_second: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { begun: Instant::now(), seconds: VecDeque::new() }
    }
}

impl Meter {
    /// An answer of so many tokens has ended.
    pub fn count(&mut self, n_tokens: u64) {
        self.count_at(Instant::now(), n_tokens);
    }

    /// None where nothing ended within the last minute.
    pub fn pace(&self) -> Option<Pace> {
        self.pace_at(Instant::now())
    }

    fn count_at(&mut self, now: Instant, n_tokens: u64) {
        if self.seconds.back().is_none_or(|it| now - it.from >= SECOND) {
            self.seconds.retain(|it| now - it.from < WINDOW);
            self.seconds.push_back(Second { from: now, n_answers: 0, n_tokens: 0 });
        }
        let second = self.seconds.back_mut().expect("one was pushed at the latest now");
        second.n_answers += 1;
        second.n_tokens += n_tokens;
    }

    fn pace_at(&self, now: Instant) -> Option<Pace> {
        let (mut n_answers, mut n_tokens) = (0, 0);
        for second in self.seconds.iter().filter(|it| now - it.from < WINDOW) {
            n_answers += second.n_answers;
            n_tokens += second.n_tokens;
        }
        // In its first second a run would seem to be infinitely fast.
        let seconds = (now - self.begun).clamp(SECOND, WINDOW).as_secs_f64();
        let per_second = |n: u64| n as f64 / seconds;
        (n_answers > 0)
            .then(|| Pace { answers_per_second: per_second(n_answers), tokens_per_second: per_second(n_tokens) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_minute() {
        let mut meter = Meter::default();
        let at = |ms: u64| meter_begun(&meter) + Duration::from_millis(ms);
        let times: Vec<_> = (0..1_200).map(|it| at(it * 100)).collect();
        let (half, end, later) = (at(30_000), at(120_000), at(200_000));
        for time in &times[..300] {
            meter.count_at(*time, 7);
        }
        assert_eq!(meter.pace_at(half), Some(Pace { answers_per_second: 10.0, tokens_per_second: 70.0 }));
        for time in &times[300..] {
            meter.count_at(*time, 7);
        }
        let pace = meter.pace_at(end).unwrap();
        assert!((pace.answers_per_second - 10.0).abs() < 0.2, "{pace:?}");
        assert!(meter.seconds.len() <= 61);
        assert_eq!(meter.pace_at(later), None);
    }

    fn meter_begun(meter: &Meter) -> Instant {
        meter.begun
    }
}
