//! Root mean square normalization: `x / √(mean(x²) + ε) · w`.
//!
//! Where a family scales by `1 + w`, its weights are handed in with the 1 already added.

use std::ops::Range;

use crate::lanes::{Lanes, N_LANES, Task};
use crate::pool::Pool;
use crate::share::Share;
use crate::split::over_rows;

/// Normalizes rows of `x` into `y`; a row is as long as `weight`.
pub fn rms_norm(pool: &Pool, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "there is room for every row");
    y.copy_from_slice(x);
    rms_norm_within(pool, y, weight.len(), 0..weight.len(), weight, eps);
}

/// Normalizes in place every run of `weight.len()` numbers within these columns of rows of `width`: the heads of a row,
/// each by itself.
pub fn rms_norm_within(pool: &Pool, x: &mut [f32], width: usize, columns: Range<usize>, weight: &[f32], eps: f32) {
    assert!(width > 0 && x.len().is_multiple_of(width) && columns.end <= width, "columns lie within rows");
    assert!(columns.len().is_multiple_of(weight.len()), "columns are whole runs");
    let (n_rows, instructions, share) = (x.len() / width, pool.instructions(), Share::new(x));
    over_rows(pool, n_rows, columns.len(), |rows| {
        for row in rows {
            // SAFETY: every row is of one task.
            let own = unsafe { share.part(row * width + columns.start, columns.len()) };
            for run in own.chunks_exact_mut(weight.len()) {
                // SAFETY: the task has slices only.
                unsafe { instructions.run(Normalize { x: run, weight, eps }) };
            }
        }
    });
}

struct Normalize<'a> {
    x: &'a mut [f32],
    weight: &'a [f32],
    eps: f32,
}

impl Task for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        // SAFETY: as the caller's; all that is read or written lies within the slices.
        unsafe {
            let mean = sum_of_squares::<V>(self.x) / self.x.len() as f32;
            let factor = 1.0 / (mean + self.eps).sqrt();
            let (x, weight) = (self.x.as_mut_ptr(), self.weight.as_ptr());
            let whole = self.x.len() / N_LANES * N_LANES;
            let factors = V::splat(factor);
            for idx in (0..whole).step_by(N_LANES) {
                V::load(x.add(idx)).mul(factors).mul(V::load(weight.add(idx))).store(x.add(idx));
            }
            for (x, weight) in self.x[whole..].iter_mut().zip(&self.weight[whole..]) {
                *x = *x * factor * weight;
            }
        }
    }
}

/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
unsafe fn sum_of_squares<V: Lanes>(x: &[f32]) -> f32 {
    // SAFETY: all that is read lies within the slice.
    unsafe {
        let mut sums = [V::splat(0.0); 4];
        let whole = x.len() / (4 * N_LANES) * (4 * N_LANES);
        for idx in (0..whole).step_by(4 * N_LANES) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let x = V::load(x.as_ptr().add(idx + i * N_LANES));
                *sum = x.mul_add(x, *sum);
            }
        }
        let rest: f32 = x[whole..].iter().map(|x| x * x).sum();
        sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
    }
}

#[cfg(test)]
mod tests;
