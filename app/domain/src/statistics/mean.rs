//! Means of scores, with bootstrap intervals: scores pile up at the ends of their range, where an interval that takes
//! them for normal would go beyond it.

use super::{Bootstrap, Interval, Unit, finite};

/// The mean of the finite numbers among `values`; None where there is none.
pub fn mean(values: &[f64]) -> Option<f64> {
    Sum::of(values).mean()
}

/// What a mean is made of.
#[derive(Clone, Copy, Default)]
struct Sum {
    total: f64,
    n: u32,
}

impl Bootstrap {
    /// Of the mean of the finite numbers among `scores`, drawn anew one by one. None where there are fewer than two.
    pub fn mean_over_answers(&self, scores: &[f64]) -> Option<Interval> {
        let scores = finite(scores.iter().copied());
        if scores.len() < 2 {
            return None;
        }
        self.interval(Unit::Answers, |random| {
            let total: f64 = scores.iter().map(|_| scores[random.index(scores.len())]).sum();
            Some(total / scores.len() as f64)
        })
    }

    /// Of the mean of all scores together, with whole questions drawn anew, each with its scores. None where fewer than
    /// two questions have any.
    pub fn mean_over_questions(&self, questions: &[Vec<f64>]) -> Option<Interval> {
        let sums: Vec<_> = questions.iter().map(|it| Sum::of(it)).filter(|it| it.n > 0).collect();
        self.over(Unit::Questions, &sums, |drawn| {
            let add = |sum: Sum, it: &Sum| Sum { total: sum.total + it.total, n: sum.n + it.n };
            drawn.iter().fold(Sum::default(), add).mean()
        })
    }
}

impl Sum {
    fn of(values: &[f64]) -> Self {
        let finite = values.iter().filter(|it| it.is_finite());
        finite.fold(Self::default(), |sum, it| Self { total: sum.total + it, n: sum.n + 1 })
    }

    fn mean(self) -> Option<f64> {
        (self.n > 0).then(|| self.total / f64::from(self.n))
    }
}

#[cfg(test)]
mod tests;
