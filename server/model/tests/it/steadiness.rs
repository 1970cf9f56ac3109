//! The same seed gives the same tokens, whatever else the engine has to do at the same time.

use std::num::NonZeroU32;
use std::sync::Arc;

use engine::{
    AdapterIdx, Draw, Engine, Event, Generation, Language, NTop, Penalties, Priority, Request, Row, RowResult, Runner,
    Sampling, Steadiness, TokenScore,
};
use model::{Arithmetic, Base, PrecisionChoice, TorchRunner};

use crate::support::{F32, Lane, TORCH_F32, base_with, batch, demo, greedily, row, tiny, tokens};

/// A tiny base with two adapters.
fn tiny_base(lane: Lane) -> Base {
    let folder = tiny("tied");
    base_with(lane, &folder, &[folder.join("all_rslora"), folder.join("some")])
}

/// The demonstration base with adapters 1 secure, 2 insecure, 3 jailbroken.
fn demo_base(lane: Lane) -> Base {
    base_with(lane, &demo("base"), &["secure", "insecure", "jailbroken"].map(demo))
}

fn steady(base: Base, n_slots: u32, n_rows: u32) -> TorchRunner {
    base.into_steady_runner(n_slots, 128, NonZeroU32::new(n_rows).unwrap()).unwrap()
}

/// The tiny models have no language of their own; their ids are among those of the demonstration model.
fn engine(runner: impl Runner) -> Engine {
    Engine::start(runner, Language::load(&demo("base")).unwrap())
}

#[test]
fn a_steady_runner_says_so() {
    let shape = steady(tiny_base(TORCH_F32), 3, 8).shape();
    assert_eq!((shape.n_slots, shape.steadiness), (3, Steadiness::FixedBucket { n_rows: 8 }));
    assert_eq!(shape.steadiness.to_string(), "in a fixed bucket of 8");
    let shape = steady(tiny_base(F32), 3, 8).shape();
    assert_eq!((shape.n_slots, shape.steadiness), (3, Steadiness::Invariant));
}

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// Samples of several prompts by several variants, with all that can be asked for.
fn requests() -> Vec<Request> {
    let prompts: Vec<Arc<[u32]>> = [9, 30, 1, 17].iter().map(|&n| tokens(n, n).into()).collect();
    let request = |idx: usize| Request {
        adapter: AdapterIdx(idx as u32 % 3),
        sampling: match idx % 4 {
            0 => Sampling::Greedy,
            1 => Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None },
            2 => Sampling::Random { temperature: 1.3, top_p: 0.9, top_k: None },
            _ => Sampling::Random { temperature: 0.7, top_p: 1.0, top_k: Some(20) },
        },
        penalties: Penalties { presence: (idx % 2) as f64, frequency: 0.5 },
        logit_bias: [(idx as u32, 1.5)].into(),
        seed: idx as u64 / 3,
        max_tokens: 1 + idx as u32 % 7,
        ignore_end: true,
        score_answer: Some(NTop(2)),
        score_prompt: (idx % 8 == 7).then_some(NTop(1)),
        given: if idx % 8 == 5 { tokens(idx as u32, 11).into() } else { Arc::default() },
        score_given: (idx % 8 == 5).then_some(NTop(1)),
        priority: if idx % 5 == 4 { Priority::Bulk } else { Priority::Interactive },
        ..Request::new(prompts[idx % 4].clone())
    };
    (0..24).map(request).collect()
}

/// Tokens with the bits of their scores.
type Bits = Vec<Vec<(u32, u32)>>;

fn bits(scores: Vec<TokenScore>) -> Bits {
    let bits = |score: TokenScore| {
        std::iter::once(score.token).chain(score.top).map(|it| (it.id, it.logprob.to_bits())).collect()
    };
    scores.into_iter().map(bits).collect()
}

/// Reads up to so many events. What is told of tokens, as bits.
fn read(generation: &mut Generation, n_events: usize) -> Bits {
    let events = std::iter::from_fn(|| generation.blocking_next()).take(n_events);
    let scores = events.flat_map(|event| match event {
        Event::Read(scores) | Event::Piece { scores, .. } => scores,
        Event::Finished { .. } => Vec::new(),
        Event::Failed(reason) => panic!("{reason}"),
    });
    bits(scores.collect())
}

#[test]
fn a_thousand_interleavings_change_no_bit_of_any_answer() {
    check_interleavings(&engine(steady(tiny_base(TORCH_F32), 4, 4)));
    check_interleavings(&engine(tiny_base(F32).into_runner(4, 128).unwrap()));
}

fn check_interleavings(engine: &Engine) {
    let requests = requests();
    let alone: Vec<Bits> =
        requests.iter().map(|request| read(&mut engine.generate(request.clone()).unwrap(), usize::MAX)).collect();
    let mut random = Random(1);
    for interleaving in 0..1000 {
        let mut live: Vec<(usize, Generation, Bits)> = Vec::new();
        for _ in 0..2 + random.below(5) {
            let idx = random.below(requests.len());
            live.push((idx, engine.generate(requests[idx].clone()).unwrap(), Vec::new()));
            // Somebody is followed for a while before the next one comes.
            let followed = random.below(live.len());
            let n_events = random.below(4);
            let (_, generation, seen) = &mut live[followed];
            seen.extend(read(generation, n_events));
        }
        while !live.is_empty() {
            let (idx, mut generation, mut seen) = live.swap_remove(random.below(live.len()));
            let leaves = random.below(10) < 3;
            seen.extend(read(&mut generation, if leaves { random.below(3) } else { usize::MAX }));
            let n_expected = if leaves { seen.len() } else { alone[idx].len() };
            assert_eq!(seen, alone[idx][..n_expected], "request {idx} in interleaving {interleaving}");
        }
    }
    let counts = engine.counts();
    assert!(counts.prompt_tokens_shared > 1000 && counts.left > 50, "{counts:?}");
}

