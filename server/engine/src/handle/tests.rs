use super::*;

fn request() -> Request {
    let sampling = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };
    Request { adapter: AdapterIdx(1), sampling, max_tokens: 1, ..Request::new([1, 2, 3]) }
}

#[test]
fn impossible_requests_are_refused_in_a_sentence() {
    let shape = RunnerShape { n_slots: 1, n_positions: 3, n_adapters: 1 };
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
    refused(Request { max_tokens: 0, ..request() }, "max_tokens is 0");
    for sampling in
        [random(0.0, 1.0, None), random(f64::NAN, 1.0, None), random(1.0, 1.1, None), random(1.0, 1.0, Some(0))]
    {
        refused(Request { sampling, ..request() }, "temperature, top_p or top_k is out of range");
    }
    for stop in [vec![String::new()], vec!["x".repeat(1025)], vec!["x".into(); 17]] {
        refused(Request { stop, ..request() }, "the stop strings are too many, too long or empty");
    }
}
