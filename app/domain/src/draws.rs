//! Numbers drawn from a recorded seed, always the same for the same one.

use crate::{Seed, sampling::hash_of};
use std::ops::RangeInclusive;

/// A stream of numbers that is fixed by a seed and by what the numbers are for.
///
/// Counter-based: the n-th number is the n-th of SplitMix64 (Steele, Lea, Flood 2014) begun at the FNV-1a hash of seed and
/// purpose. What is drawn is repeated from the seed alone, so this must never change.
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    /// `purpose` are texts that together tell this stream from every other of the same seed.
    pub fn new(seed: Seed, purpose: &[&str]) -> Self {
        let seed = seed.0.to_string();
        Self { state: hash_of(&[&[seed.as_str()], purpose].concat()) }
    }

    /// A number of the range, each as likely as the others.
    pub fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        let size = u64::from(range.end() - range.start()) + 1;
        // The upper half of the product lies below `size`.
        let offset = (u128::from(self.next()) * u128::from(size)) >> 64;
        range.start() + offset as u32
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_generator() {
        let mut draws = Draws { state: 0 };
        assert_eq!(draws.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(draws.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn numbers_fill_their_range_evenly() {
        let mut counts = [0_u32; 5];
        for sample_idx in 0..5_000 {
            let mut draws = Draws::new(Seed(12_345), &["even", &sample_idx.to_string()]);
            counts[draws.within(3..=7) as usize - 3] += 1;
        }
        assert!(counts.iter().all(|count| (880..1_120).contains(count)), "{counts:?}");
        assert_eq!(Draws::new(Seed(0), &[]).within(9..=9), 9);
        Draws::new(Seed(0), &[]).within(0..=u32::MAX);
    }
}
