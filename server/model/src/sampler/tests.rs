use std::path::Path;

use engine::Sampling;
use safetensors::SafeTensors;
use tch::{Kind, Tensor};

use super::Ask;
use crate::processor::Processor;

/// By libtorch and by the kernels, which agree.
fn draw(logits: &Tensor, asks: &[Ask]) -> Vec<Option<u32>> {
    let [torch, kernels] = draw_both_ways(logits, asks);
    assert_eq!(torch, kernels);
    kernels
}

fn draw_both_ways(logits: &Tensor, asks: &[Ask]) -> [Vec<Option<u32>>; 2] {
    [super::draw(None, logits, asks), super::draw(Some(&Processor::new()), logits, asks)]
}

const PLAIN: Sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };

/// As close to 1 as a uniform number comes.
const ALMOST_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

fn draw_one(logits: &[f32], sampling: Sampling, uniform: f64) -> Option<u32> {
    draw(&Tensor::from_slice(logits).unsqueeze(0), &[(sampling, uniform)])[0]
}

/// Draws once for each uniform number from the same logits.
fn draw_many(logits: &[f32], sampling: Sampling, uniforms: &[f64]) -> Vec<u32> {
    let rows = Tensor::from_slice(logits).expand([uniforms.len() as i64, -1], false);
    let asks: Vec<_> = uniforms.iter().map(|uniform| (sampling, *uniform)).collect();
    draw(&rows, &asks).into_iter().map(|drawn| drawn.expect("these logits are finite")).collect()
}

fn counts(tokens: &[u32], n_tokens: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n_tokens];
    tokens.iter().for_each(|token| counts[*token as usize] += 1.0);
    counts
}

/// The middles of `n` equal parts of `[0, 1)`: each token is drawn in proportion, up to one draw at each end.
fn evenly(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect()
}

/// SplitMix64.
fn uniforms(seed: u64, n: u64) -> Vec<f64> {
    (1..=n)
        .map(|i| {
            let z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        })
        .collect()
}

fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let weights: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) / temperature).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

#[test]
fn cuts_leave_the_probabilities_of_transformers() {
    const N_DRAWS: usize = 20_000;
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sampling.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let read = |name: &str| -> Vec<f32> {
        golden
            .tensor(name)
            .unwrap()
            .data()
            .chunks(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect()
    };
    let logits = read("logits");
    for name in golden.names().into_iter().filter(|name| *name != "logits") {
        let [temperature, top_k, top_p] = name.split('/').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let top_k = top_k.parse().ok().filter(|k| *k > 0);
        let sampling =
            Sampling::Random { temperature: temperature.parse().unwrap(), top_p: top_p.parse().unwrap(), top_k };
        let observed = counts(&draw_many(&logits, sampling, &evenly(N_DRAWS)), logits.len());
        for (token, (count, probability)) in observed.iter().zip(read(name)).enumerate() {
            let expected = f64::from(probability) * N_DRAWS as f64;
            assert!((count - expected).abs() <= 2.0, "{name}: token {token} {count} times, not {expected}");
        }
    }
}

#[test]
fn greedy_takes_the_likeliest_whatever_the_draw() {
    assert_eq!(draw_one(&[0.0, 3.0, -1.0], Sampling::Greedy, ALMOST_ONE), Some(1));
}

#[test]
fn what_has_no_probability_is_never_drawn() {
    let logits = [-1e4, -1e4, 0.0, -1e4, 0.0, -1e4, -1e4];
    for sampling in [PLAIN, Sampling::Random { temperature: 1.0, top_p: 0.999_999, top_k: Some(7) }] {
        let drawn = draw_many(&logits, sampling, &[0.0, f64::MIN_POSITIVE, 0.499, 0.5, 0.501, ALMOST_ONE]);
        assert_eq!(drawn, [2, 2, 2, 4, 4, 4]);
    }
}

#[test]
fn each_of_many_words_is_reached() {
    const N: usize = 151_936;
    let logits = vec![0.1; N];
    let aims = [0, 1, 77, N / 2, N - 2, N - 1];
    let uniforms = aims.map(|token| (token as f64 + 0.5) / N as f64);
    assert_eq!(draw_many(&logits, PLAIN, &uniforms), aims.map(|token| token as u32));
}

#[test]
fn top_k_keeps_the_k_likeliest() {
    let logits = [1.0, 4.0, 2.0, 3.0];
    let keeps = |k| Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: Some(k) };
    assert_eq!(draw_many(&logits, keeps(1), &[0.0, 0.5, ALMOST_ONE]), [1, 1, 1]);
    assert_eq!(draw_many(&logits, keeps(2), &[0.0, ALMOST_ONE]), [1, 3]);
    let all = counts(&draw_many(&logits, keeps(99), &evenly(1000)), 4);
    assert!(all.iter().all(|count| *count > 0.0));
}

