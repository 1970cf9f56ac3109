use super::*;
use crate::testing::{Chance, bits, pools};

/// `f` of every number on the lanes of a pool.
struct Map<'a> {
    x: &'a mut [f32],
    tanh: bool,
}

impl Task for Map<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for x in self.x.chunks_mut(N_LANES) {
            let n = x.len();
            // SAFETY: all that is read or written lies within the slice.
            unsafe {
                let before = load_part::<V>(x, n);
                store_part(if self.tanh { tanh(before) } else { exp(before) }, x, n);
            }
        }
    }
}

fn check(tanh: bool, range: std::ops::Range<f64>, reference: fn(f64) -> f64, tolerance: f64) {
    const N: usize = 200_000;
    let step = (range.end - range.start) / N as f64;
    let x: Vec<f32> = (0..N).map(|i| (range.start + i as f64 * step) as f32).collect();
    for pool in pools() {
        let mut y = x.clone();
        // SAFETY: the task has a slice only.
        unsafe { pool.instructions().run(Map { x: &mut y, tanh }) };
        for (x, y) in x.iter().zip(&y) {
            let expected = reference(f64::from(*x));
            let error = ((f64::from(*y) - expected) / expected.abs().max(f64::MIN_POSITIVE)).abs();
            assert!(error <= tolerance || f64::from(*y) == expected, "{x}: {y} instead of {expected}, off by {error}");
        }
    }
}

#[test]
fn exponentials_are_near_to_the_last_bit() {
    check(false, -87.3..88.7, f64::exp, 2e-7);
    check(false, -1.0..1.0, f64::exp, 2e-7);
}

#[test]
fn tanh_is_near_everywhere() {
    check(true, -12.0..12.0, f64::tanh, 4e-7);
    check(true, -0.01..0.01, f64::tanh, 4e-7);
}

#[test]
fn exponentials_of_extremes() {
    for pool in pools() {
        let mut x = [f32::NEG_INFINITY, -1e30, -88.0, 0.0, 89.0, 1e30, f32::INFINITY, f32::NAN];
        // SAFETY: the task has a slice only.
        unsafe { pool.instructions().run(Map { x: &mut x, tanh: false }) };
        let inf = f32::INFINITY;
        assert_eq!(x[..7], [0.0, 0.0, 0.0, 1.0, inf, inf, inf]);
        assert!(x[7].is_nan());
    }
}

fn silu_of(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn gelu_of(x: f64) -> f64 {
    let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
    x / (1.0 + (-2.0 * u).exp())
}

#[test]
fn gates_open_as_they_should() {
    let mut chance = Chance(1);
    for pool in pools() {
        for (gate, reference) in [(Gate::Silu, silu_of as fn(f64) -> f64), (Gate::GeluTanh, gelu_of)] {
            for inner in [1, 7, 8, 300, 4864] {
                let gate_up: Vec<f32> = chance.normals(6 * inner).into_iter().map(|x| 4.0 * x).collect();
                let mut y = vec![0.0; 3 * inner];
                gated(&pool, gate, &gate_up, inner, &mut y);
                for (idx, y) in y.iter().enumerate() {
                    let at = |column: usize| f64::from(gate_up[idx / inner * 2 * inner + column]);
                    let expected = reference(at(idx % inner)) * at(inner + idx % inner);
                    let error = (f64::from(*y) - expected).abs();
                    // Far out, the exponent's last bit is worth more than the exponential's.
                    assert!(error <= 1e-5 * expected.abs() + 1e-12, "{gate:?} {y} {expected}");
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_notice_its_company() {
    let gate_up = Chance(2).normals(60 * 2 * 333);
    for pool in pools() {
        let run = |gate_up: &[f32]| {
            let mut y = vec![0.0; gate_up.len() / 2];
            gated(&pool, Gate::Silu, gate_up, 333, &mut y);
            bits(&y)
        };
        let all = run(&gate_up);
        assert!(gate_up.chunks(666).zip(all.chunks(333)).all(|(one, y)| run(one) == y));
    }
}

#[test]
fn caps_bound_and_leave_small_numbers() {
    for pool in pools() {
        let mut x: Vec<f32> = (0..9000).map(|i| (i as f32 - 4500.0) / 10.0).collect();
        let before = x.clone();
        soft_cap(&pool, &mut x, 30.0);
        for (x, before) in x.iter().zip(before) {
            assert!((f64::from(*x) - 30.0 * (f64::from(before) / 30.0).tanh()).abs() < 2e-5);
        }
    }
}
