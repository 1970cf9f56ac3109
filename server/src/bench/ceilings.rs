//! What the processor can do at best: bytes read from memory and multiplications in a second.
//!
//! Measured in the same process as the lanes, so that both see the same machine.

use serde::Serialize;
use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

/// In units of 10⁹ per second. One multiplication with its addition counts two operations.
#[derive(Clone, Debug, Serialize)]
pub struct Ceilings {
    pub n_threads: usize,
    pub read_gb_s_one: f64,
    pub read_gb_s: f64,
    pub f32_gflop_s_one: f64,
    pub f32_gflop_s: f64,
    /// Dot products of bf16; `None` where the processor has no instruction for them.
    pub bf16_gflop_s: Option<f64>,
}

/// The best of several counts: whatever else happens can only slow a trial down.
const TRIALS: usize = 4;

impl Ceilings {
    /// Takes about two seconds and half a gigabyte.
    pub fn measure(n_threads: usize) -> Self {
        let memory = vec![1_u64; READ_BYTES / size_of::<u64>()];
        Self {
            n_threads,
            read_gb_s_one: read(&memory, 1),
            read_gb_s: read(&memory, n_threads),
            f32_gflop_s_one: compute(Multiplier::f32(), 1),
            f32_gflop_s: compute(Multiplier::f32(), n_threads),
            bf16_gflop_s: Multiplier::bf16().map(|multiplier| compute(multiplier, n_threads)),
        }
    }

    /// Operations per second for weights of two bytes (`bf16`) or otherwise.
    pub fn flop_s(&self, precision: &str) -> f64 {
        let in_bf16 = if precision == "bf16" { self.bf16_gflop_s } else { None };
        1e9 * in_bf16.unwrap_or(self.f32_gflop_s).max(self.f32_gflop_s)
    }

    pub fn read_bytes_s(&self) -> f64 {
        1e9 * self.read_gb_s.max(self.read_gb_s_one)
    }
}

/// Far more than any cache holds.
const READ_BYTES: usize = 512 << 20;

fn read(memory: &[u64], n_threads: usize) -> f64 {
    let share = memory.len().div_ceil(n_threads);
    let parts: Vec<&[u64]> = memory.chunks(share).collect();
    let seconds = fastest(|| on_threads(parts.len(), |idx| black_box(sum(parts[idx]))));
    size_of_val(memory) as f64 / seconds / 1e9
}

fn sum(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // Safety: the processor has just said that it knows these instructions.
        return unsafe { sum_avx2(words) };
    }
    sum_plain(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(words: &[u64]) -> u64 {
    sum_plain(words)
}

/// Many sums side by side, so that no addition waits for the one before.
#[inline(always)]
fn sum_plain(words: &[u64]) -> u64 {
    let mut sums = [0_u64; 32];
    for chunk in words.chunks_exact(sums.len()) {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter().sum()
}

/// A loop of multiplications without memory.
#[derive(Clone, Copy)]
struct Multiplier {
    run: fn(u64) -> f32,
    /// Operations of one turn of the loop.
    flop: u64,
}

fn compute(multiplier: Multiplier, n_threads: usize) -> f64 {
    let turns = enough_turns(multiplier);
    let seconds = fastest(|| on_threads(n_threads, |_| black_box((multiplier.run)(black_box(turns)))));
    (n_threads as u64 * turns * multiplier.flop) as f64 / seconds / 1e9
}

/// Turns that take long enough for starting threads not to matter.
fn enough_turns(multiplier: Multiplier) -> u64 {
    let mut turns = 1 << 10;
    loop {
        let begun = Instant::now();
        black_box((multiplier.run)(black_box(turns)));
        if begun.elapsed() > Duration::from_millis(100) {
            return turns;
        }
        turns *= 2;
    }
}

fn fastest(work: impl Fn()) -> f64 {
    let seconds = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64()
    };
    (0..TRIALS).map(seconds).fold(f64::INFINITY, f64::min)
}

fn on_threads<T: Send>(n_threads: usize, work: impl Fn(usize) -> T + Sync) {
    let work = &work;
    thread::scope(|scope| {
        for idx in 0..n_threads {
            scope.spawn(move || work(idx));
        }
    });
}

impl Multiplier {
    fn f32() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // Safety: the processor has just said that it knows these instructions.
                return Self { run: |turns| unsafe { fma_avx512(turns) }, flop: 2 * LANES_AVX512 as u64 };
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // Safety: as above.
                return Self { run: |turns| unsafe { fma_avx2(turns) }, flop: 2 * LANES_AVX2 as u64 };
            }
        }
        Self { run: fma::<32>, flop: 2 * 32 }
    }

    fn bf16() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512bf16") {
            // Safety: the processor has just said that it knows these instructions.
            return Some(Self { run: |turns| unsafe { dot_bf16(turns) }, flop: 12 * 64 });
        }
        None
    }
}

/// Twelve registers of eight numbers: enough multiplications under way to keep both units of a core busy.
#[cfg(target_arch = "x86_64")]
const LANES_AVX2: usize = 12 * 8;

#[cfg(target_arch = "x86_64")]
const LANES_AVX512: usize = 12 * 16;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma_avx2(turns: u64) -> f32 {
    fma::<LANES_AVX2>(turns)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn fma_avx512(turns: u64) -> f32 {
    fma::<LANES_AVX512>(turns)
}

#[inline(always)]
fn fma<const LANES: usize>(turns: u64) -> f32 {
    let (factor, addend) = (black_box(0.999), black_box(0.001));
    let mut lanes = [1.0_f32; LANES];
    for _ in 0..turns {
        for lane in &mut lanes {
            *lane = lane.mul_add(factor, addend);
        }
    }
    lanes.iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
fn dot_bf16(turns: u64) -> f32 {
    use std::arch::x86_64::{_mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let ones = _mm512_set1_ps(black_box(1.0));
    let factors = _mm512_cvtne2ps_pbh(ones, ones);
    let mut sums = [ones; 12];
    for _ in 0..turns {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, factors, factors);
        }
    }
    sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
}
