//! How near the kernels come to what the machine allows:
//! `cargo run --release -p kernels --example speed [threads [precision]]`.
//!
//! Ceilings are measured in the same run: reading memory from end to end, and multiply-adds in registers. Every figure
//! is the best of several rounds, because a shared machine only ever makes things slower. On one thread it is processor
//! time that counts, so that what else runs disturbs less.

use std::hint::black_box;
use std::time::Duration;

use kernels::{Instructions, Matrix, Pool, Precision, Rows, Values};

/// Name, outputs and inputs of products of Qwen2.5-0.5B and, larger, 1.5B.
const SHAPES: [(&str, usize, usize); 4] =
    [("0.5B up", 4864, 896), ("0.5B down", 896, 4864), ("0.5B qkv", 1152, 896), ("1.5B up", 8960, 1536)];

const ROWS: [usize; 8] = [1, 2, 4, 6, 8, 16, 32, 100];

fn main() {
    let n_threads = std::env::args().nth(1).map_or(1, |word| word.parse().expect("a number of threads"));
    let pool = Pool::new(n_threads);
    println!("{n_threads} threads, {}", pool.instructions());
    let ceilings = Ceilings::measure(&pool);
    println!("streaming read {:.1} GB/s, multiply-adds {:.0} GFLOP/s", ceilings.read / 1e9, ceilings.flops / 1e9);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for precision in Precision::ALL.into_iter().filter(|precision| format!("{precision:?}").contains(&wanted)) {
        for (name, n_outputs, n_inputs) in SHAPES {
            shape(&pool, &ceilings, precision, (name, n_outputs, n_inputs));
        }
    }
}

fn shape(pool: &Pool, ceilings: &Ceilings, precision: Precision, (name, n_outputs, n_inputs): (&str, usize, usize)) {
    let weights: Vec<f32> = (0..n_outputs * n_inputs).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5).collect();
    let rows = Rows { n_outputs, values: Values::F32(&weights) };
    let pack = || Matrix::pack(pool, &[rows], n_inputs, precision);
    let first = pack();
    // More than any cache holds.
    let n_copies = (160_000_000 / first.n_bytes()).clamp(2, 40);
    let matrices: Vec<Matrix> = (1..n_copies).map(|_| pack()).chain([first]).collect();
    println!("\n{precision:?} {name} {n_outputs}×{n_inputs}");
    for n_rows in ROWS {
        let x = vec![0.25; n_rows * n_inputs];
        let mut y = vec![0.0; n_rows * n_outputs];
        let time = best(pool, 5, || {
            let some = if n_rows > 8 { &matrices[..matrices.len().min(8)] } else { &matrices };
            some.iter().for_each(|matrix| matrix.multiply(pool, &x, &mut y));
            some.len()
        });
        let seconds = time.as_secs_f64();
        let (rate, flops) =
            (matrices[0].n_bytes() as f64 / seconds, (2 * n_rows * n_outputs * n_inputs) as f64 / seconds);
        println!(
            "{n_rows:4} rows {:8.3} ms {:6.1} GB/s ({:3.0} %) {:6.0} GFLOP/s ({:3.0} %)",
            seconds * 1e3,
            rate / 1e9,
            100.0 * rate / ceilings.read,
            flops / 1e9,
            100.0 * flops / ceilings.flops
        );
    }
}

/// The shortest time of one call among rounds of several.
fn best(pool: &Pool, n_rounds: usize, mut round: impl FnMut() -> usize) -> Duration {
    let mut time = || {
        let started = now(pool);
        let n_calls = round() as u32;
        (now(pool) - started) / n_calls
    };
    time();
    (0..n_rounds).map(|_| time()).min().unwrap_or_default()
}

/// Processor time of this thread where it works alone, otherwise the time that passes.
fn now(pool: &Pool) -> Duration {
    let clock = if pool.n_threads() == 1 { libc::CLOCK_THREAD_CPUTIME_ID } else { libc::CLOCK_MONOTONIC };
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes to a place of its kind.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

struct Ceilings {
    /// Bytes per second.
    read: f64,
    /// Operations per second, two for each multiply-add.
    flops: f64,
}

impl Ceilings {
    fn measure(pool: &Pool) -> Ceilings {
        let n_bytes = 256 << 20;
        let words = words_in_large_pages(n_bytes / 8);
        let n_tasks = 8 * pool.n_threads();
        let time = best(pool, 7, || {
            pool.run(n_tasks, |idx| {
                let part = words.len() / n_tasks;
                black_box(sum(&words[idx * part..][..part]));
            });
            1
        });
        let n_steps = 5_000_000;
        let fma_time = best(pool, 5, || {
            pool.run(pool.n_threads(), |_| {
                black_box(multiply_adds(n_steps));
            });
            1
        });
        let flops = (2 * N_CHAINS * n_steps * pool.n_threads()) as f64 / fma_time.as_secs_f64();
        Ceilings { read: n_bytes as f64 / time.as_secs_f64(), flops }
    }
}

/// As packed weights lie.
fn words_in_large_pages(n_words: usize) -> Vec<u64> {
    let mut words: Vec<u64> = Vec::with_capacity(n_words);
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let start = words.as_mut_ptr() as usize;
        let first = start.next_multiple_of(PAGE);
        // SAFETY: the range is this vector's own, and the advice changes nothing but the pages under it.
        unsafe { libc::madvise(first as *mut libc::c_void, start + 8 * n_words - first, libc::MADV_HUGEPAGE) };
    }
    words.resize(n_words, 1);
    words
}

fn has_avx2() -> bool {
    Instructions::all().len() > 1 && cfg!(target_arch = "x86_64")
}

fn sum(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(words: &[u64]) -> u64 {
        narrow(words)
    }
    #[inline(always)]
    fn narrow(words: &[u64]) -> u64 {
        let mut sums = [0; 32];
        for words in words.chunks_exact(32) {
            sums.iter_mut().zip(words).for_each(|(sum, word)| *sum ^= *word);
        }
        sums.iter().fold(0, |all, sum| all ^ sum)
    }
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor was asked.
        return unsafe { wide(words) };
    }
    narrow(words)
}

const N_CHAINS: usize = 8 * 12;

fn multiply_adds(n_steps: usize) -> f32 {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn wide(n_steps: usize) -> f32 {
        use std::arch::x86_64::*;
        let (by, plus) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
        let mut chains = [plus; N_CHAINS / 8];
        for _ in 0..n_steps {
            chains.iter_mut().for_each(|chain| *chain = _mm256_fmadd_ps(*chain, by, plus));
        }
        _mm256_cvtss_f32(chains.into_iter().fold(plus, |all, chain| _mm256_add_ps(all, chain)))
    }
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor was asked.
        return unsafe { wide(n_steps) };
    }
    let mut chains = [0.001_f32; N_CHAINS];
    for _ in 0..n_steps {
        chains.iter_mut().for_each(|chain| *chain = *chain * black_box(0.999) + 0.001);
    }
    chains.iter().sum()
}