#[test]
fn top_p_keeps_the_token_that_crosses_it() {
    // 0.5, 0.3, 0.2
    let logits = [0.3_f32.ln(), 0.5_f32.ln(), 0.2_f32.ln()];
    let reaches = |top_p| Sampling::Random { temperature: 1.0, top_p, top_k: None };
    let drawn = |top_p| counts(&draw_many(&logits, reaches(top_p), &evenly(800)), 3);
    assert_eq!(drawn(1e-9), [0.0, 800.0, 0.0]);
    assert_eq!(drawn(0.49), [0.0, 800.0, 0.0]);
    assert_eq!(drawn(0.51), [300.0, 500.0, 0.0]);
    assert!(drawn(0.81).iter().all(|count| *count > 0.0));
}

#[test]
fn equal_tokens_are_cut_to_the_smallest_set() {
    let half = Sampling::Random { temperature: 1.0, top_p: 0.5, top_k: None };
    let asks: Vec<_> = evenly(800).into_iter().map(|uniform| (half, uniform)).collect();
    // Which of the equal ones are kept is each way's own.
    for drawn in draw_both_ways(&Tensor::zeros([800, 8], (Kind::Float, tch::Device::Cpu)), &asks) {
        let drawn = counts(&drawn.into_iter().flatten().collect::<Vec<_>>(), 8);
        assert_eq!(drawn.iter().filter(|count| **count == 200.0).count(), 4);
    }
}

#[test]
fn no_temperature_overflows() {
    for temperature in [1e-320, 1e-30, 1e-3, 1e300] {
        let sampling = Sampling::Random { temperature, top_p: 1.0, top_k: None };
        let drawn = draw_one(&[-3e38, 1.0, 3e38], sampling, 0.9);
        assert!(matches!(drawn, Some(2)), "{temperature}: {drawn:?}");
    }
}

#[test]
fn a_row_that_is_not_finite_fails_alone() {
    let cut = Sampling::Random { temperature: 1.0, top_p: 0.5, top_k: Some(2) };
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let logits = Tensor::from_slice(&[0.0, 9.0, 0.0, 0.0, bad, 9.0, 9.0, 0.0, 0.0]).view([3, 3]);
        for sampling in [Sampling::Greedy, PLAIN, cut] {
            let drawn = draw(&logits.to_kind(Kind::Float), &[(sampling, 0.5); 3]);
            assert_eq!(drawn, [Some(1), None, Some(0)], "{bad} {sampling:?}");
        }
    }
}

#[test]
fn a_row_without_any_probability_fails_alone() {
    let nothing = [f32::NEG_INFINITY; 3];
    let logits = Tensor::from_slice(&[[0.0, 9.0, 0.0], nothing].concat()).view([2, 3]);
    for sampling in [Sampling::Greedy, PLAIN] {
        assert_eq!(draw(&logits, &[(sampling, 0.5); 2]), [Some(1), None]);
    }
}

