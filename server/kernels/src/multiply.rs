//! `y = x Wᵀ`: rows of numbers times a packed matrix.
//!
//! Every output is one chain of multiply-adds over the inputs, from the first to the last (in quantized formats: over the
//! groups, and within a group over its inputs). How rows, outputs and inputs are cut into blocks changes when a link is
//! added and never which; that is why a row's result does not depend on its neighbours.
//!
//! With up to six rows the weights are unpacked in registers as they come from memory. With more, a piece of a panel is
//! unpacked once into the nearest cache and then multiplied by one block of rows after the other. Either way what comes
//! next is asked of the memory while the multipliers work, so that neither waits for the other.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::dot;
use crate::format::{Bf16, F16, F32, Format, Int4, Int8, Sums, Unpacked, WIDTH};
use crate::lanes::{Lanes, N_LANES, Task};
use crate::matrix::{Matrix, Precision, with_format};
use crate::pool::Pool;
use crate::share::Share;

/// What becomes of what stood in `y`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Set,
    Add,
}

impl Matrix {
    /// `y = x Wᵀ + b`, `x` `(rows, in)` → `y` `(rows, out)`.
    pub fn multiply(&self, pool: &Pool, x: &[f32], y: &mut [f32]) {
        self.run(pool, x, y, Mode::Set);
    }

    /// `y = y + x Wᵀ + b`.
    pub fn multiply_add(&self, pool: &Pool, x: &[f32], y: &mut [f32]) {
        self.run(pool, x, y, Mode::Add);
    }

    fn run(&self, pool: &Pool, x: &[f32], y: &mut [f32], mode: Mode) {
        let n_rows = x.len() / self.n_inputs().max(1);
        assert_eq!(x.len(), n_rows * self.n_inputs(), "x is rows × inputs");
        assert_eq!(y.len(), n_rows * self.n_outputs(), "y is rows × outputs");
        if y.is_empty() {
            return;
        }
        if self.precision() == Precision::Bf16 && pool.instructions().multiplies_bf16_pairs() {
            return dot::multiply(self, pool, x, y, mode);
        }
        with_format!(self.precision(), F => multiply::<F>(self, pool, x, y, mode))
    }
}

/// Rows that one pass serves; more would not fit the registers.
const MOST_ROWS: usize = 6;

/// Inputs whose weights are unpacked at once: 16 KiB, half of the nearest cache.
const PIECE: usize = 256;

/// Rows between which an unpacked piece goes around: their inputs stay in the second cache.
const ROUND: usize = 32 * MOST_ROWS;

/// Neighbouring rows that go through the weights together.
#[derive(Clone, Copy)]
pub struct Block {
    pub start: usize,
    pub n_rows: usize,
}

/// Rows in as few blocks of at most `most` as can be, of nearly equal size.
pub fn blocks(n_rows: usize, most: usize) -> Vec<Block> {
    let n_blocks = n_rows.div_ceil(most);
    let start = |idx: usize| idx * n_rows / n_blocks;
    (0..n_blocks).map(|idx| Block { start: start(idx), n_rows: start(idx + 1) - start(idx) }).collect()
}

fn multiply<F: Format>(matrix: &Matrix, pool: &Pool, x: &[f32], y: &mut [f32], mode: Mode) {
    let n_rows = x.len() / matrix.n_inputs();
    let blocks = blocks(n_rows, MOST_ROWS);
    if mode == Mode::Add && blocks.len() > 1 && matrix.n_inputs() > PIECE {
        return add_whole::<F>(matrix, pool, x, y);
    }
    let n_inputs = matrix.n_inputs().next_multiple_of(F::GROUP);
    let mut arranged = pool.borrow_scratch(n_rows * n_inputs);
    arrange::<F>(pool, x, matrix.n_inputs(), n_inputs, &blocks, &mut arranged);
    let mut sums = pool.borrow_scratch(if F::SHIFTED { n_rows * n_inputs / F::GROUP } else { 0 });
    if F::SHIFTED {
        sum_groups::<F>(&arranged, n_inputs, &blocks, &mut sums);
    }
    let job = Job { matrix, n_inputs, x: &arranged, sums: &sums, blocks: &blocks, y: Share::new(y), mode };
    let (tasks, instructions) = (Tasks::of(matrix, n_rows, pool), pool.instructions());
    pool.run(tasks.n_tasks, |idx| {
        let part = Part::<F> { job: &job, panels: tasks.panels(idx), format: PhantomData };
        // SAFETY: `x` and `sums` were laid out for these blocks, and no two tasks have a panel in common.
        unsafe { instructions.run(part) }
    });
    pool.return_scratch(arranged);
    pool.return_scratch(sums);
}

