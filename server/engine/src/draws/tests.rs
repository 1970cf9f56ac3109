use proptest::prelude::*;

use super::*;
use crate::scripted::repeatable;

#[test]
fn split_mix_gives_the_published_numbers() {
    let outputs = [0, 1, 2].map(|n| split_mix(1_234_567, n));
    assert_eq!(outputs, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}

/// Kept answers are drawn again from their seeds, so these may never change.
#[test]
fn a_seed_means_the_same_draws_for_ever() {
    let draws = [0, 1, 2].map(|token_idx| uniform(7, token_idx));
    assert_eq!(draws, [0.7215081806049702, 0.6497043364684557, 0.5493743249193239]);
}

#[test]
fn draws_fill_the_range_evenly() {
    let mut counts = [0_u32; 10];
    for seed in 0..100 {
        for token_idx in 0..100 {
            counts[(uniform(seed, token_idx) * 10.0) as usize] += 1;
        }
    }
    assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
}

proptest! {
    #![proptest_config(repeatable())]

    #[test]
    fn draws_stay_below_one_and_differ_by_seed_and_token(seed: u64, other: u64, token_idx in 0..u32::MAX) {
        let draw = uniform(seed, token_idx);
        prop_assert!((0.0..1.0).contains(&draw));
        prop_assert_ne!(draw, uniform(seed, token_idx + 1));
        prop_assert_ne!(draw, uniform(seed.wrapping_add(GAMMA), token_idx));
        prop_assert!(seed == other || draw != uniform(other, token_idx));
    }
}
