//! Two models on the same questions: how their rates differ.

use super::{
    Bootstrap, Interval, Unit,
    resample::{Cell, draw_all},
};
use crate::Counts;
use serde::{Deserialize, Serialize};

/// How two rates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contrast {
    /// Ours less the reference's, from −1 to 1.
    Difference,
    /// How many times the reference's ours is, from 0. Infinite where only the reference's is 0.
    Ratio,
}

impl Contrast {
    /// Of all answers of two models. None where one has no coherent answers, and for the ratio also where both rates are
    /// 0: nothing is then known of how many times one is the other.
    pub fn of(self, ours: Counts, reference: Counts) -> Option<f64> {
        let (ours, reference) = (ours.rate()?, reference.rate()?);
        match self {
            Self::Difference => Some(ours - reference),
            Self::Ratio => Some(ours / reference).filter(|it| !it.is_nan()),
        }
    }
}

impl Bootstrap {
    /// Of the contrast of two models on the same questions, ours first: whole questions are drawn anew, each with the
    /// answers of both, so that what makes a question hard for both does not widen the interval.
    ///
    /// Questions that were not put to both are left out; None where fewer than two are left. A resample whose ratio is
    /// not known is left out; one in which only the reference's rate is 0 has an infinite ratio, and where these reach
    /// the end of the interval it is infinite.
    pub fn contrast_over_questions(&self, contrast: Contrast, questions: &[(Counts, Counts)]) -> Option<Interval> {
        let is_asked = |(ours, reference): &(Counts, Counts)| ours.asked() > 0 && reference.asked() > 0;
        let asked: Vec<_> = questions.iter().copied().filter(is_asked).collect();
        self.over(Unit::Questions, &asked, |drawn| {
            let ours = drawn.iter().map(|(ours, _)| *ours).sum();
            contrast.of(ours, drawn.iter().map(|(_, reference)| *reference).sum())
        })
    }

    /// The same with the answers of each cell drawn anew among themselves. Answers of two models are drawn
    /// independently: there is nothing that pairs them.
    pub fn contrast_over_answers(&self, contrast: Contrast, ours: &[Counts], reference: &[Counts]) -> Option<Interval> {
        let cells = |counts: &[Counts]| -> Vec<Cell> { counts.iter().copied().map(Cell::new).collect() };
        let (mut ours, mut reference) = (cells(ours), cells(reference));
        self.interval(Unit::Answers, |random| {
            contrast.of(draw_all(&mut ours, random), draw_all(&mut reference, random))
        })
    }
}

#[cfg(test)]
mod tests;