/// Sums that go on over several pieces of the inputs wait in `y`, which then must be empty.
fn add_whole<F: Format>(matrix: &Matrix, pool: &Pool, x: &[f32], y: &mut [f32]) {
    let mut product = pool.borrow_scratch(y.len());
    multiply::<F>(matrix, pool, x, &mut product[..y.len()], Mode::Set);
    y.iter_mut().zip(&product).for_each(|(y, product)| *y += product);
    pool.return_scratch(product);
}

/// Lays rows out as they are read: block by block, within a block by input, the rows' numbers side by side, multiplied
/// by their factors. Inputs are filled up with zeros to `n_padded`.
fn arrange<F: Format>(
    pool: &Pool,
    x: &[f32],
    n_inputs: usize,
    n_padded: usize,
    blocks: &[Block],
    arranged: &mut [f32],
) {
    let share = Share::new(arranged);
    let arrange_block = |idx: usize| {
        let Block { start, n_rows } = blocks[idx];
        // SAFETY: every block has its own place.
        let to = unsafe { share.part(start * n_padded, n_rows * n_padded) };
        for (row, x) in x[start * n_inputs..].chunks(n_inputs).take(n_rows).enumerate() {
            to[row..].iter_mut().step_by(n_rows).zip(x).for_each(|(to, x)| *to = *x);
        }
        to[n_rows * n_inputs..].fill(0.0);
        if F::FACTORED {
            for (input, x) in to.chunks_mut(n_rows).enumerate() {
                let factor = F::factor(input % F::GROUP);
                x.iter_mut().for_each(|x| *x *= factor);
            }
        }
    };
    if x.len() < 1 << 14 { (0..blocks.len()).for_each(arrange_block) } else { pool.run(blocks.len(), arrange_block) }
}

/// The sum of each group of inputs, without their factors, laid out as the inputs are.
fn sum_groups<F: Format>(arranged: &[f32], n_inputs: usize, blocks: &[Block], sums: &mut [f32]) {
    let group = F::GROUP;
    for Block { start, n_rows } in blocks {
        let x = &arranged[start * n_inputs..][..n_rows * n_inputs];
        let sums = &mut sums[start * n_inputs / group..][..n_rows * n_inputs / group];
        for (x, sums) in x.chunks(group * n_rows).zip(sums.chunks_mut(*n_rows)) {
            sums.fill(0.0);
            for (input, x) in x.chunks(*n_rows).enumerate() {
                let back = F::factor(input).recip();
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x * back);
            }
        }
    }
}

/// Which panels each task of a product has.
pub struct Tasks {
    pub n_tasks: usize,
    n_panels: usize,
}

impl Tasks {
    /// Panels that one row goes through side by side.
    const ABREAST: usize = 8;

    pub fn of(matrix: &Matrix, n_rows: usize, pool: &Pool) -> Tasks {
        // Below this, another thread would come too late to help.
        const SMALL: usize = 1 << 16;
        const TASKS_PER_THREAD: usize = 4;
        let n_panels = matrix.n_panels();
        let is_small = n_rows * matrix.n_inputs() * matrix.n_outputs() < SMALL;
        let most = if is_small { 1 } else { TASKS_PER_THREAD * pool.n_threads() };
        let apiece = if n_panels > 2 * most { Tasks::ABREAST } else { 1 };
        Tasks { n_tasks: most.min(n_panels.div_ceil(apiece)), n_panels }
    }

    pub fn panels(&self, idx: usize) -> Range<usize> {
        let start = |idx: usize| match idx == self.n_tasks {
            true => self.n_panels,
            false => idx * self.n_panels / self.n_tasks,
        };
        start(idx)..start(idx + 1)
    }
}

