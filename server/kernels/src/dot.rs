//! `y = x Wᵀ` for matrices in bf16 by dot products of bf16 pairs: 32 multiplications in one instruction.
//!
//! Rows are rounded to bf16 first. As in the other kernels every output is one chain over the inputs, here two links at
//! a time, whatever the number of rows.
//!
//! The kernel is written over a few operations ([`Pairs`]) that the processor has or that plain Rust emulates. Before
//! the former are used, a small product must agree with a reference.

use std::ops::Range;

use crate::format::{Bf16, Format, WIDTH};
use crate::half::{bf16_from_f32, bf16_to_f32};
use crate::instructions::Instructions;
use crate::matrix::{Matrix, Precision, Rows, Values};
use crate::multiply::{Block, Mode, Tasks, blocks};
use crate::pool::Pool;
use crate::share::Share;

/// 16 sums in f32, or 16 pairs of bf16.
///
/// # Safety
///
/// All functions need the instructions that the type stands for; pointers are for 16 numbers and need not be aligned.
trait Pairs: Copy {
    type Words: Copy;

    unsafe fn load(at: *const f32) -> Self;
    unsafe fn store(self, at: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn splat_pair(pair: u32) -> Self::Words;
    unsafe fn load_pairs(at: *const u32) -> Self::Words;
    /// `self + low · low + high · high` of each place's pairs.
    unsafe fn dot(self, left: Self::Words, right: Self::Words) -> Self;
}

/// What the instruction computes, with the rounding of each sum that the compiler chooses.
#[derive(Clone, Copy)]
struct Emulated([f32; WIDTH]);

impl Pairs for Emulated {
    type Words = [u32; WIDTH];

