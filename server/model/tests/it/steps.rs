//! Steps as the engine asks for them: drawing, refusing, failing.

use engine::{AdapterIdx, Batch, Drawn, Row, Runner as _, RunnerShape, Sampling};
use model::{PrecisionChoice, TorchRunner};

use crate::support::{BASE, assert_close, demo_runner, last_logits, load, row, runner, text_logits, tiny, tokens};

fn step(runner: &mut TorchRunner, rows: &[Row]) -> Result<Vec<Drawn>, String> {
    runner.step(&Batch { rows: rows.to_vec() }).map_err(|err| err.to_string())
}

fn small() -> TorchRunner {
    let mut base = load(&tiny("tied"));
    base.add_adapter(&tiny("tied/all_rslora")).unwrap();
    base.add_adapter(&tiny("tied/some")).unwrap();
    base.into_runner(3, 20).unwrap()
}

#[test]
fn the_shape_is_what_was_asked_for() {
    assert_eq!(small().shape(), RunnerShape { n_slots: 3, n_positions: 20, n_adapters: 2 });
}

#[test]
fn nothing_to_do_is_no_error() {
    assert_eq!(step(&mut small(), &[]), Ok(vec![]));
}

#[test]
fn a_draw_is_its_rows_own() {
    let random = Sampling::Random { temperature: 1.5, top_p: 1.0, top_k: None };
    let prompt = |slot, adapter, draw| Row { sampling: random, draw, ..row(slot, adapter, 0, &tokens(slot, 9)) };
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
    check(&[Row { draw: 1.0, ..fine.clone() }], "slot 0 draws with 1, which is not in [0, 1)");
    check(&[Row { draw: f64::NAN, ..fine.clone() }], "slot 0 draws with NaN, which is not in [0, 1)");
    let random =
        |temperature, top_p, top_k| Row { sampling: Sampling::Random { temperature, top_p, top_k }, ..fine.clone() };
    check(&[random(0.0, 1.0, None)], "slot 0 has temperature 0, which is not above 0");
    check(&[random(f64::NAN, 1.0, None)], "slot 0 has temperature NaN, which is not above 0");
    check(&[random(1.0, 0.0, None)], "slot 0 has top_p 0, which is not in (0, 1]");
    check(&[random(1.0, 1.0, Some(0))], "slot 0 has top_k 0, which keeps nothing");
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
    assert_eq!(drawn[0], Drawn::Token(expected.argmax(1, false).int64_value(&[0]) as u32));
    assert_eq!(drawn[1], Drawn::NonFinite);

    // A longer neighbour makes the next sequence in that slot look past its own end, where the NaNs were.
    let long = tokens(3, 25);
    let _ = last_logits(&mut runner, &[row(1, BASE, 0, &long[..24]), row(2, BASE, 0, &sound[..11])]);
    let logits = last_logits(&mut runner, &[row(1, BASE, 24, &long[24..]), row(2, BASE, 11, &sound[11..])]);
    assert_close(&logits.narrow(0, 1, 1), &expected, 1e-4);
}

#[test]
fn half_precisions_run_on_the_processor_too() {
    for precision in [PrecisionChoice::Bf16, PrecisionChoice::F16] {
        let mut runner = demo_runner(precision);
        let drawn =
            step(&mut runner, &[row(0, BASE, 0, &tokens(1, 9)), row(1, AdapterIdx(3), 0, &tokens(2, 4))]).unwrap();
        assert!(drawn.iter().all(|drawn| matches!(drawn, Drawn::Token(_))));
    }
}
