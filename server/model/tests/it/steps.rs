//! Steps as the engine asks for them: copying, drawing, scoring, refusing, failing.

use engine::{
    AdapterIdx, Batch, Draw, NTop, Row, RowResult, Runner as _, RunnerShape, Sampling, SlotCopy, Steadiness, Targets,
};
use model::{Arithmetic, PrecisionChoice, TorchRunner};
use tch::Kind;

use crate::support::{
    BASE, F32, assert_close, batch, demo_runner, greedily, last_logits, load, row, runner, text_logits, tiny, token_of,
    tokens,
};

fn step(runner: &mut TorchRunner, rows: &[Row]) -> Result<Vec<RowResult>, String> {
    runner.step(&batch(rows)).map_err(|err| err.to_string())
}

fn small() -> TorchRunner {
    let mut base = load(&tiny("tied"));
    base.add_adapter(&tiny("tied/all_rslora")).unwrap();
    base.add_adapter(&tiny("tied/some")).unwrap();
    base.into_runner(3, 20).unwrap()
}

#[test]
fn the_shape_is_what_was_asked_for() {
    let steadiness = Steadiness::Invariant;
    let shape = RunnerShape { n_slots: 3, n_positions: 20, n_adapters: 2, vocabulary_size: 128, steadiness };
    assert_eq!(small().shape(), shape);
}

#[test]
fn nothing_to_do_is_no_error() {
    assert_eq!(step(&mut small(), &[]), Ok(vec![]));
}

#[test]
fn a_draw_is_its_rows_own() {
    let random = Sampling::Random { temperature: 1.5, top_p: 1.0, top_k: None };
    let prompt = |slot, adapter, uniform| Row {
        draw: Some(Draw { sampling: random, uniform, ..greedily() }),
        ..row(slot, adapter, 0, &tokens(slot, 9))
    };
    let rows = [prompt(0, BASE, 0.21), prompt(1, AdapterIdx(1), 0.83), prompt(2, AdapterIdx(2), 0.5)];
    let together = step(&mut small(), &rows).unwrap();
    for (idx, row) in rows.iter().enumerate() {
        assert_eq!(step(&mut small(), std::slice::from_ref(row)).unwrap()[0], together[idx]);
    }
}

#[test]
fn rows_that_cannot_be_are_refused() {
    let check = |rows: &[Row], expected: &str| assert_eq!(step(&mut small(), rows).unwrap_err(), expected);
    let fine = row(0, BASE, 0, &[1, 2]);
    check(&[row(3, BASE, 0, &[1])], "slot 3 does not exist: there are 3");
    check(&[row(0, AdapterIdx(3), 0, &[1])], "slot 0 asks for adapter 3 of 2");
    check(&[row(0, BASE, 0, &[])], "slot 0 has no tokens");
    check(&[row(0, BASE, 0, &[128])], "slot 0 has token 128, but the vocabulary ends at 128");
    check(&[fine.clone(), fine.clone()], "slot 0 stands twice in the batch");
    check(&[row(0, BASE, 0, &[1; 21])], "slot 0 holds 20 positions, not 21 from 0 on");
    check(&[row(0, BASE, u32::MAX, &[1])], "slot 0 holds 20 positions, not 1 from 4294967295 on");
    check(&[row(0, BASE, 4, &[1])], "slot 0 goes on at position 4, but holds 0");
    let asks = |draw| [Row { draw: Some(draw), ..fine.clone() }];
    let draws = |uniform| asks(Draw { uniform, ..greedily() });
    check(&draws(1.0), "slot 0 draws with 1, which is not in [0, 1)");
    check(&draws(f64::NAN), "slot 0 draws with NaN, which is not in [0, 1)");
    let random = |temperature, top_p, top_k| {
        asks(Draw { sampling: Sampling::Random { temperature, top_p, top_k }, ..greedily() })
    };
    check(&random(0.0, 1.0, None), "slot 0 has temperature 0, which is not above 0");
    check(&random(f64::NAN, 1.0, None), "slot 0 has temperature NaN, which is not above 0");
    check(&random(1.0, 0.0, None), "slot 0 has top_p 0, which is not in (0, 1]");
    check(&random(1.0, 1.0, Some(0)), "slot 0 has top_k 0, which keeps nothing");
    let adjusts = |token, value| asks(Draw { adjustments: [(token, value)].into(), ..greedily() });
    check(&adjusts(128, 1.0), "slot 0 adjusts token 128 by 1");
    check(&adjusts(1, f32::NAN), "slot 0 adjusts token 1 by NaN");
    check(&asks(Draw { score: Some(NTop(21)), ..greedily() }), "slot 0 asks for the 21 likeliest tokens, above 20");
    let targets = |tokens: &[u32]| {
        [Row { targets: Some(Targets { first: 1, tokens: tokens.to_vec(), n_top: NTop(0) }), ..fine.clone() }]
    };
    check(&targets(&[1, 2]), "slot 0 asks about 2 tokens from 1 on and feeds 2");
    check(&targets(&[128]), "slot 0 has token 128, but the vocabulary ends at 128");
}

