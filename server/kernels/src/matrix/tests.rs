use super::*;
use crate::half::{bf16_from_f32, f16_from_f32};
use crate::instructions::Instructions;
use crate::testing::{Chance, assert_close, bits, pools};

fn pack(pool: &Pool, weights: &[f32], n_outputs: usize, precision: Precision) -> Matrix {
    let rows = Rows { n_outputs, values: Values::F32(weights) };
    Matrix::pack(pool, &[rows], weights.len() / n_outputs, precision)
}

fn unpack(matrix: &Matrix) -> Vec<f32> {
    let mut rows = vec![0.0; matrix.n_outputs() * matrix.n_inputs()];
    rows.chunks_mut(matrix.n_inputs()).enumerate().for_each(|(output, row)| matrix.row(output, row));
    rows
}

/// `x Wᵀ` in double precision, with the weights as the matrix has them.
fn reference(matrix: &Matrix, x: &[f32]) -> Vec<f64> {
    let weights = unpack(matrix);
    let product = |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
    let n = matrix.n_inputs();
    x.chunks(n).flat_map(|x| weights.chunks(n).map(move |w| product(x, w))).collect()
}

fn multiply(matrix: &Matrix, pool: &Pool, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len() / matrix.n_inputs() * matrix.n_outputs()];
    matrix.multiply(pool, x, &mut y);
    y
}

#[test]
fn products_are_those_of_the_weights_that_are_kept() {
    let shapes = [(1, 1), (3, 2), (16, 32), (17, 33), (40, 95), (70, 257), (130, 64), (33, 700), (5, 1030)];
    let mut chance = Chance(1);
    for pool in pools() {
        for (n_outputs, n_inputs) in shapes {
            let weights = chance.normals(n_outputs * n_inputs);
            for precision in Precision::ALL {
                let matrix = pack(&pool, &weights, n_outputs, precision);
                for n_rows in [1, 2, 3, 4, 5, 6, 7, 9, 13, 50] {
                    let x = chance.normals(n_rows * n_inputs);
                    // A hundred times the last bit of a sum of this length.
                    let tolerance = 1.2e-5 * (n_inputs as f64).sqrt();
                    assert_close(&multiply(&matrix, &pool, &x), &reference(&matrix, &x), tolerance);
                }
            }
        }
    }
}

/// A row's result, bit for bit, among any others, at any place, on any number of threads.
#[test]
fn a_row_does_not_notice_its_company() {
    let mut chance = Chance(2);
    let (n_outputs, n_inputs) = (150, 333);
    let (weights, x) = (chance.normals(n_outputs * n_inputs), chance.normals(130 * n_inputs));
    let bias = chance.normals(n_outputs);
    for precision in Precision::ALL {
        for instructions in Instructions::all().into_iter().chain([Instructions::EMULATED_BF16]) {
            let pools = [1, 2, 3].map(|n_threads| Pool::with(n_threads, instructions));
            let matrix = pack(&pools[0], &weights, n_outputs, precision).with_bias(&bias);
            let alone: Vec<_> = x.chunks(n_inputs).map(|x| bits(&multiply(&matrix, &pools[0], x))).collect();
            for n_rows in 1..=130 {
                let y = multiply(&matrix, &pools[n_rows % 3], &x[..n_rows * n_inputs]);
                let rows: Vec<_> = y.chunks(n_outputs).map(bits).collect();
                assert!(rows == alone[..n_rows], "{precision:?} {instructions} {n_rows} rows");
            }
            let from_the_middle = multiply(&matrix, &pools[1], &x[40 * n_inputs..57 * n_inputs]);
            assert_eq!(bits(&from_the_middle[..n_outputs]), alone[40]);
        }
    }
}

#[test]
fn long_sums_wait_between_pieces_without_loss() {
    let mut chance = Chance(3);
    let (n_outputs, n_inputs) = (35, 2500);
    let (weights, x) = (chance.normals(n_outputs * n_inputs), chance.normals(220 * n_inputs));
    for precision in Precision::ALL {
        for instructions in Instructions::all().into_iter().chain([Instructions::EMULATED_BF16]) {
            let pool = Pool::with(2, instructions);
            let matrix = pack(&pool, &weights, n_outputs, precision);
            let together = multiply(&matrix, &pool, &x);
            for row in [0, 5, 191, 192, 219] {
                let alone = multiply(&matrix, &pool, &x[row * n_inputs..][..n_inputs]);
                assert_eq!(
                    bits(&together[row * n_outputs..][..n_outputs]),
                    bits(&alone),
                    "{precision:?} {instructions}"
                );
            }
        }
    }
}

#[test]
fn what_is_added_is_the_product_and_its_bias() {
    let mut chance = Chance(4);
    for instructions in Instructions::all().into_iter().chain([Instructions::EMULATED_BF16]) {
        let pool = Pool::with(2, instructions);
        for (n_outputs, n_inputs, n_rows) in [(20, 30, 1), (20, 30, 9), (45, 600, 3), (45, 1100, 40)] {
            let weights = chance.normals(n_outputs * n_inputs);
            let (x, before) = (chance.normals(n_rows * n_inputs), chance.normals(n_rows * n_outputs));
            for precision in Precision::ALL {
                let matrix = pack(&pool, &weights, n_outputs, precision).with_bias(&chance.normals(n_outputs));
                let product = multiply(&matrix, &pool, &x);
                let mut y = before.clone();
                matrix.multiply_add(&pool, &x, &mut y);
                let expected: Vec<f32> =
                    before.iter().zip(&product).map(|(before, product)| before + product).collect();
                assert_eq!(bits(&y), bits(&expected), "{precision:?} {instructions} {n_rows} rows");
            }
        }
    }
}