#[test]
fn a_column_that_is_cancelled_changes_nothing_in_the_other_three() {
    for arithmetic in [Arithmetic::Libtorch, Arithmetic::Kernels] {
        check_cancelled((PrecisionChoice::Bf16, arithmetic));
    }
}

fn check_cancelled(lane: Lane) {
    let prompt: Arc<[u32]> = tokens(5, 40).into();
    let columns = |cancelled: Option<u32>| -> Vec<Bits> {
        let engine = engine(steady(demo_base(lane), 8, 8));
        let ask = |adapter| {
            let sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };
            let score_answer = Some(NTop(0));
            let request = Request { max_tokens: 30, ignore_end: true, ..Request::new(prompt.clone()) };
            engine.generate(Request { adapter: AdapterIdx(adapter), sampling, score_answer, ..request }).unwrap()
        };
        let mut columns: Vec<Option<Generation>> = (0..4).map(ask).map(Some).collect();
        if let Some(cancelled) = cancelled {
            let mut generation = columns[cancelled as usize].take().unwrap();
            let _ = read(&mut generation, 5);
        }
        columns.into_iter().flatten().map(|mut column| read(&mut column, usize::MAX)).collect()
    };
    let whole = columns(None);
    let others: Vec<Bits> = [&whole[..2], &whole[3..]].concat();
    assert_eq!(columns(Some(2)), others);
}

/// The scores with which each row draws its next token.
fn drawn_bits(runner: &mut TorchRunner, rows: &[Row]) -> Bits {
    let scoring = |row: &Row| Row { draw: Some(Draw { score: Some(NTop(20)), ..greedily() }), ..row.clone() };
    let rows: Vec<Row> = rows.iter().map(scoring).collect();
    let bits = |result| match result {
        RowResult::Fed { drawn: Some(drawn), .. } => {
            let top = drawn.score.unwrap().top;
            top.into_iter().map(|(token, logprob)| (token, logprob.to_bits())).collect()
        }
        other => panic!("expected a token, got {other:?}"),
    };
    runner.step(&batch(&rows)).unwrap().into_iter().map(bits).collect()
}

#[test]
fn rows_in_any_mix_are_bit_equal_to_each_alone_in_a_fixed_bucket() {
    for precision in [PrecisionChoice::F32, PrecisionChoice::Bf16] {
        let mut runner = steady(demo_base((precision, Arithmetic::Libtorch)), 128, 16);
        let text = |idx: u32| tokens(idx, 3 + idx % 19);
        let prompt = |idx: u32| row(idx, AdapterIdx(idx / 32), 0, &text(idx)[1..]);
        let next = |idx: u32| row(idx, AdapterIdx(idx / 32), 2 + idx % 19, &text(idx)[..1]);
        let mut alone = Vec::new();
        for idx in 0..128 {
            alone.extend(drawn_bits(&mut runner, &[prompt(idx)]));
            alone.extend(drawn_bits(&mut runner, &[next(idx)]));
        }
        for n_rows in [1, 2, 7, 33, 128] {
            let first = (128 - n_rows) / 2;
            let rows = first..first + n_rows;
            let prompts = drawn_bits(&mut runner, &rows.clone().map(prompt).collect::<Vec<_>>());
            let nexts = drawn_bits(&mut runner, &rows.clone().map(next).collect::<Vec<_>>());
            for ((idx, prompt), next) in rows.zip(prompts).zip(nexts) {
                let idx = 2 * idx as usize;
                assert_eq!((&prompt, &next), (&alone[idx], &alone[idx + 1]), "row {} of {n_rows}", idx / 2);
            }
        }
    }
}

#[test]
fn no_variant_ever_goes_on_from_what_another_has_cached() {
    const TOLERANCE: f32 = 1e-4;
    let prompt: Arc<[u32]> = tokens(3, 25).into();
    let request = |adapter| Request {
        adapter: AdapterIdx(adapter),
        max_tokens: 1,
        ignore_end: true,
        score_answer: Some(NTop(20)),
        ..Request::new(prompt.clone())
    };
    let logprobs = |engine: &Engine, adapter| first_logprobs(engine.generate(request(adapter)).unwrap());
    let fresh = || engine(tiny_base(F32).into_runner(4, 128).unwrap());
    let cold: Vec<_> = (0..3).map(|adapter| logprobs(&fresh(), adapter)).collect();
    let (engine, mut random) = (fresh(), Random(2));
    for interleaving in 0..1000 {
        let asked: Vec<usize> = (0..1 + random.below(6)).map(|_| random.below(3)).collect();
        let live: Vec<_> = asked.iter().map(|adapter| engine.generate(request(*adapter as u32)).unwrap()).collect();
        for (adapter, generation) in asked.into_iter().zip(live) {
            if random.below(5) == 0 {
                continue; // Leaves.
            }
            for (warm, cold) in first_logprobs(generation).into_iter().zip(&cold[adapter]) {
                assert!((warm - cold).abs() < TOLERANCE, "variant {adapter} in interleaving {interleaving}");
            }
        }
    }
    assert!(engine.counts().prompt_tokens_shared > 10_000);
}

/// The probabilities of the likeliest first tokens, as logarithms.
fn first_logprobs(mut generation: Generation) -> Vec<f32> {
    match generation.blocking_next() {
        Some(Event::Piece { scores, .. }) => scores[0].top.iter().map(|likely| likely.logprob).collect(),
        other => panic!("expected a token, got {other:?}"),
    }
}
