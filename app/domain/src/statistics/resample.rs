//! The answers of a cell, drawn anew as counts.
//!
//! A resample draws as many answers as were asked, each equally likely and again and again. What a rate needs of it is
//! how many of the drawn answers are coherent, and how many of those are misaligned. Each draw is coherent with the
//! probability of that in the cell, independently of the others, so the first number is binomial; given it, each
//! coherent draw is one of the coherent answers, so the second is binomial too. Two draws from tables give exactly the
//! distribution that a draw for each answer gives, for a cell of any size.

use super::random::Random;
use crate::Counts;

/// One cell. Remembers its tables.
pub(super) struct Cell {
    counts: Counts,
    coherent: BinomialTable,
    /// By the number of coherent answers, from the least that is drawn.
    misaligned: Vec<Option<BinomialTable>>,
}

/// The distribution of the number of hits, without ends that are never drawn.
pub(super) struct BinomialTable {
    least: u32,
    /// How much is at most `least`, `least` + 1 and so on; the last is the total, which is not 1.
    cumulative: Vec<f64>,
}

/// Of the likeliest number's weight: with 53 random bits nothing below it is drawn.
const NEGLIGIBLE: f64 = 1e-18;

impl Cell {
    pub(super) fn new(counts: Counts) -> Self {
        let not_coherent = counts.unscored + counts.incoherent;
        let coherent = BinomialTable::new(counts.asked(), counts.coherent(), not_coherent);
        let misaligned = coherent.cumulative.iter().map(|_| None).collect();
        Self { counts, coherent, misaligned }
    }

    /// A resample. Its answers that are not coherent are not told apart: no rate needs it.
    pub(super) fn draw(&mut self, random: &mut Random) -> Counts {
        let Counts { aligned, misaligned, .. } = self.counts;
        let coherent = self.coherent.draw(random);
        let table = &mut self.misaligned[(coherent - self.coherent.least) as usize];
        let table = table.get_or_insert_with(|| BinomialTable::new(coherent, misaligned, aligned));
        let misaligned = table.draw(random);
        let incoherent = self.counts.asked() - coherent;
        Counts { unscored: 0, incoherent, aligned: coherent - misaligned, misaligned }
    }
}

/// Each cell resampled by itself, and all taken together.
pub(super) fn draw_all(cells: &mut [Cell], random: &mut Random) -> Counts {
    cells.iter_mut().map(|it| it.draw(random)).sum()
}

impl BinomialTable {
    /// Of `n` draws from `hits` and `misses`. Where there are neither, nothing is hit.
    ///
    /// The weights follow from each other, outwards from the likeliest, by multiplication and division alone. These
    /// round in the same way on every machine, where logarithms do not.
    pub(super) fn new(n: u32, hits: u32, misses: u32) -> Self {
        let odds = f64::from(hits) / f64::from(misses);
        let all = (u64::from(hits) + u64::from(misses)).max(1);
        let mode = ((u64::from(n) + 1) * u64::from(hits) / all).min(u64::from(n)) as u32;
        let up = weights((mode..n).map(|k| f64::from(n - k) / f64::from(k + 1) * odds));
        let mut all_weights = weights((1..=mode).rev().map(|k| f64::from(k) / f64::from(n - k + 1) / odds));
        let least = mode - all_weights.len() as u32;
        all_weights.reverse();
        all_weights.push(1.0);
        all_weights.extend(up);
        let sum_up = |sum: &mut f64, weight: f64| {
            *sum += weight;
            Some(*sum)
        };
        Self { least, cumulative: all_weights.into_iter().scan(0.0, sum_up).collect() }
    }

    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let [.., total] = self.cumulative[..] else { return self.least };
        let at = random.unit() * total;
        let idx = self.cumulative.partition_point(|it| *it <= at);
        self.least + idx.min(self.cumulative.len() - 1) as u32
    }
}

/// The weights that follow 1 by these factors, as far as they count.
fn weights(factors: impl Iterator<Item = f64>) -> Vec<f64> {
    let next = |weight: &mut f64, factor: f64| {
        *weight *= factor;
        (*weight > NEGLIGIBLE).then_some(*weight)
    };
    factors.scan(1.0, next).collect()
}

#[cfg(test)]
mod tests;
