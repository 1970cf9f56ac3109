use super::*;
use crate::statistics::binomial::probability;

const N_DRAWS: u32 = 20_000;

#[test]
fn tables_hold_the_binomial_distribution() {
    for (n, hits, misses) in [(0, 1, 1), (1, 1, 3), (16, 3, 5), (64, 1, 63), (64, 63, 1), (1_280, 20, 1_260)] {
        let table = BinomialTable::new(n, hits, misses);
        let total = table.cumulative.last().unwrap();
        let mut before = 0.0;
        for (k, sum) in (table.least..).zip(&table.cumulative) {
            let expected = probability(k, n, f64::from(hits) / f64::from(hits + misses));
            assert!(((sum - before) / total - expected).abs() < 1e-13, "{k} of {n}");
            before = *sum;
        }
    }
}

#[test]
fn what_never_happens_is_never_drawn() {
    let check = |n, hits, misses, expected| {
        let mut random = Random::new(3);
        let table = BinomialTable::new(n, hits, misses);
        assert!((0..1_000).all(|_| table.draw(&mut random) == expected), "{hits} of {misses}");
    };
    check(64, 0, 64, 0);
    check(64, 64, 0, 64);
    check(0, 3, 4, 0);
    check(0, 0, 0, 0);
    check(9, 0, 0, 0);
}

/// Draws of counts against draws of answers, which they stand for: each pair of numbers as often.
#[test]
fn drawing_counts_is_drawing_answers() {
    let counts = Counts { unscored: 1, incoherent: 1, aligned: 2, misaligned: 2 };
    let answers = [(0, 0), (0, 0), (0, 1), (0, 1), (1, 1), (1, 1)];
    let mut tally = vec![[0_i32; 2]; 49];
    let (mut random, mut cell) = (Random::new(11), Cell::new(counts));
    for _ in 0..N_DRAWS {
        let drawn = cell.draw(&mut random);
        assert_eq!(drawn.asked(), 6);
        tally[(drawn.misaligned * 7 + drawn.coherent()) as usize][0] += 1;
        let (mut misaligned, mut coherent) = (0, 0);
        for _ in 0..6 {
            let answer = answers[random.index(6)];
            (misaligned, coherent) = (misaligned + answer.0, coherent + answer.1);
        }
        tally[misaligned * 7 + coherent][1] += 1;
    }
    let mut n_seen = 0;
    for [counted, drawn] in tally.into_iter().filter(|it| *it != [0, 0]) {
        n_seen += 1;
        // Four standard deviations of the difference; about 28 pairs are looked at.
        let reach = 4.0 * f64::from(counted + drawn).sqrt();
        assert!(f64::from((counted - drawn).abs()) <= reach.max(4.0), "{counted} and {drawn}");
    }
    assert!(n_seen > 20);
}