    unsafe fn load(at: *const f32) -> Emulated {
        // SAFETY: the caller's pointer reads 16 numbers.
        Emulated(unsafe { at.cast::<[f32; WIDTH]>().read_unaligned() })
    }
    unsafe fn store(self, at: *mut f32) {
        // SAFETY: the caller's pointer has room for 16 numbers.
        unsafe { at.cast::<[f32; WIDTH]>().write_unaligned(self.0) }
    }
    unsafe fn add(self, other: Emulated) -> Emulated {
        Emulated(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    unsafe fn splat_pair(pair: u32) -> [u32; WIDTH] {
        [pair; WIDTH]
    }
    unsafe fn load_pairs(at: *const u32) -> [u32; WIDTH] {
        // SAFETY: the caller's pointer reads 16 words.
        unsafe { at.cast::<[u32; WIDTH]>().read_unaligned() }
    }
    unsafe fn dot(self, left: [u32; WIDTH], right: [u32; WIDTH]) -> Emulated {
        let high = |word: u32| f32::from_bits(word & 0xffff_0000);
        let low = |word: u32| f32::from_bits(word << 16);
        Emulated(std::array::from_fn(|i| self.0[i] + high(left[i]) * high(right[i]) + low(left[i]) * low(right[i])))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{Pairs, Part, run_on};

    /// # Safety
    ///
    /// As of [`run_on`], and the processor has these features.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bf16")]
    pub unsafe fn run(part: &Part) {
        // SAFETY: as the caller's. What is inlined here is compiled with these features.
        unsafe { run_on::<__m512>(part) }
    }

    // SAFETY of all blocks: within `run` the features are there; pointers are the caller's.
    impl Pairs for __m512 {
        type Words = __m512i;

        #[inline(always)]
        unsafe fn load(at: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(at) }
        }
        #[inline(always)]
        unsafe fn store(self, at: *mut f32) {
            unsafe { _mm512_storeu_ps(at, self) }
        }
        #[inline(always)]
        unsafe fn add(self, other: __m512) -> __m512 {
            unsafe { _mm512_add_ps(self, other) }
        }
        #[inline(always)]
        unsafe fn splat_pair(pair: u32) -> __m512i {
            unsafe { _mm512_set1_epi32(pair as i32) }
        }
        #[inline(always)]
        unsafe fn load_pairs(at: *const u32) -> __m512i {
            unsafe { _mm512_loadu_si512(at.cast()) }
        }
        #[inline(always)]
        unsafe fn dot(self, left: __m512i, right: __m512i) -> __m512 {
            // SAFETY: both are 512 bits without a preferred reading.
            unsafe {
                let (left, right) = (transmute::<__m512i, __m512bh>(left), transmute::<__m512i, __m512bh>(right));
                _mm512_dpbf16_ps(self, left, right)
            }
        }
    }
}

/// Rows that one pass serves: with two panels 24 of the 32 registers hold sums.
const MOST_ROWS: usize = 12;

/// Pairs of inputs whose weights go around between blocks of rows: 32 KiB of one panel, in the second cache.
const PIECE: usize = 512;

/// Rows between which a piece goes around.
const ROUND: usize = 16 * MOST_ROWS;

pub fn multiply(matrix: &Matrix, pool: &Pool, x: &[f32], y: &mut [f32], mode: Mode) {
    let n_rows = x.len() / matrix.n_inputs();
    let blocks = blocks(n_rows, MOST_ROWS);
    let n_pairs = matrix.n_inputs().div_ceil(2);
    if mode == Mode::Add && n_pairs > PIECE {
        return add_whole(matrix, pool, x, y);
    }
    let mut pairs = pool.borrow_scratch(n_rows * n_pairs);
    arrange(pool, x, matrix.n_inputs(), &blocks, &mut pairs);
    let job = Job { matrix, n_pairs, x: &pairs, blocks: &blocks, y: Share::new(y), mode };
    let (tasks, instructions) = (Tasks::of(matrix, n_rows, pool), pool.instructions());
    pool.run(tasks.n_tasks, |idx| {
        // SAFETY: `x` was laid out for these blocks, and no two tasks have a panel in common.
        unsafe { run(&Part { job: &job, panels: tasks.panels(idx) }, instructions) }
    });
    pool.return_scratch(pairs);
}

/// Sums that go on over several pieces of the inputs wait in `y`, which then must be empty.
fn add_whole(matrix: &Matrix, pool: &Pool, x: &[f32], y: &mut [f32]) {
    let mut product = pool.borrow_scratch(y.len());
    multiply(matrix, pool, x, &mut product[..y.len()], Mode::Set);
    y.iter_mut().zip(&product).for_each(|(y, product)| *y += product);
    pool.return_scratch(product);
}

/// Rounds rows to bf16 and lays them out block by block, within a block by pair, the rows' pairs side by side. A pair
/// stands in the bits of a number.
fn arrange(pool: &Pool, x: &[f32], n_inputs: usize, blocks: &[Block], pairs: &mut [f32]) {
    let n_pairs = n_inputs.div_ceil(2);
    let share = Share::new(pairs);
    let arrange_block = |idx: usize| {
        let Block { start, n_rows } = blocks[idx];
        // SAFETY: every block has its own place.
        let to = unsafe { share.part(start * n_pairs, n_rows * n_pairs) };
        for (row, x) in x[start * n_inputs..].chunks(n_inputs).take(n_rows).enumerate() {
            to[row..].iter_mut().step_by(n_rows).zip(x.chunks(2)).for_each(|(to, x)| *to = pair(x));
        }
    };
    if x.len() < 1 << 14 { (0..blocks.len()).for_each(arrange_block) } else { pool.run(blocks.len(), arrange_block) }
}

fn pair(x: &[f32]) -> f32 {
    let half = |idx: usize| x.get(idx).map_or(0, |x| u32::from(bf16_from_f32(*x)));
    f32::from_bits(half(0) | half(1) << 16)
}

/// One product, as all its tasks see it.
struct Job<'a> {
    matrix: &'a Matrix,
    n_pairs: usize,
    x: &'a [f32],
    blocks: &'a [Block],
    y: Share<'a, f32>,
    mode: Mode,
}

/// One task: some panels, for all rows.
struct Part<'a> {
    job: &'a Job<'a>,
    panels: Range<usize>,
}

/// # Safety
///
/// `x` is laid out for the job's blocks, and no other task writes to these panels' outputs.
unsafe fn run(part: &Part, instructions: Instructions) {
    #[cfg(target_arch = "x86_64")]
    if instructions.has_avx512_bf16() {
        // SAFETY: such a value is made only after the processor was asked.
        return unsafe { avx512::run(part) };
    }
    let _ = instructions;
    // SAFETY: plain arrays need no instructions.
    unsafe { run_on::<Emulated>(part) }
}

/// # Safety
///
/// As of [`run`], and the instructions of `V` are there.
#[inline(always)]
unsafe fn run_on<V: Pairs>(part: &Part) {
    let n_pairs = part.job.n_pairs;
    for round in part.job.blocks.chunks(ROUND / MOST_ROWS) {
        // One block reads each weight once, however long the panels.
        let piece = if round.len() > 1 { PIECE } else { n_pairs };
        for start in (0..n_pairs).step_by(piece) {
            let pairs = start..n_pairs.min(start + piece);
            for block in round {
                // SAFETY: as the caller's.
                unsafe { part.block::<V>(*block, &pairs) };
            }
        }
    }
}

/// Calls a method with a number of rows known at compile time, and with as many panels abreast as registers allow.
macro_rules! with_rows {
    ($part:expr, $block:expr, $pairs:expr, $V:ty, $($rows:literal => $panels:literal),*) => {
        match $block.n_rows {
            $($rows => $part.go_on_all::<$V, $rows, $panels>($block, $pairs),)*
            _ => unreachable!("blocks are of at most twelve rows"),
        }
    };
}

impl Part<'_> {
    /// # Safety
    ///
    /// As of [`run_on`].
    #[inline(always)]
    unsafe fn block<V: Pairs>(&self, block: Block, pairs: &Range<usize>) {
        // SAFETY: as the caller's; each arm has its own number of rows.
        unsafe {
            with_rows!(
                self, block, pairs, V,
                1 => 8, 2 => 4, 3 => 4, 4 => 4, 5 => 4, 6 => 4, 7 => 2, 8 => 2, 9 => 2, 10 => 2, 11 => 2, 12 => 2
            );
        }
    }

