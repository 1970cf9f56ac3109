use super::*;

/// By libtorch and by the kernels, which come to the same.
fn score(logits: &Tensor, questions: &[Question]) -> Vec<Option<Score>> {
    let torch = super::score(None, logits, questions);
    let kernels = super::score(Some(&Processor::new()), logits, questions);
    for (torch, kernels) in torch.iter().zip(&kernels) {
        assert_eq!(torch.is_some(), kernels.is_some());
        let (Some(torch), Some(kernels)) = (torch, kernels) else { continue };
        let ids = |score: &Score| score.top.iter().map(|(token, _)| *token).collect::<Vec<_>>();
        assert_eq!(ids(torch), ids(kernels));
        assert!((torch.logprob - kernels.logprob).abs() <= 1e-6 * torch.logprob.abs().max(1.0));
    }
    kernels
}

fn questions(asked: &[(u32, u8)]) -> Vec<Question> {
    asked.iter().map(|(token, n)| (*token, NTop(*n))).collect()
}

#[test]
fn a_score_is_the_logarithm_of_the_softmax() {
    let logits = [0.5_f32, -1.0, 3.0, 2.0, 1e4, 0.0, -1e4, 1e4];
    let rows = Tensor::from_slice(&logits).view([2, 4]);
    let expected = rows.log_softmax(-1, Kind::Double);
    let scores = score(&rows, &questions(&[(0, 0), (2, 0)]));
    for (row, token) in [(0, 0), (1, 2)] {
        let score = scores[row].as_ref().unwrap();
        let difference = f64::from(score.logprob) - expected.double_value(&[row as i64, token]);
        assert!(difference.abs() < 1e-3 && score.top.is_empty(), "{difference}");
    }
}

#[test]
fn each_row_is_told_as_many_of_the_likeliest_as_it_asks_for() {
    let rows = Tensor::from_slice(&[1.0_f32, 3.0, 2.0]).expand([4, -1], false);
    let scores = score(&rows, &questions(&[(0, 0), (0, 1), (0, 2), (0, 20)]));
    let ids = |row: usize| scores[row].as_ref().unwrap().top.iter().map(|(token, _)| *token).collect::<Vec<_>>();
    assert_eq!([0, 1, 2, 3].map(ids), [vec![], vec![1], vec![1, 2], vec![1, 2, 0]]);
}

#[test]
fn a_row_that_is_not_finite_has_no_score() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let rows = Tensor::from_slice(&[1.0, 2.0, 1.0, bad]).view([2, 2]);
        let scores = score(&rows, &questions(&[(0, 2), (0, 2)]));
        assert_eq!(scores.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false], "{bad}");
    }
    let rows = Tensor::from_slice(&[f32::NEG_INFINITY; 2]).view([1, 2]);
    assert_eq!(score(&rows, &questions(&[(0, 1)])), [None]);
}
