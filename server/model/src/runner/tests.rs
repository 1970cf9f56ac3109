use std::path::Path;

use super::*;
use crate::{Config, DeviceChoice, Placement, PrecisionChoice};

fn tiny() -> Base {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tied");
    Base::load(&folder, Placement { device: DeviceChoice::Cpu, precision: PrecisionChoice::F32 }).unwrap()
}

fn step(runner: &mut TorchRunner) -> Result<Vec<Drawn>, RunnerError> {
    let row =
        Row { slot: 0, adapter: AdapterIdx(0), position: 0, tokens: vec![1, 2], sampling: Sampling::Greedy, draw: 0.0 };
    runner.step(&Batch { rows: vec![row] })
}

#[test]
fn a_panic_of_libtorch_fails_the_step_in_one_sentence_and_nothing_else() {
    let base = tiny();
    let sound = Cache::new(base.config(), 1, 8, base.place).unwrap();
    let of_another_shape = Config { head_dim: 6, ..base.config().clone() };
    let wrong = Cache::new(&of_another_shape, 1, 8, base.place).unwrap();

    let mut runner = TorchRunner::new(base, wrong);
    let RunnerError(sentence) = step(&mut runner).unwrap_err();
    assert!(sentence.starts_with("cannot compute a step of 1 rows and 2 tokens: "), "{sentence}");
    assert!(sentence.len() < 300 && !sentence.contains('\n') && !sentence.contains("frame #"), "{sentence}");

    runner.cache = sound;
    runner.reset();
    assert!(matches!(step(&mut runner).unwrap()[..], [Drawn::Token(_)]));
}
