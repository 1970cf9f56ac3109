use super::*;
use crate::testing::{Chance, assert_close, bits, pools};

#[test]
fn rows_get_the_size_of_the_weights() {
    let mut chance = Chance(1);
    for pool in pools() {
        for n in [1, 2, 7, 8, 9, 31, 32, 64, 100, 896] {
            let (x, weight) = (chance.normals(5 * n), chance.normals(n));
            let mut y = vec![0.0; x.len()];
            rms_norm(&pool, &x, &weight, 1e-6, &mut y);
            let expected: Vec<f64> = x
                .chunks(n)
                .flat_map(|x| {
                    let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n as f64;
                    x.iter().zip(&weight).map(move |(x, w)| f64::from(*x) * f64::from(*w) / (mean + 1e-6).sqrt())
                })
                .collect();
            assert_close(&y, &expected, 1e-5);
        }
    }
}

#[test]
fn a_row_does_not_notice_its_company() {
    let mut chance = Chance(2);
    let (x, weight) = (chance.normals(130 * 200), chance.normals(200));
    for pool in pools() {
        let run = |x: &[f32]| {
            let mut y = vec![0.0; x.len()];
            rms_norm(&pool, x, &weight, 1e-6, &mut y);
            bits(&y)
        };
        let all = run(&x);
        assert!(x.chunks(200).zip(all.chunks(200)).all(|(x, y)| run(x) == y));
    }
}

#[test]
fn heads_are_normalized_each_by_itself_and_nothing_beside_them() {
    let mut chance = Chance(3);
    for pool in pools() {
        let (x, weight) = (chance.normals(3 * 50), chance.normals(10));
        let mut within = x.clone();
        rms_norm_within(&pool, &mut within, 50, 10..40, &weight, 1e-5);
        for (row, before) in within.chunks(50).zip(x.chunks(50)) {
            assert_eq!((&row[..10], &row[40..]), (&before[..10], &before[40..]));
            let mut alone = vec![0.0; 30];
            rms_norm(&pool, &before[10..40], &weight, 1e-5, &mut alone);
            assert_eq!(row[10..40], alone);
        }
    }
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    for pool in pools() {
        let mut y = vec![0.0; 6];
        rms_norm(&pool, &[1.0, 1.0, f32::NAN, 1.0, 3.0, 3.0], &[1.0, 2.0], 0.0, &mut y);
        assert!(y[2].is_nan() && y[3].is_nan());
        assert_eq!((&y[..2], &y[4..]), ([1.0, 2.0].as_slice(), [1.0, 2.0].as_slice()));
    }
}
