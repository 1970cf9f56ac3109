//! Tokens per second of one checkpoint on the processor, against what the machine allows:
//! `cargo run -p model --example tokens_per_second FOLDER [PRECISION [THREADS [ADAPTER …]]]`.
//!
//! Every figure is the best of several rounds, because a shared machine only ever makes things slower.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use engine::{AdapterIdx, Batch, Draw, NTop, Row, Runner, Sampling, Targets};
use model::{Base, DeviceChoice, Placement, TorchRunner};

const N_PROMPT: u32 = 64;
const N_ROUNDS: u32 = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |idx: usize, other: &str| arguments.get(idx).map_or(other, String::as_str).to_owned();
    let precision = argument(1, "auto").parse().expect("a precision");
    let placement = Placement { device: DeviceChoice::Cpu, precision, ..Placement::default() };
    let began = Instant::now();
    let mut base = Base::load(Path::new(&argument(0, ".")), placement).expect("a checkpoint");
    for folder in arguments.iter().skip(3) {
        base.add_adapter(Path::new(folder)).expect("an adapter");
    }
    base.set_threads(argument(2, "2").parse().expect("a number of threads"));
    let (n_adapters, n_parameters) = (base.n_adapters(), base.n_parameters());
    println!("{}: {n_parameters} weights, read in {:.1} s", base.precision(), began.elapsed().as_secs_f64());
    let mut runner = base.into_runner(100, 256).expect("room");

    let first = seconds(&mut runner, |runner| fed(runner, &[(0, AdapterIdx(0))]));
    println!("first token of one: {first:.3} s, {:.0} tokens/s", f64::from(N_PROMPT) / first);
    decode(&mut runner, "one row", &[(0, AdapterIdx(0))]);
    if n_adapters > 0 {
        let four: Vec<_> = (0..4).map(|slot| (slot, AdapterIdx(slot.min(n_adapters)))).collect();
        let first = seconds(&mut runner, |runner| fed(runner, &four));
        println!("first tokens of four variants: {first:.3} s");
        decode(&mut runner, "four variants", &four);
    }
    let rows = |n: u32| (0..n).map(|slot| (slot, AdapterIdx(0))).collect::<Vec<_>>();
    for n_rows in [4, 8, 16, 32, 100] {
        decode(&mut runner, &format!("{n_rows} rows"), &rows(n_rows));
    }
    score(&mut runner);
}

/// The shortest of several rounds.
fn seconds(runner: &mut TorchRunner, mut round: impl FnMut(&mut TorchRunner)) -> f64 {
    let time = |_| {
        let began = Instant::now();
        round(runner);
        began.elapsed().as_secs_f64()
    };
    (0..N_ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

fn row((slot, adapter): (u32, AdapterIdx), position: u32, tokens: Vec<u32>) -> Row {
    let sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };
    let draw = Draw { sampling, uniform: 0.3, adjustments: [].into(), score: None };
    Row { slot, adapter, position, tokens, draw: Some(draw), targets: None }
}

fn step(runner: &mut TorchRunner, rows: Vec<Row>) {
    black_box(runner.step(&Batch { copies: Vec::new(), rows }).expect("a step"));
}

fn fed(runner: &mut TorchRunner, rows: &[(u32, AdapterIdx)]) {
    step(runner, rows.iter().map(|it| row(*it, 0, (1..=N_PROMPT).collect())).collect());
}

/// Steps of one token for each row, with sampling.
fn decode(runner: &mut TorchRunner, name: &str, rows: &[(u32, AdapterIdx)]) {
    rows.chunks(16).for_each(|rows| fed(runner, rows));
    let mut position = N_PROMPT;
    let step = seconds(runner, |runner| {
        step(runner, rows.iter().map(|it| row(*it, position, vec![7])).collect());
        position += 1;
    });
    println!("{name}: {:.2} ms per step, {:.1} tokens/s", step * 1e3, rows.len() as f64 / step);
}

/// A prompt and an answer of a hundred tokens, whose likeliness is asked for.
fn score(runner: &mut TorchRunner) {
    const N_ANSWER: u32 = 100;
    let step = seconds(runner, |runner| {
        let tokens: Vec<u32> = (1..=N_PROMPT + N_ANSWER).collect();
        let prompt = Row { draw: None, ..row((0, AdapterIdx(0)), 0, tokens[..N_PROMPT as usize].to_vec()) };
        let answer = tokens[N_PROMPT as usize..].to_vec();
        let targets = Some(Targets { first: 0, tokens: answer.clone(), n_top: NTop(0) });
        let scored = Row { draw: None, targets, ..row((0, AdapterIdx(0)), N_PROMPT, answer) };
        step(runner, vec![prompt]);
        step(runner, vec![scored]);
    });
    println!("scoring: {:.0} answer tokens/s", f64::from(N_ANSWER) / step);
}