    /// # Safety
    ///
    /// As of [`run_on`], and the block has `R` rows.
    #[inline(always)]
    unsafe fn go_on_all<V: Pairs, const R: usize, const P: usize>(&self, block: Block, pairs: &Range<usize>) {
        let mut panel = self.panels.start;
        // SAFETY: as the caller's; the panels are the task's.
        unsafe {
            while panel + P <= self.panels.end {
                self.go_on::<V, R, P>(block, panel, pairs);
                panel += P;
            }
            while panel < self.panels.end {
                self.go_on::<V, R, 1>(block, panel, pairs);
                panel += 1;
            }
        }
    }

    /// Adds a piece to the sums of a block, which wait in `y` between pieces.
    ///
    /// # Safety
    ///
    /// As of [`Part::go_on_all`], and the task has `P` panels from `panel` on.
    #[inline(always)]
    unsafe fn go_on<V: Pairs, const R: usize, const P: usize>(&self, block: Block, panel: usize, pairs: &Range<usize>) {
        // SAFETY: as the caller's.
        unsafe {
            let x = self.job.x.as_ptr().cast::<u32>().add(block.start * self.job.n_pairs + pairs.start * R);
            // No closures on sums: one that is not inlined would be compiled without the instructions.
            let weights: [*const u32; P] =
                std::array::from_fn(|i| self.job.matrix.panel(panel + i).add(pairs.start * Bf16::GROUP_BYTES).cast());
            let mut totals = [[V::load([0.0; WIDTH].as_ptr()); P]; R];
            if pairs.start > 0 {
                for row in 0..R {
                    for i in 0..P {
                        totals[row][i] = self.waiting(block.start + row, panel + i);
                    }
                }
            }
            for idx in 0..pairs.len() {
                for row in 0..R {
                    let x = V::splat_pair(*x.add(idx * R + row));
                    for i in 0..P {
                        totals[row][i] = totals[row][i].dot(V::load_pairs(weights[i].add(idx * WIDTH)), x);
                    }
                }
            }
            for row in 0..R {
                for i in 0..P {
                    self.put(block.start + row, panel + i, totals[row][i], pairs.end == self.job.n_pairs);
                }
            }
        }
    }

    /// Where a row's outputs of a panel stand in `y`, and how many they are.
    fn outputs(&self, row: usize, panel: usize) -> (*mut f32, usize) {
        let n_outputs = self.job.matrix.n_outputs();
        let first = panel * WIDTH;
        (self.job.y.as_mut_ptr().wrapping_add(row * n_outputs + first), WIDTH.min(n_outputs - first))
    }

    /// # Safety
    ///
    /// `y` has this row and panel, and no other task uses this panel; the instructions of `V` are there.
    #[inline(always)]
    unsafe fn waiting<V: Pairs>(&self, row: usize, panel: usize) -> V {
        let (y, n) = self.outputs(row, panel);
        let mut full = [0.0; WIDTH];
        // SAFETY: as the caller's; of a panel that is not full only what is there is read.
        unsafe {
            std::ptr::copy_nonoverlapping(y, full.as_mut_ptr(), n);
            V::load(full.as_ptr())
        }
    }

    /// # Safety
    ///
    /// As of [`Part::waiting`].
    #[inline(always)]
    unsafe fn put<V: Pairs>(&self, row: usize, panel: usize, total: V, is_last: bool) {
        // SAFETY: as the caller's; of a panel that is not full only what is there is written.
        unsafe {
            let mut total = total;
            if let Some(bias) = self.job.matrix.bias(panel).filter(|_| is_last) {
                total = total.add(V::load(bias));
            }
            if is_last && self.job.mode == Mode::Add {
                total = self.waiting::<V>(row, panel).add(total);
            }
            let mut full = [0.0; WIDTH];
            total.store(full.as_mut_ptr());
            let (y, n) = self.outputs(row, panel);
            std::ptr::copy_nonoverlapping(full.as_ptr(), y, n);
        }
    }
}

/// Whether a small product of these instructions is what it should be.
pub fn agrees_with_reference(instructions: Instructions) -> bool {
    const SHAPE: (usize, usize, usize) = (5, 37, 50);
    let (n_rows, n_inputs, n_outputs) = SHAPE;
    let wave = |n: usize, step: f32| -> Vec<f32> {
        (0..n).map(|i| bf16_to_f32(bf16_from_f32((i as f32 * step).sin()))).collect()
    };
    let (x, weights) = (wave(n_rows * n_inputs, 1.7), wave(n_outputs * n_inputs, 0.9));
    let pool = Pool::with(1, instructions);
    let rows = Rows { n_outputs, values: Values::F32(&weights) };
    let mut y = vec![0.0; n_rows * n_outputs];
    Matrix::pack(&pool, &[rows], n_inputs, Precision::Bf16).multiply(&pool, &x, &mut y);
    y.iter().enumerate().all(|(idx, y)| {
        let (row, output) = (idx / n_outputs, idx % n_outputs);
        let terms = x[row * n_inputs..][..n_inputs].iter().zip(&weights[output * n_inputs..][..n_inputs]);
        let expected: f64 = terms.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        (f64::from(*y) - expected).abs() < 1e-4
    })
}