/// One product, as all its tasks see it.
struct Job<'a> {
    matrix: &'a Matrix,
    /// With those that fill up the last group.
    n_inputs: usize,
    x: &'a [f32],
    sums: &'a [f32],
    blocks: &'a [Block],
    y: Share<'a, f32>,
    mode: Mode,
}

/// One task: some panels, for all rows.
struct Part<'a, F> {
    job: &'a Job<'a>,
    panels: Range<usize>,
    format: PhantomData<F>,
}

/// Sums of `R` rows for `P` panels.
type Totals<V, const R: usize, const P: usize> = [[Sums<V>; P]; R];

impl<F: Format> Task for Part<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        // SAFETY: as the caller's; each arm has its own number of rows.
        unsafe {
            match (self.job.blocks, F::SCALED) {
                ([Block { n_rows: 1, .. }], false) => self.stream::<V, 1, 4>(),
                ([Block { n_rows: 2, .. }], false) => self.stream::<V, 2, 2>(),
                ([Block { n_rows: 3, .. }], false) => self.stream::<V, 3, 2>(),
                // Sums of a group stand beside the totals and take as many registers.
                ([Block { n_rows: 1, .. }], true) => self.stream::<V, 1, 2>(),
                ([Block { n_rows: 2, .. }], true) => self.stream::<V, 2, 1>(),
                ([Block { n_rows: 3, .. }], true) => self.stream::<V, 3, 1>(),
                ([Block { n_rows: 4, .. }], _) => self.stream::<V, 4, 1>(),
                ([Block { n_rows: 5, .. }], _) => self.stream::<V, 5, 1>(),
                ([Block { n_rows: 6, .. }], _) => self.stream::<V, 6, 1>(),
                _ => self.go_round::<V>(),
            }
        }
    }
}

