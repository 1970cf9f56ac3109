use std::path::Path;

use super::*;
use crate::{Arithmetic, Config, DeviceChoice, Placement, PrecisionChoice};

fn tiny(arithmetic: Arithmetic) -> Base {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tied");
    Base::load(&folder, Placement { device: DeviceChoice::Cpu, precision: PrecisionChoice::F32, arithmetic }).unwrap()
}

fn step(runner: &mut TorchRunner) -> Result<Vec<RowResult>, RunnerError> {
    let draw = Draw { sampling: Sampling::Greedy, uniform: 0.0, adjustments: [].into(), score: None };
    let (adapter, tokens) = (AdapterIdx(0), vec![1, 2]);
    let row = Row { slot: 0, adapter, position: 0, tokens, draw: Some(draw), targets: None };
    runner.step(&Batch { copies: Vec::new(), rows: vec![row] })
}

#[test]
fn a_panic_fails_the_step_in_one_sentence_and_nothing_else() {
    for arithmetic in [Arithmetic::Kernels, Arithmetic::Libtorch] {
        check_panic(tiny(arithmetic));
    }
}

fn check_panic(base: Base) {
    let sound = Cache::new(base.config(), 1, 8, &base.place).unwrap();
    let of_another_shape = Config { head_dim: 6, ..base.config().clone() };
    let wrong = Cache::new(&of_another_shape, 1, 8, &base.place).unwrap();

    let mut runner = TorchRunner::new(base, wrong);
    let RunnerError(sentence) = step(&mut runner).unwrap_err();
    assert!(sentence.starts_with("cannot compute a step of 1 rows and 2 tokens: "), "{sentence}");
    assert!(sentence.len() < 300 && !sentence.contains('\n') && !sentence.contains("frame #"), "{sentence}");

    runner.cache = sound;
    runner.reset();
    assert!(matches!(step(&mut runner).unwrap()[..], [RowResult::Fed { drawn: Some(_), .. }]));
}
