//! Rotary position embedding: turns the pairs `(x[i], x[i + D/2])` of every head by an angle of its position.

use std::ops::Range;

use crate::lanes::{Lanes, N_LANES, Task};
use crate::pool::Pool;
use crate::share::Share;
use crate::split::over_rows;

/// Cosines and sines of the angles of each row, `(rows, D / 2)` both.
#[derive(Clone, Copy)]
pub struct Turns<'a> {
    pub cos: &'a [f32],
    pub sin: &'a [f32],
}

/// Turns in place the heads, `head_dim` numbers each, that stand in these columns of rows of `width`.
pub fn turn(pool: &Pool, x: &mut [f32], width: usize, columns: Range<usize>, head_dim: usize, turns: Turns) {
    let n_rows = x.len() / width;
    assert!(x.len() == n_rows * width && columns.end <= width, "columns lie within rows");
    assert!(columns.len().is_multiple_of(head_dim) && head_dim.is_multiple_of(2), "columns are whole heads of pairs");
    let half = head_dim / 2;
    assert!(turns.cos.len() == n_rows * half && turns.sin.len() == n_rows * half, "every row has its angles");
    let (instructions, share) = (pool.instructions(), Share::new(x));
    over_rows(pool, n_rows, columns.len(), |rows| {
        for row in rows {
            let (cos, sin) = (&turns.cos[row * half..][..half], &turns.sin[row * half..][..half]);
            // SAFETY: every row is of one task.
            let heads = unsafe { share.part(row * width + columns.start, columns.len()) };
            for head in heads.chunks_exact_mut(head_dim) {
                let (left, right) = head.split_at_mut(half);
                // SAFETY: the task has slices of one length only.
                unsafe { instructions.run(TurnHead { left, right, cos, sin }) };
            }
        }
    });
}

struct TurnHead<'a> {
    left: &'a mut [f32],
    right: &'a mut [f32],
    cos: &'a [f32],
    sin: &'a [f32],
}

impl Task for TurnHead<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let TurnHead { left, right, cos, sin } = self;
        let whole = cos.len() / N_LANES * N_LANES;
        for idx in (0..whole).step_by(N_LANES) {
            // SAFETY: as the caller's; all that is read or written lies within the slices.
            unsafe {
                let (cos, sin) = (V::load(cos.as_ptr().add(idx)), V::load(sin.as_ptr().add(idx)));
                let (a, b) = (V::load(left.as_ptr().add(idx)), V::load(right.as_ptr().add(idx)));
                a.mul(cos).sub(b.mul(sin)).store(left.as_mut_ptr().add(idx));
                b.mul(cos).add(a.mul(sin)).store(right.as_mut_ptr().add(idx));
            }
        }
        for idx in whole..cos.len() {
            let (a, b) = (left[idx], right[idx]);
            left[idx] = a * cos[idx] - b * sin[idx];
            right[idx] = b * cos[idx] + a * sin[idx];
        }
    }
}

#[cfg(test)]
mod tests;