impl<F: Format> Part<'_, F> {
    fn n_groups(&self) -> usize {
        self.job.n_inputs / F::GROUP
    }

    /// One block of rows: the weights are read once, from memory into registers.
    ///
    /// # Safety
    ///
    /// There is one block, of `R` rows.
    #[inline(always)]
    unsafe fn stream<V: Lanes, const R: usize, const P: usize>(&self) {
        // SAFETY: inputs and sums are laid out for this block; panels are the matrix's.
        unsafe {
            let mut panel = self.panels.start;
            while panel + P <= self.panels.end {
                self.stream_abreast::<V, R, P>(panel);
                panel += P;
            }
            while panel < self.panels.end {
                self.stream_abreast::<V, R, 1>(panel);
                panel += 1;
            }
        }
    }

    /// # Safety
    ///
    /// As of [`Part::stream`], and the matrix has the panels from `panel` on.
    #[inline(always)]
    unsafe fn stream_abreast<V: Lanes, const R: usize, const P: usize>(&self, panel: usize) {
        let panels = std::array::from_fn(|i| self.job.matrix.panel(panel + i));
        let (x, sums) = (self.job.x.as_ptr(), self.job.sums.as_ptr());
        // SAFETY: as the caller's.
        unsafe {
            let zero = [[[V::splat(0.0); 2]; P]; R];
            // The last panels ask for a little of what comes behind them, which does no harm.
            let ahead = Ahead { from: panels.map(|panel| panel.wrapping_add(AHEAD_BYTES)), stride: F::GROUP_BYTES };
            let totals = tile::<V, F, R, P>(x, sums, panels, ahead, self.n_groups(), zero);
            for row in 0..R {
                for i in 0..P {
                    self.finish(row, panel + i, totals[row][i]);
                }
            }
        }
    }

    /// Many blocks of rows: piece by piece, a panel is unpacked and multiplied by all of them.
    ///
    /// # Safety
    ///
    /// The instructions of `V` are there.
    #[inline(always)]
    unsafe fn go_round<V: Lanes>(&self) {
        let n_groups = self.n_groups();
        let per_piece = PIECE / F::GROUP;
        for round in self.job.blocks.chunks(ROUND / MOST_ROWS) {
            for start in (0..n_groups).step_by(per_piece) {
                let groups = start..n_groups.min(start + per_piece);
                for panel in self.panels.clone() {
                    // SAFETY: as the caller's; these groups are the panel's.
                    unsafe { self.piece::<V>(round, panel, groups.clone()) };
                }
            }
        }
    }

    /// # Safety
    ///
    /// As of [`Part::go_round`], and the panel has these groups.
    #[inline(always)]
    unsafe fn piece<V: Lanes>(&self, round: &[Block], panel: usize, groups: Range<usize>) {
        let mut space = Space::new();
        // SAFETY: the space holds a piece, which is the most that `groups` are.
        unsafe {
            let weights = self.job.matrix.panel(panel).add(groups.start * F::GROUP_BYTES);
            Unpacked::<F>::unpack_all::<V>(weights, groups.len(), space.start());
            // While the first block is multiplied, the next panel's piece comes from memory.
            let mut ahead =
                Ahead { from: [weights.wrapping_add(self.job.matrix.panel_stride())], stride: F::GROUP_BYTES };
            for block in round {
                let piece = (space.start() as *const u8, ahead);
                match block.n_rows {
                    1 => self.go_on::<V, 1>(*block, panel, piece, &groups),
                    2 => self.go_on::<V, 2>(*block, panel, piece, &groups),
                    3 => self.go_on::<V, 3>(*block, panel, piece, &groups),
                    4 => self.go_on::<V, 4>(*block, panel, piece, &groups),
                    5 => self.go_on::<V, 5>(*block, panel, piece, &groups),
                    _ => self.go_on::<V, 6>(*block, panel, piece, &groups),
                }
                ahead = Ahead::NOTHING;
            }
        }
    }

    /// Adds a piece to the sums of a block, which wait in `y` between pieces.
    ///
    /// # Safety
    ///
    /// The block has `R` rows, and `weights` are the unpacked groups of this panel.
    #[inline(always)]
    unsafe fn go_on<V: Lanes, const R: usize>(
        &self,
        block: Block,
        panel: usize,
        (weights, ahead): (*const u8, Ahead<1>),
        groups: &Range<usize>,
    ) {
        let first = block.start * self.job.n_inputs + groups.start * F::GROUP * R;
        // SAFETY: inputs and sums are laid out for these blocks; rows and panel are those of `y`.
        unsafe {
            let x = self.job.x.as_ptr().add(first);
            let sums = self.job.sums.as_ptr().wrapping_add(first / F::GROUP);
            let mut before = [[[V::splat(0.0); 2]]; R];
            if groups.start > 0 {
                for row in 0..R {
                    before[row] = [self.waiting(block.start + row, panel)];
                }
            }
            let totals = tile::<V, Unpacked<F>, R, 1>(x, sums, [weights], ahead, groups.len(), before);
            for row in 0..R {
                match groups.end == self.n_groups() {
                    true => self.finish(block.start + row, panel, totals[row][0]),
                    false => self.put(block.start + row, panel, totals[row][0]),
                }
            }
        }
    }

    /// # Safety
    ///
    /// `y` has this row and panel, and no other task uses this panel; the instructions of `V` are there.
    #[inline(always)]
    unsafe fn finish<V: Lanes>(&self, row: usize, panel: usize, total: Sums<V>) {
        // SAFETY: as the caller's.
        unsafe {
            let mut total = total;
            if let Some(bias) = self.job.matrix.bias(panel) {
                total = [total[0].add(V::load(bias)), total[1].add(V::load(bias.add(N_LANES)))];
            }
            if self.job.mode == Mode::Add {
                let before = self.waiting::<V>(row, panel);
                total = [before[0].add(total[0]), before[1].add(total[1])];
            }
            self.put(row, panel, total);
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
    /// As of [`Part::finish`].
    #[inline(always)]
    unsafe fn waiting<V: Lanes>(&self, row: usize, panel: usize) -> Sums<V> {
        let (y, n) = self.outputs(row, panel);
        // SAFETY: as the caller's; of a panel that is not full only what is there is read.
        unsafe {
            if n == WIDTH {
                return [V::load(y), V::load(y.add(N_LANES))];
            }
            let mut full = [0.0; WIDTH];
            std::ptr::copy_nonoverlapping(y, full.as_mut_ptr(), n);
            [V::load(full.as_ptr()), V::load(full.as_ptr().add(N_LANES))]
        }
    }

    /// # Safety
    ///
    /// As of [`Part::finish`].
    #[inline(always)]
    unsafe fn put<V: Lanes>(&self, row: usize, panel: usize, sums: Sums<V>) {
        let (y, n) = self.outputs(row, panel);
        // SAFETY: as the caller's; of a panel that is not full only what is there is written.
        unsafe {
            if n == WIDTH {
                sums[0].store(y);
                sums[1].store(y.add(N_LANES));
                return;
            }
            let mut full = [0.0; WIDTH];
            sums[0].store(full.as_mut_ptr());
            sums[1].store(full.as_mut_ptr().add(N_LANES));
            std::ptr::copy_nonoverlapping(full.as_ptr(), y, n);
        }
    }
}

/// Room for a piece of a panel, with its scales.
#[repr(align(64))]
struct Space(MaybeUninit<[u8; PIECE * 4 * WIDTH + PIECE / 32 * 8 * WIDTH]>);

impl Space {
    fn new() -> Space {
        Space(MaybeUninit::uninit())
    }

    fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// How far ahead of the weights in use others are asked for.
const AHEAD_BYTES: usize = 1024;

const CACHE_LINE_BYTES: usize = 64;

/// Memory that is asked for while the kernel works, so much with every group.
#[derive(Clone, Copy)]
pub struct Ahead<const P: usize> {
    from: [*const u8; P],
    /// Bytes for each group; 0 asks for nothing.
    stride: usize,
}

impl<const P: usize> Ahead<P> {
    pub const NOTHING: Ahead<P> = Ahead { from: [std::ptr::null(); P], stride: 0 };

    /// # Safety
    ///
    /// The instructions of `V` are there.
    #[inline(always)]
    unsafe fn ask<V: Lanes>(&self, group: usize) {
        for i in 0..P {
            for offset in (0..self.stride).step_by(CACHE_LINE_BYTES) {
                // SAFETY: as the caller's; an address that is asked for need not be one.
                unsafe { V::prefetch(self.from[i].wrapping_add(group * self.stride + offset)) };
            }
        }
    }
}

/// The kernel: goes on with `totals` over `n_groups` groups of inputs.
///
/// # Safety
///
/// `x` reads `R` numbers for each input, `sums`, if the format is shifted, `R` for each group, and each of `panels` as
/// many groups; the instructions of `V` are there.
#[inline(always)]
pub unsafe fn tile<V: Lanes, F: Format, const R: usize, const P: usize>(
    x: *const f32,
    sums: *const f32,
    panels: [*const u8; P],
    ahead: Ahead<P>,
    n_groups: usize,
    mut totals: Totals<V, R, P>,
) -> Totals<V, R, P> {
    // SAFETY: as the caller's.
    unsafe {
        for group in 0..n_groups {
            let groups = panels.map(|panel| panel.add(group * F::GROUP_BYTES));
            ahead.ask::<V>(group);
            let x = x.add(group * F::GROUP * R);
            if !F::SCALED {
                add_group::<V, F, R, P>(x, groups, &mut totals);
                continue;
            }
            let mut parts = [[[V::splat(0.0); 2]; P]; R];
            add_group::<V, F, R, P>(x, groups, &mut parts);
            for row in 0..R {
                let sum = if F::SHIFTED { V::splat(*sums.add(group * R + row)) } else { V::splat(0.0) };
                for i in 0..P {
                    totals[row][i] = F::fold(groups[i], parts[row][i], sum, totals[row][i]);
                }
            }
        }
        totals
    }
}

/// # Safety
///
/// As of [`tile`], for one group.
#[inline(always)]
unsafe fn add_group<V: Lanes, F: Format, const R: usize, const P: usize>(
    x: *const f32,
    groups: [*const u8; P],
    totals: &mut Totals<V, R, P>,
) {
    for step in 0..F::GROUP / F::STEP {
        for i in 0..P {
            for input in 0..F::STEP {
                // SAFETY: as the caller's.
                unsafe {
                    let weights = F::unpack::<V>(groups[i], step, input);
                    let x = x.add((step * F::STEP + input) * R);
                    for row in 0..R {
                        let x = V::splat(*x.add(row));
                        let total = &mut totals[row][i];
                        *total = [weights[0].mul_add(x, total[0]), weights[1].mul_add(x, total[1])];
                    }
                }
            }
        }
    }
}