/// The probabilities that a sampling gives tokens, worked out anew: the likeliest are kept one by one.
fn probabilities(logits: &[f32], temperature: f64, top_p: f64, top_k: usize) -> Vec<f64> {
    let all = softmax(logits, temperature);
    let mut ranks: Vec<usize> = (0..all.len()).collect();
    ranks.sort_by(|left, right| all[*right].total_cmp(&all[*left]));
    let of_k: f64 = ranks.iter().take(top_k).map(|token| all[*token]).sum();
    let (mut kept, mut mass) = (vec![0.0; all.len()], 0.0);
    for token in ranks.into_iter().take(top_k) {
        if mass / of_k < top_p {
            (kept[token], mass) = (all[token], mass + all[token]);
        }
    }
    kept.into_iter().map(|probability| probability / mass).collect()
}

/// What a chi-squared sum exceeds once in a thousand times. (Wilson and Hilferty, 1931.)
fn chi_squared_max(n_tokens: usize) -> f64 {
    let (degrees, z) = ((n_tokens - 1) as f64, 3.0902);
    degrees * (1.0 - 2.0 / (9.0 * degrees) + z * (2.0 / (9.0 * degrees)).sqrt()).powi(3)
}

#[test]
fn a_million_draws_of_each_kind_follow_the_exact_probabilities() {
    let logits: Vec<f32> = (0..24).map(|i| (i as f32 * 2.3).sin() * 2.5).collect();
    for temperature in [0.5, 1.0] {
        for (top_p, top_k) in [(1.0, None), (0.8, None), (1.0, Some(9))] {
            let sampling = Sampling::Random { temperature, top_p, top_k };
            let expected = probabilities(&logits, temperature, top_p, top_k.unwrap_or(24) as usize);
            (0..20).for_each(|seed| check_draws(&logits, sampling, seed, &expected));
        }
    }
}

/// Where two tokens meet the two ways may differ, but each follows the probabilities.
fn check_draws(logits: &[f32], sampling: Sampling, seed: u64, expected: &[f64]) {
    const N_DRAWS: u64 = 50_000;
    let n_kept = expected.iter().filter(|probability| **probability > 0.0).count();
    let rows = Tensor::from_slice(logits).expand([N_DRAWS as i64, -1], false);
    let asks: Vec<_> = uniforms(seed, N_DRAWS).into_iter().map(|uniform| (sampling, uniform)).collect();
    let both = draw_both_ways(&rows, &asks).map(|drawn| drawn.into_iter().collect::<Option<Vec<_>>>().unwrap());
    for drawn in &both {
        let observed = counts(drawn, expected.len());
        let terms = observed.iter().zip(expected).filter(|(_, probability)| **probability > 0.0);
        let chi_squared: f64 = terms.map(|(o, p)| (o - p * N_DRAWS as f64).powi(2) / (p * N_DRAWS as f64)).sum();
        let n_outside: f64 = observed.iter().zip(expected).filter(|(_, p)| **p == 0.0).map(|(o, _)| o).sum();
        assert_eq!(n_outside, 0.0, "{sampling:?} draws what it has cut");
        assert!(chi_squared < chi_squared_max(n_kept), "{sampling:?}, seed {seed}: {chi_squared} of {n_kept}");
    }
    let n_apart = both[0].iter().zip(&both[1]).filter(|(torch, kernels)| torch != kernels).count();
    assert!(n_apart <= 2, "{sampling:?}, seed {seed}: {n_apart} draws differ");
}

#[test]
fn neighbours_change_nothing() {
    let logits = Tensor::from_slice(&[0.5_f32, 1.0, 0.2, 0.1, 2.0, 0.3]).view([2, 3]).repeat([2, 1]);
    let cut = Sampling::Random { temperature: 0.9, top_p: 0.8, top_k: None };
    let asks = [(PLAIN, 0.3), (cut, 0.6), (Sampling::Greedy, 0.1), (PLAIN, 0.95)];
    let alone: Vec<Option<u32>> =
        (0..4).map(|row| draw(&logits.narrow(0, row, 1), &asks[row as usize..][..1])[0]).collect();
    assert_eq!(draw(&logits, &asks), alone);
}
