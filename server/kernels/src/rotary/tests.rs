use super::*;
use crate::testing::{Chance, assert_close, pools};

#[test]
fn pairs_turn_by_their_angles_and_other_columns_stay() {
    let mut chance = Chance(1);
    for pool in pools() {
        for head_dim in [2, 6, 16, 64, 100] {
            let (n_rows, half, width) = (5, head_dim / 2, 4 * head_dim);
            let angles: Vec<f64> = (0..n_rows * half).map(|_| chance.uniform() * 1000.0).collect();
            let cos: Vec<f32> = angles.iter().map(|angle| angle.cos() as f32).collect();
            let sin: Vec<f32> = angles.iter().map(|angle| angle.sin() as f32).collect();
            let before = chance.normals(n_rows * width);
            let mut x = before.clone();
            turn(&pool, &mut x, width, head_dim..3 * head_dim, head_dim, Turns { cos: &cos, sin: &sin });
            let expected: Vec<f64> = (0..x.len())
                .map(|idx| {
                    let (row, head, i) = (idx / width, idx % width / head_dim, idx % head_dim);
                    let (sin, cos) = angles[row * half + i % half].sin_cos();
                    let at = |i: usize| f64::from(before[row * width + head * head_dim + i]);
                    match (head, i < half) {
                        (0 | 3, _) => at(i),
                        (_, true) => at(i) * cos - at(i + half) * sin,
                        (_, false) => at(i) * cos + at(i - half) * sin,
                    }
                })
                .collect();
            assert_close(&x, &expected, 1e-6);
        }
    }
}
