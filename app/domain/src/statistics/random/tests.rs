use super::*;

/// The first numbers of the authors' own programs (splitmix64.c with seed 1234567, xoshiro256plusplus.c from 1, 2, 3, 4).
#[test]
fn numbers_are_those_of_the_authors() {
    let mut state = 1_234_567;
    assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
    assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    let mut random = Random([1, 2, 3, 4]);
    let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205];
    assert_eq!(expected.map(|_| random.next()), expected);
}

#[test]
fn every_place_is_as_likely() {
    for n in [1, 3, 8, 100] {
        let mut random = Random::new(7);
        let mut drawn = vec![0_u32; n];
        let each = 1_000;
        for _ in 0..each * n {
            drawn[random.index(n)] += 1;
        }
        // Five standard deviations.
        let reach = 5.0 * (each as f64).sqrt();
        assert!(drawn.iter().all(|it| (f64::from(*it) - each as f64).abs() < reach), "{drawn:?}");
    }
}

#[test]
fn seeds_differ_and_repeat() {
    let first = |seed| Random::new(seed).unit();
    assert_eq!(first(0), first(0));
    assert_ne!(first(0), first(1));
    assert!((0.0..1.0).contains(&first(0)));
}