#[test]
fn copies_that_cannot_be_are_refused() {
    let mut runner = small();
    step(&mut runner, &[row(0, AdapterIdx(1), 0, &[1, 2, 3])]).unwrap();
    let mut check = |from, to, n_positions, next: Row, expected: &str| {
        let batch = Batch { copies: vec![SlotCopy { from, to, n_positions }], rows: vec![next] };
        assert_eq!(runner.step(&batch).unwrap_err().to_string(), expected);
    };
    let next = |adapter| row(1, AdapterIdx(adapter), 2, &[3]);
    check(0, 3, 2, next(1), "cannot copy slot 0 to slot 3: there are 3");
    check(0, 1, 4, next(1), "cannot copy slot 0 to slot 1: 4 positions are asked for, and it holds 3");
    check(2, 1, 1, next(1), "cannot copy slot 2 to slot 1: 1 positions are asked for, and it holds 0");
    check(0, 1, 0, next(1), "cannot copy slot 0 to slot 1: 0 positions are asked for, and it holds 3");
    check(0, 1, 2, next(2), "slot 1 goes on with adapter 2, but holds positions of adapter 1");
    check(0, 1, 1, next(1), "slot 1 goes on at position 2, but holds 1");
}

/// Adds these numbers to the logits of these tokens.
fn adjusting(adjustments: &[(u32, f32)]) -> Draw {
    Draw { adjustments: adjustments.into(), ..greedily() }
}

#[test]
fn adjustments_move_the_draw_and_not_the_score() {
    let mut runner = small();
    let text = tokens(1, 9);
    let logprobs = text_logits(&mut runner, BASE, &text).narrow(0, 8, 1).log_softmax(-1, Kind::Float);
    let likeliest = logprobs.argmax(1, false).int64_value(&[0]) as u32;
    let (unlikely, neighbour) = ((likeliest + 1) % 128, row(1, BASE, 0, &tokens(2, 4)));
    for (adjustments, expected) in [
        (vec![(unlikely, 100.0)], unlikely),
        (vec![(unlikely, 100.0), (likeliest, 100.0)], likeliest),
        (vec![(unlikely, -100.0)], likeliest),
    ] {
        let draw = Draw { score: Some(NTop(1)), ..adjusting(&adjustments) };
        let rows = [neighbour.clone(), Row { draw: Some(draw), ..row(0, BASE, 0, &text) }];
        let results = step(&mut runner, &rows).unwrap();
        let RowResult::Fed { drawn: Some(drawn), .. } = &results[1] else { panic!("{results:?}") };
        assert_eq!(drawn.token, expected);
        let score = drawn.score.as_ref().unwrap();
        let logprob = logprobs.double_value(&[0, expected.into()]);
        assert!((f64::from(score.logprob) - logprob).abs() < 1e-5, "{} is not {logprob}", score.logprob);
        assert_eq!(score.top[0].0, likeliest);
    }
}

#[test]
fn the_middle_of_a_prompt_draws_nothing() {
    let mut runner = small();
    let silent = Row { draw: None, ..row(0, BASE, 0, &tokens(1, 5)) };
    let fed = [RowResult::Fed { drawn: None, target_scores: Vec::new() }];
    assert_eq!(step(&mut runner, std::slice::from_ref(&silent)).unwrap(), fed);
    let results = step(&mut runner, &[row(1, BASE, 0, &[4]), silent]).unwrap();
    assert_eq!((token_of(&results[0]), &results[1..]), (only_greedy(&[4]), &fed[..]));
}

fn only_greedy(text: &[u32]) -> u32 {
    token_of(&step(&mut small(), &[row(0, BASE, 0, text)]).unwrap()[0])
}

/// Asks, beside feeding these tokens, how likely the ones that follow are.
fn scoring(row: Row, followers: &[u32]) -> Row {
    Row { targets: Some(Targets { first: 0, tokens: followers.to_vec(), n_top: NTop(3) }), ..row }
}

