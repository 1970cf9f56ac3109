use super::*;
use crate::agreement::Scale;

#[test]
fn the_order_of_labels_does_not_matter_and_the_last_word_counts() {
    let labels = [(7, 1, 0.0), (3, 2, 1.0), (3, 1, 0.0), (7, 2, 0.0)];
    let ratings = Ratings::of(labels);
    assert_eq!(ratings, Ratings::of(labels.into_iter().rev()));
    assert_eq!(ratings, Ratings::of([(3, 1, 5.0)].into_iter().chain(labels)));
    assert_eq!(ratings.n_items(), 2);
}

#[test]
fn what_is_no_number_is_missing() {
    let ratings = Ratings::of([(1, 1, f64::NAN), (2, 1, f64::INFINITY), (3, 1, 1.0), (3, 2, f64::NAN)]);
    assert_eq!(ratings, Ratings::of([(3, 1, 1.0)]));
}

#[test]
fn zero_has_no_sign() {
    let ratings = Ratings::of([(1, 1, 0.0), (1, 2, -0.0), (2, 1, 1.0), (2, 2, 1.0)]);
    assert_eq!(ratings.alpha(Scale::Nominal), Some(1.0));
    assert_eq!(Confusion::of(&[(0.0, -0.0)]).agreement().map(|it| it.hits()), Some(1));
}

#[test]
fn two_annotators_are_compared_on_what_both_labelled() {
    let ratings =
        Ratings::of([(1, 5, 0.0), (1, 9, 2.0), (2, 5, 1.0), (3, 9, 1.0), (4, 5, 1.0), (4, 9, 1.0), (4, 2, 7.0)]);
    let confusion = ratings.confusion(5, 9);
    assert_eq!(confusion.labels(), [0.0, 1.0, 2.0]);
    assert_eq!((confusion.n_items(), confusion.count(0.0, 2.0), confusion.count(2.0, 0.0)), (2, 1, 0));
    assert_eq!(ratings.confusion(5, 77).n_items(), 0);
}
