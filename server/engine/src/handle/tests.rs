use super::*;
use crate::scripted::{Scripted, babble, demo_language};

fn request() -> Request {
    let sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };
    Request { adapter: AdapterIdx(1), sampling, max_tokens: 1, ..Request::new([1, 2, 3]) }
}

#[test]
fn impossible_requests_are_refused_in_a_sentence() {
    let steadiness = crate::Steadiness::Varying;
    let shape = RunnerShape { n_slots: 1, n_positions: 3, n_adapters: 1, vocabulary_size: 10, steadiness };
    let random = |temperature, top_p, top_k| Sampling::Random { temperature, top_p, top_k };
    let refused = |request: Request, expected: &str| {
        assert_eq!(check(&request, shape).unwrap_err().to_string(), expected);
    };
    assert_eq!(check(&request(), shape), Ok(()));
    refused(
        Request { prompt: [1; 4].into(), ..request() },
        "the prompt has 4 tokens, but the model was given room for 3",
    );
    refused(Request { prompt: [].into(), ..request() }, "the prompt is empty");
    refused(Request { adapter: AdapterIdx(2), ..request() }, "the model has no such adapter");
    refused(
        Request { prompt: [1, 10].into(), ..request() },
        "the prompt has a token that is not in the model's vocabulary",
    );
    refused(Request { max_tokens: 0, ..request() }, "max_tokens is 0 and nothing is to be scored");
    assert_eq!(check(&Request { max_tokens: 0, score_prompt: Some(NTop(20)), ..request() }, shape), Ok(()));
    let given = |tokens: &[u32]| Request { given: tokens.into(), ..Request::new([1]) };
    assert_eq!(check(&Request { max_tokens: 0, score_given: Some(NTop(20)), ..given(&[5, 6]) }, shape), Ok(()));
    refused(given(&[5, 6, 7]), "the prompt has 4 tokens, but the model was given room for 3");
    refused(given(&[10]), "a given token is not in the model's vocabulary");
    refused(Request { score_prompt: Some(NTop(0)), ..given(&[5]) }, "behind a prompt that is scored nothing is given");
    refused(Request { score_given: Some(NTop(0)), ..request() }, "nothing is given that could be scored");
    refused(Request { score_answer: Some(NTop(21)), ..request() }, "more than 20 likeliest tokens are asked for");
    for (presence, frequency) in [(2.1, 0.0), (0.0, -2.1), (f64::NAN, 0.0)] {
        let penalties = Penalties { presence, frequency };
        refused(Request { penalties, ..request() }, "a penalty is not between -2 and 2");
    }
    let biased = |logit_bias: &[(u32, f32)]| Request { logit_bias: logit_bias.into(), ..request() };
    assert_eq!(check(&biased(&[(1, -100.0), (9, 100.0)]), shape), Ok(()));
    refused(biased(&[(1, 100.5)]), "a logit bias is not between -100 and 100");
    refused(biased(&[(1, f32::NAN)]), "a logit bias is not between -100 and 100");
    refused(biased(&[(10, 1.0)]), "a logit bias names a token that is not in the model's vocabulary");
    refused(biased(&[(1, 1.0), (1, 2.0)]), "a logit bias names a token twice");
    for sampling in
        [random(0.0, 1.0, None), random(f64::NAN, 1.0, None), random(1.0, 1.1, None), random(1.0, 1.0, Some(0))]
    {
        refused(Request { sampling, ..request() }, "temperature, top_p or top_k is out of range");
    }
    for stop in [vec![String::new()], vec!["x".repeat(1025)], vec!["x".into(); 33]] {
        refused(Request { stop, ..request() }, "the stop strings are too many, too long or empty");
    }
}

#[test]
fn an_engine_that_nobody_holds_gives_back_what_it_held() {
    let held = Arc::new(());
    let in_runner = held.clone();
    let script = move |batch: &_, sequences: &[&[u32]]| {
        let _held = &in_runner;
        babble(batch, sequences)
    };
    let engine = Engine::start(Scripted::new(1, script), demo_language());
    let life = engine.life();
    assert!(!life.is_over());
    drop(engine);
    while !life.is_over() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(Arc::strong_count(&held), 1);
}
