//! What stands between two products: gates, soft caps, and the exponential function under them.

use crate::lanes::{Lanes, N_LANES, Task};
use crate::pool::Pool;
use crate::share::Share;
use crate::split::over_rows;

/// The function on the gate of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `x / (1 + e⁻ˣ)`
    Silu,
    /// `x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`
    GeluTanh,
}

/// `y = f(gate) · up` for rows of gate and up side by side, `(rows, 2 · inner)` → `(rows, inner)`.
pub fn gated(pool: &Pool, gate: Gate, gate_up: &[f32], inner: usize, y: &mut [f32]) {
    assert_eq!(gate_up.len(), 2 * y.len(), "a row is as wide as its gate and up together");
    assert!(inner > 0 && y.len().is_multiple_of(inner), "y is rows × inner");
    let (instructions, share) = (pool.instructions(), Share::new(y));
    over_rows(pool, gate_up.len() / (2 * inner), 4 * inner, |rows| {
        for row in rows {
            let (gates, ups) = gate_up[row * 2 * inner..][..2 * inner].split_at(inner);
            // SAFETY: every row is of one task.
            let y = unsafe { share.part(row * inner, inner) };
            // SAFETY: the task has slices of one length only.
            unsafe { instructions.run(Gated { gate, gates, ups, y }) };
        }
    });
}

/// `x ← x + y`
pub fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "what is added is of one size");
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// `x ← cap · tanh(x / cap)`
pub fn soft_cap(pool: &Pool, x: &mut [f32], cap: f32) {
    const RUN: usize = 4096;
    let (instructions, len, share) = (pool.instructions(), x.len(), Share::new(x));
    over_rows(pool, len.div_ceil(RUN), 4 * RUN, |runs| {
        let start = runs.start * RUN;
        // SAFETY: the tasks' runs are apart.
        let x = unsafe { share.part(start, (runs.end * RUN).min(len) - start) };
        // SAFETY: the task has a slice only.
        unsafe { instructions.run(SoftCap { x, cap }) };
    });
}

struct Gated<'a> {
    gate: Gate,
    gates: &'a [f32],
    ups: &'a [f32],
    y: &'a mut [f32],
}

impl Task for Gated<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let len = self.y.len();
        for idx in (0..len).step_by(N_LANES) {
            let n = N_LANES.min(len - idx);
            // SAFETY: as the caller's; all that is read or written lies within the slices.
            unsafe {
                let (x, up) = (load_part::<V>(&self.gates[idx..], n), load_part::<V>(&self.ups[idx..], n));
                let y = match self.gate {
                    Gate::Silu => silu(x),
                    Gate::GeluTanh => gelu_tanh(x),
                };
                store_part(y.mul(up), &mut self.y[idx..], n);
            }
        }
    }
}

pub(crate) struct SoftCap<'a> {
    pub x: &'a mut [f32],
    pub cap: f32,
}

impl Task for SoftCap<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let len = self.x.len();
        for idx in (0..len).step_by(N_LANES) {
            let n = N_LANES.min(len - idx);
            // SAFETY: as the caller's; all that is read or written lies within the slice.
            unsafe {
                let x = load_part::<V>(&self.x[idx..], n);
                let cap = V::splat(self.cap);
                store_part(tanh(x.div(cap)).mul(cap), &mut self.x[idx..], n);
            }
        }
    }
}

/// The first `n` numbers, and zeros.
///
/// # Safety
///
/// The instructions of `V` are there, and `n` numbers.
#[inline(always)]
pub(crate) unsafe fn load_part<V: Lanes>(from: &[f32], n: usize) -> V {
    // SAFETY: as the caller's.
    unsafe {
        if n == N_LANES {
            return V::load(from.as_ptr());
        }
        let mut full = [0.0; N_LANES];
        std::ptr::copy_nonoverlapping(from.as_ptr(), full.as_mut_ptr(), n);
        V::load(full.as_ptr())
    }
}

/// # Safety
///
/// The instructions of `V` are there, and room for `n` numbers.
#[inline(always)]
pub(crate) unsafe fn store_part<V: Lanes>(from: V, to: &mut [f32], n: usize) {
    // SAFETY: as the caller's.
    unsafe {
        if n == N_LANES {
            return from.store(to.as_mut_ptr());
        }
        let full = from.to_array();
        std::ptr::copy_nonoverlapping(full.as_ptr(), to.as_mut_ptr(), n);
    }
}

/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
unsafe fn silu<V: Lanes>(x: V) -> V {
    // SAFETY: as the caller's.
    unsafe { x.div(V::splat(1.0).add(exp(V::splat(0.0).sub(x)))) }
}

/// `(1 + tanh u) / 2 = 1 / (1 + e⁻²ᵘ)`, so nothing cancels.
///
/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
unsafe fn gelu_tanh<V: Lanes>(x: V) -> V {
    const MINUS_TWO_ROOT: f32 = -1.595_769; // −2 · √(2/π)
    // SAFETY: as the caller's.
    unsafe {
        let cubic = x.mul(x).mul_add(V::splat(0.044_715), V::splat(1.0)).mul(x);
        x.div(V::splat(1.0).add(exp(cubic.mul(V::splat(MINUS_TWO_ROOT)))))
    }
}

/// eˣ with a relative error below 2·10⁻⁷; 0 where it would be less than the smallest normal number.
///
/// `x = n · ln 2 + r` with `|r| ≤ ln 2 / 2`, and a polynomial for eʳ.
///
/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
pub(crate) unsafe fn exp<V: Lanes>(x: V) -> V {
    const LOWEST: f32 = -87.33;
    const HIGHEST: f32 = 88.722_83;
    // Adding this to a small number leaves no bits behind the point.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const POLYNOMIAL: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];
    // SAFETY: as the caller's.
    unsafe {
        let (low, high) = (V::splat(LOWEST), V::splat(HIGHEST));
        let within = x.at_least(low).at_most(high);
        let n = within.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND)).sub(V::splat(ROUND));
        let r = n.mul_add(V::splat(-LN2_HIGH), within);
        let r = n.mul_add(V::splat(-LN2_LOW), r);
        let mut p = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            p = p.mul_add(r, V::splat(*coefficient));
        }
        let e = p.mul_add(r.mul(r), r).add(V::splat(1.0)).add_exponent(n);
        let e = low.if_above(x, V::splat(0.0), e);
        x.if_above(high, V::splat(f32::INFINITY), e)
    }
}

/// tanh with a relative error below 4·10⁻⁷: by a polynomial near zero, by exponentials further out.
///
/// # Safety
///
/// The instructions of `V` are there.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Lanes>(x: V) -> V {
    const NEAR: f32 = 0.625;
    const POLYNOMIAL: [f32; 5] = [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1];
    // SAFETY: as the caller's.
    unsafe {
        let (one, two) = (V::splat(1.0), V::splat(2.0));
        let square = x.mul(x);
        let mut p = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            p = p.mul_add(square, V::splat(*coefficient));
        }
        let near = p.mul(square).mul_add(x, x);
        // For large x the exponential is infinite and the quotient 0.
        let far = one.sub(two.div(exp(x.mul(two)).add(one)));
        V::splat(NEAR * NEAR).if_above(square, near, far)
    }
}

#[cfg(test)]
mod tests;
