use super::quantile;

#[test]
fn the_median_of_an_even_number_lies_between_the_middle_two() {
    assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), 3.0);
}

#[test]
fn quartiles_lie_between_neighbours_in_proportion() {
    assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.25), 1.75);
    assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.75), 5.0);
}

#[test]
fn a_single_run_is_its_own_median() {
    assert_eq!(quantile(&[7.0], 0.5), 7.0);
}
