use super::*;

#[test]
fn a_measure_falls_into_the_first_bucket_that_holds_it() {
    let buckets = Buckets::new(&[1.0, 2.0]);
    [0.5, 1.0, 1.5, 2.0, 7.25].into_iter().for_each(|measure| buckets.note(measure));
    let histogram = buckets.read();
    assert_eq!((&histogram.counts[..], histogram.sum, histogram.n()), (&[2, 2, 1][..], 12.25, 5));
}
