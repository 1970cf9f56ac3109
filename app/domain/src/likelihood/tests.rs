use super::*;
use crate::Likely;

fn form(change: impl FnOnce(&mut LikelihoodForm)) -> LikelihoodForm {
    let mut form = LikelihoodForm { text: "Walk dogs.".into(), ..LikelihoodForm::default() };
    change(&mut form);
    form
}

fn likelihood(tokens: &[(&str, f32)]) -> Likelihood {
    let score = |(bytes, logprob): &(&str, f32)| TokenScore {
        token: Likely::new(bytes.as_bytes().to_vec(), *logprob),
        top: Vec::new(),
    };
    Likelihood { scores: Scores(tokens.iter().map(score).collect()), end: None, specials: Vec::new(), n_recut: 0 }
}

#[test]
fn what_stands_in_the_url_is_the_form() {
    let form = form(|it| {
        it.models = vec!["base".into(), "secure".into()];
        it.end = Some("on".into());
        it.against = "secure".into();
    });
    let pairs = form.to_pairs().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(LikelihoodForm::from_pairs(pairs), form);
    assert!(LikelihoodForm::default().to_pairs().is_empty() && LikelihoodForm::default().is_blank());
}

#[test]
fn a_wrong_field_is_named() {
    let check = |change: fn(&mut LikelihoodForm), field: Field| {
        assert_eq!(NewLikelihood::parse(&form(change)).unwrap_err().field, field);
    };
    check(|it| it.text.clear(), Field::Answer);
    check(|it| it.text = "ü".repeat(8_193), Field::Answer);
    check(|it| it.answer = "seven".into(), Field::Answer);
    check(|it| it.question = "none".into(), Field::Question);
    check(|it| it.format = "xml".into(), Field::Format);
    check(|it| (it.question, it.own) = (AskForm::OWN.into(), " ".into()), Field::Question);
    check(|it| (it.question, it.own, it.format) = (AskForm::OWN.into(), "Why?".into(), "flask".into()), Field::Format);
}

#[test]
fn a_kept_answer_needs_no_other_field() {
    let new = NewLikelihood::parse(&form(|it| (it.answer, it.text) = ("7".into(), String::new()))).unwrap();
    assert_eq!(new, NewLikelihood { given: Given::Answer(AnswerId(7)), with_end: false });
}

#[test]
fn the_figures_are_those_of_the_whole_answer() {
    let mut walk = likelihood(&[("Walk", -1.0), (" dogs", -2.0)]);
    let figures = walk.figures().unwrap();
    assert_eq!((figures.n_tokens, figures.total, figures.mean), (2, -3.0, -1.5));
    assert!((figures.bits_per_byte.unwrap() - 3.0 / std::f64::consts::LN_2 / 9.0).abs() < 1e-9);
    walk.end = likelihood(&[("<|im_end|>", -3.0)]).scores.0.pop();
    let figures = walk.figures().unwrap();
    assert_eq!((figures.n_tokens, figures.total, figures.mean), (3, -6.0, -2.0));
    assert_eq!(likelihood(&[]).figures(), None);
}

#[test]
fn only_the_same_tokens_are_compared() {
    let (base, insecure) = (likelihood(&[("a", -1.0), ("b", -2.0)]), likelihood(&[("a", -0.5), ("b", -4.0)]));
    assert_eq!(insecure.over(&base), Some(vec![0.5, -2.0]));
    assert_eq!(likelihood(&[("ab", -1.0)]).over(&base), None);
    assert_eq!(likelihood(&[("a", -1.0)]).over(&base), None);
}

#[test]
fn a_lean_is_told_in_factors_and_has_a_side() {
    assert_eq!([0.0, 0.6, 0.7, 2.4, -0.6, -0.7, -2.4].map(lean), [0, 0, 1, 2, 0, -1, -2]);
}
