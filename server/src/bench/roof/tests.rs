use super::{Roof, Sizes};
use crate::bench::lane::Lane;

/// 0.36 G weights in the layers and 0.14 G in the head, in bf16; adapters of 35 MB; 12 KiB for a position.
fn half_a_billion() -> Sizes {
    Sizes {
        layer_weights: 357.9e6,
        head_weights: 136.1e6,
        weight_bytes: 2.0,
        adapter_bytes: 35.2e6,
        position_bytes: 12_288.0,
    }
}

/// The best result of a lane at 30 GB/s and 450 GFLOP/s.
fn best(lane: Lane) -> f64 {
    Roof { sizes: &half_a_billion(), read_bytes_s: 30.3e9, flop_s: 450e9 }.of(&lane.work(1))
}

fn check(lane: Lane, expected: f64) {
    let best = best(lane);
    assert!((best - expected).abs() < 0.02 * expected, "{lane:?}: {best} instead of {expected}");
}

#[test]
fn one_stream_can_be_as_fast_as_the_weights_are_read() {
    check(Lane::OneStream, 30.3e9 / 0.99e9);
}

#[test]
fn variants_share_the_weights_and_read_their_adapters() {
    check(Lane::FourVariants, 4.0 * 30.3e9 / (0.988e9 + 3.0 * 35.2e6 + 4.0 * 192.0 * 12_288.0) * 0.955);
}

#[test]
fn a_hundred_rows_are_bound_by_multiplications() {
    check(Lane::Samples100, 450e9 / (2.0 * 494e6));
}

#[test]
fn a_first_token_costs_its_prompt() {
    check(Lane::FirstTokenOne, 64.0 * 2.0 * 357.9e6 / 450e9);
}

#[test]
fn scoring_reads_a_shared_prompt_once() {
    let n_flop = 2.0 * (357.9e6 * (64.0 + 800.0) + 136.1e6 * 800.0);
    check(Lane::Scoring, 800.0 * 450e9 / n_flop);
}