#[test]
fn scores_are_those_of_the_whole_vocabulary() {
    let mut runner = demo_runner(F32);
    let text = tokens(3, 30);
    let logprobs = text_logits(&mut runner, AdapterIdx(2), &text).log_softmax(-1, Kind::Float);
    let first = Row { draw: None, ..scoring(row(4, AdapterIdx(2), 0, &text[..12]), &text[1..13]) };
    let rest = scoring(row(4, AdapterIdx(2), 12, &text[12..]), &text[13..]);
    let mut scores = Vec::new();
    for (row, draws) in [(first, false), (rest, true)] {
        let neighbour = scoring(crate::support::row(1, BASE, 0, &text[..5]), &text[1..4]);
        let results = step(&mut runner, &[neighbour, row]).unwrap();
        let RowResult::Fed { drawn, target_scores } = &results[1] else { panic!("{results:?}") };
        assert_eq!(drawn.is_some(), draws);
        scores.extend(target_scores.clone());
    }
    assert_eq!(scores.len(), 29);
    for (position, score) in (0_i64..).zip(scores) {
        let expected = logprobs.get(position);
        let near = |token: u32, logprob: f32| {
            let difference = f64::from(logprob) - expected.double_value(&[token.into()]);
            assert!(difference.abs() < 1e-4, "{difference} at {position}");
        };
        near(text[position as usize + 1], score.logprob);
        assert_eq!((score.top.len(), score.top[0].0), (3, expected.argmax(0, false).int64_value(&[]) as u32));
        assert!(score.top.is_sorted_by(|left, right| left.1 >= right.1));
        score.top.iter().for_each(|(token, logprob)| near(*token, *logprob));
    }
}

#[test]
fn a_variant_never_goes_on_from_anothers_cache() {
    let mut runner = small();
    step(&mut runner, &[row(1, AdapterIdx(1), 0, &[1, 2, 3])]).unwrap();
    let refused = step(&mut runner, &[row(1, AdapterIdx(2), 3, &[4])]).unwrap_err();
    assert_eq!(refused, "slot 1 goes on with adapter 2, but holds positions of adapter 1");
    step(&mut runner, &[row(1, AdapterIdx(2), 0, &[4])]).unwrap();
}

#[test]
fn a_reset_forgets() {
    let mut runner = small();
    step(&mut runner, &[row(0, BASE, 0, &[1, 2, 3])]).unwrap();
    runner.reset();
    assert_eq!(step(&mut runner, &[row(0, BASE, 3, &[4])]).unwrap_err(), "slot 0 goes on at position 3, but holds 0");
}

#[test]
fn a_row_that_overflows_fails_alone_and_leaves_nothing_behind() {
    let broken = tempfile::tempdir().unwrap();
    crate::hostile::write_overflowing_adapter(broken.path());
    let mut runner = runner(&tiny("tied"), &[broken.path().to_owned()]);
    let (sound, text) = (tokens(1, 12), tokens(2, 30));
    let expected = text_logits(&mut runner, BASE, &sound).narrow(0, 11, 1);

    let rows = [row(1, BASE, 0, &sound), row(2, AdapterIdx(1), 0, &text)];
    let drawn = step(&mut runner, &rows).unwrap();
    assert_eq!(token_of(&drawn[0]), expected.argmax(1, false).int64_value(&[0]) as u32);
    assert_eq!(drawn[1], RowResult::NonFinite);
    let asked = Row { draw: None, ..scoring(row(2, AdapterIdx(1), 0, &text), &text[1..]) };
    assert_eq!(step(&mut runner, &[asked]).unwrap(), [RowResult::NonFinite]);

    // A longer neighbour makes the next sequence in that slot look past its own end, where the NaNs were.
    let long = tokens(3, 25);
    let _ = last_logits(&mut runner, &[row(1, BASE, 0, &long[..24]), row(2, BASE, 0, &sound[..11])]);
    let logits = last_logits(&mut runner, &[row(1, BASE, 24, &long[24..]), row(2, BASE, 11, &sound[11..])]);
    assert_close(&logits.narrow(0, 1, 1), &expected, 1e-4);
}

#[test]
fn half_precisions_run_on_the_processor_too() {
    for precision in [PrecisionChoice::Bf16, PrecisionChoice::F16] {
        let mut runner = demo_runner((precision, Arithmetic::Libtorch));
        let drawn =
            step(&mut runner, &[row(0, BASE, 0, &tokens(1, 9)), row(1, AdapterIdx(3), 0, &tokens(2, 4))]).unwrap();
        drawn.iter().for_each(|drawn| assert!(token_of(drawn) < 2048));
    }
}