#[test]
fn pairs_of_bf16_come_near_the_product_of_rounded_rows() {
    let mut chance = Chance(5);
    let pool = Pool::with(2, Instructions::EMULATED_BF16);
    for (n_outputs, n_inputs) in [(1, 1), (17, 33), (130, 1100)] {
        let matrix = pack(&pool, &chance.normals(n_outputs * n_inputs), n_outputs, Precision::Bf16);
        for n_rows in [1, 3, 12, 13, 30, 200] {
            let x = chance.normals(n_rows * n_inputs);
            let rounded: Vec<f32> = x.iter().map(|x| bf16_to_f32(bf16_from_f32(*x))).collect();
            let tolerance = 1.2e-5 * (n_inputs as f64).sqrt();
            assert_close(&multiply(&matrix, &pool, &x), &reference(&matrix, &rounded), tolerance);
        }
    }
}

#[test]
fn every_native_kernel_agrees_with_the_reference() {
    for instructions in Instructions::all() {
        assert!(crate::dot::agrees_with_reference(instructions), "{instructions}");
    }
    assert_eq!(Pool::new(2).refused(), None);
}

#[test]
fn halves_are_kept_exactly() {
    let pool = Pool::new(2);
    let mut chance = Chance(6);
    let weights = chance.normals(37 * 45);
    let bf16: Vec<u16> = weights.iter().map(|weight| bf16_from_f32(*weight)).collect();
    let f16: Vec<u16> = weights.iter().map(|weight| f16_from_f32(*weight)).collect();
    let pack = |values, precision| Matrix::pack(&pool, &[Rows { n_outputs: 37, values }], 45, precision);
    let back = |matrix: &Matrix, half: fn(f32) -> u16| unpack(matrix).into_iter().map(half).collect::<Vec<_>>();
    assert_eq!(back(&pack(Values::Bf16(&bf16), Precision::Bf16), bf16_from_f32), bf16);
    assert_eq!(back(&pack(Values::Bf16(&bf16), Precision::F32), bf16_from_f32), bf16);
    assert_eq!(back(&pack(Values::F16(&f16), Precision::F16), f16_from_f32), f16);
    assert_eq!(unpack(&pack(Values::F32(&weights), Precision::F32)), weights);
}

#[test]
fn stacked_matrices_stand_below_each_other() {
    let pool = Pool::new(1);
    let mut chance = Chance(7);
    let parts = [5, 0, 30, 1].map(|n_outputs| (n_outputs, chance.normals(n_outputs * 50)));
    let rows =
        parts.each_ref().map(|(n_outputs, weights)| Rows { n_outputs: *n_outputs, values: Values::F32(weights) });
    let stacked = Matrix::pack(&pool, &rows, 50, Precision::F32);
    assert_eq!(stacked.n_outputs(), 36);
    assert_eq!(unpack(&stacked), parts.map(|(_, weights)| weights).concat());
}

/// The root of the mean squared error, as a share of the weights' own size.
fn error(precision: Precision, weights: &[f32], n_outputs: usize) -> f64 {
    let kept = unpack(&pack(&Pool::new(2), weights, n_outputs, precision));
    let square = |x: f64| x * x;
    let error: f64 = kept.iter().zip(weights).map(|(kept, weight)| square(f64::from(kept - weight))).sum();
    let size: f64 = weights.iter().map(|weight| square(f64::from(*weight))).sum();
    (error / size).sqrt()
}

#[test]
fn quantized_weights_stay_near_their_originals() {
    let weights = Chance(8).normals(64 * 1024);
    let check = |precision, most: f64| {
        let found = error(precision, &weights, 64);
        assert!(found < most && found > most / 2.0, "{precision:?}: {found}");
    };
    check(Precision::F16, 0.0003);
    check(Precision::Bf16, 0.002);
    check(Precision::Int8, 0.006);
    check(Precision::Int4, 0.082);
}

#[test]
fn weights_that_are_all_alike_or_zero_are_kept() {
    for precision in [Precision::Int8, Precision::Int4] {
        for weight in [0.0, 0.5, -2.0] {
            let kept = unpack(&pack(&Pool::new(1), &vec![weight; 3 * 70], 3, precision));
            assert!(
                kept.iter().all(|kept| (kept - weight).abs() <= 0.02 * weight.abs()),
                "{precision:?} {weight}: {kept:?}"
            );
        }
    }
}

#[test]
fn each_precision_takes_the_memory_it_says() {
    let pool = Pool::new(1);
    let bits = |precision| pack(&pool, &vec![1.0; 160 * 320], 160, precision).n_bytes() as f64 * 8.0 / (160.0 * 320.0);
    assert_eq!(Precision::ALL.map(bits), [32.0, 16.0, 16.0, 9.0, 5.0]);
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    let mut chance = Chance(9);
    let (weights, x) = (chance.normals(40 * 64), chance.normals(20 * 64));
    for pool in pools() {
        for precision in Precision::ALL {
            let matrix = pack(&pool, &weights, 40, precision);
            let healthy = multiply(&matrix, &pool, &x);
            for bad in [f32::NAN, f32::INFINITY] {
                let mut x = x.clone();
                x[7 * 64 + 5] = bad;
                let y = multiply(&matrix, &pool, &x);
                assert!(y[7 * 40..8 * 40].iter().all(|y| !y.is_finite()), "{precision:?}");
                assert_eq!(bits(&y[..7 * 40]), bits(&healthy[..7 * 40]));
                assert_eq!(bits(&y[8 * 40..]), bits(&healthy[8 * 40..]));
            }
        }
    }
}
