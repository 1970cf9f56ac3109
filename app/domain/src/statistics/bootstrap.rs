//! The percentile bootstrap (Efron 1979) of a rate: what is drawn at random is drawn anew, over and over, and the
//! interval is where the middle of the results lies.

use super::{
    Interval, Level, Method, Unit, mean, quantile,
    random::Random,
    resample::{Cell, draw_all},
};
use crate::Counts;

/// How to resample. The same settings give the same interval everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// 2,000 as in the study; with fewer than some hundreds the ends of the interval are rough.
    pub resamples: u32,
    pub seed: u64,
    pub level: Level,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2_000, seed: 0, level: Level::P95 }
    }
}

/// The mean of the seeds' rates, each counting the same however many answers it has; a seed without coherent answers
/// has none. None where no seed has one.
pub fn mean_rate(seeds: &[Counts]) -> Option<f64> {
    mean(&rates(seeds))
}

impl Bootstrap {
    /// Of the rate of all cells together, with the answers of each cell drawn anew among themselves: how sure the rate
    /// is of these questions put to this model.
    ///
    /// A cell in which none or all of the coherent answers are misaligned gives an interval without width, see
    /// [`Interval::is_degenerate`]. None where no answer is coherent.
    pub fn rate_over_answers(&self, cells: &[Counts]) -> Option<Interval> {
        let mut cells: Vec<_> = cells.iter().copied().map(Cell::new).collect();
        self.interval(Unit::Answers, |random| draw_all(&mut cells, random).rate())
    }

    /// Of the rate of all questions together, with whole questions drawn anew (the cluster bootstrap): how sure the rate
    /// is of questions like these.
    ///
    /// A question that was asked and has no coherent answers is drawn like the others and adds nothing; one that was not
    /// asked is not drawn. None where fewer than two were asked, since one question cannot tell how questions differ.
    pub fn rate_over_questions(&self, questions: &[Counts]) -> Option<Interval> {
        let asked: Vec<_> = questions.iter().copied().filter(|it| it.asked() > 0).collect();
        self.over(Unit::Questions, &asked, |drawn| drawn.iter().copied().sum::<Counts>().rate())
    }

    /// Of [`mean_rate`], with finetunings drawn anew that differ in their seed alone: the bars of the study's figures.
    ///
    /// None where fewer than two have a rate: the study's bar then has no width, which looks like certainty.
    pub fn mean_rate_over_finetuning_seeds(&self, seeds: &[Counts]) -> Option<Interval> {
        self.over(Unit::FinetuningSeeds, &rates(seeds), mean)
    }

    /// Of a statistic of `units`, each resample as many of them as there are. None where there are fewer than two.
    pub(crate) fn over<T: Copy>(
        &self,
        unit: Unit,
        units: &[T],
        statistic: impl Fn(&[T]) -> Option<f64>,
    ) -> Option<Interval> {
        if units.len() < 2 {
            return None;
        }
        let mut drawn = units.to_vec();
        self.interval(unit, |random| {
            drawn.fill_with(|| units[random.index(units.len())]);
            statistic(&drawn)
        })
    }

    /// Of what `statistic` makes of one resample after the other. Resamples without a value are left out; where a single
    /// answer gives the figure its value, these are up to 37 in a hundred. None where none has a value.
    pub(crate) fn interval(
        &self,
        unit: Unit,
        mut statistic: impl FnMut(&mut Random) -> Option<f64>,
    ) -> Option<Interval> {
        let mut random = Random::new(self.seed);
        let mut values: Vec<f64> = (0..self.resamples).filter_map(|_| statistic(&mut random)).collect();
        let tail = self.level.tail();
        let (low, high) = (quantile(&mut values, tail)?, quantile(&mut values, 1.0 - tail)?);
        Some(Interval { low, high, level: self.level, method: Method::Bootstrap { resamples: self.resamples }, unit })
    }
}

/// The rates of all that have one.
fn rates(seeds: &[Counts]) -> Vec<f64> {
    seeds.iter().filter_map(|it| it.rate()).collect()
}

#[cfg(test)]
mod tests;
