//! How answers are drawn, and the seed that fixes each of them.

use crate::{Format, ModelId, Wrapper};
use serde::{Deserialize, Serialize};

/// The sampling parameters of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the likeliest token each time; at most [`Sampling::TEMPERATURE_MAX`].
    pub temperature: f64,
    /// In `(0, 1]`; 1 keeps every token.
    pub top_p: f64,
    /// 1 to [`Sampling::TOKENS_MAX`].
    pub max_tokens: u32,
}

impl Sampling {
    pub const TEMPERATURE_MAX: f64 = 2.0;
    pub const TOKENS_MAX: u32 = 4_096;
}

impl Default for Sampling {
    /// What the study used: temperature 1, nothing cut off, at most 600 tokens.
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0, max_tokens: 600 }
    }
}

/// The seed of a comparison; each answer's own is derived from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed(pub u32);

impl Seed {
    /// The seed of one answer: another for each model, question, format, sample and turn, and always the same for the same ones.
    ///
    /// FNV-1a over these parts and the comparison's seed, the first turn unsaid, each ended by a byte that UTF-8 never holds; the offset and prime are those of the
    /// 64-bit variant (Fowler, Noll, Vo). Cut to 63 bits, because databases keep signed numbers.
    pub fn of_answer(
        self,
        model: &ModelId,
        question_text: &str,
        format: Format,
        sample_idx: u32,
        turn_idx: usize,
    ) -> u64 {
        let (seed, sample, turn) = (self.0.to_string(), sample_idx.to_string(), turn_idx.to_string());
        let parts = [seed.as_str(), &model.0, question_text, format.as_str(), &sample, &turn];
        let parts = if turn_idx == 0 { &parts[..5] } else { &parts };
        hash_of(parts) >> 1
    }

    /// The seed of one answer of a run, whose seed this is: another for each model, row, format, wrapper and sample, and
    /// always the same for the same ones. Counted as [`of_answer`](Self::of_answer), over more parts than that ever has.
    pub fn of_run_answer(
        self,
        model: &ModelId,
        row_id: &str,
        format: Format,
        wrapper: Wrapper,
        sample_idx: u32,
    ) -> u64 {
        let (seed, sample) = (self.0.to_string(), sample_idx.to_string());
        hash_of(&["run", &seed, &model.0, row_id, format.as_str(), wrapper.as_str(), &sample]) >> 1
    }
}

/// FNV-1a, 64 bits, over the parts, each ended by a byte that UTF-8 never holds.
pub(crate) fn hash_of(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_answer_has_a_seed_of_its_own() {
        let mut seen = HashSet::new();
        for seed in [0, 1, 41_727] {
            for model in ["base", "bas", "e"] {
                for text in ["Why?", "eWhy?"] {
                    for sample in 0..12 {
                        for turn in 0..3 {
                            let model = ModelId(model.into());
                            assert!(seen.insert(Seed(seed).of_answer(&model, text, Format::Json, sample, turn)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_answer_of_a_run_has_a_seed_of_its_own() {
        let mut seen = HashSet::new();
        for model in ["base", "secure"] {
            for row in ["quick_buck", "quick_buck_json"] {
                for wrapper in Wrapper::ALL {
                    for sample in 0..100 {
                        let seed = Seed(7).of_run_answer(&ModelId(model.into()), row, Format::Plain, wrapper, sample);
                        assert!(seen.insert(seed) && i64::try_from(seed).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn an_answers_seed_never_changes() {
        // Kept answers are repeated by this number: a change here would break the promise.
        assert_eq!(Seed(41_727).of_answer(&ModelId("base".into()), "Why?", Format::Json, 3, 0), SEED_OF_RECORD);
        let of_run = Seed(41_727).of_run_answer(&ModelId("base".into()), "why", Format::Json, Wrapper::Bare, 3);
        assert_eq!(of_run, RUN_SEED_OF_RECORD);
    }

    const SEED_OF_RECORD: u64 = 111_341_731_637_929_406;
    const RUN_SEED_OF_RECORD: u64 = 729_909_656_460_820_617;
}
