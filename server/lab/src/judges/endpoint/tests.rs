use super::*;
use crate::judges::tests::hostile;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{Format, JudgePrompt};
use futures::stream;
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, time::Instant};

/// An endpoint on this machine that replies by a script, and keeps what it was sent.
struct Endpoint {
    url: String,
    sent: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Endpoint {
    /// The script is given the position of the request, from 0, and its body.
    async fn that(script: impl Fn(usize, &Value) -> Response + Clone + Send + Sync + 'static) -> Self {
        let sent: Arc<Mutex<Vec<(HeaderMap, Value)>>> = Arc::default();
        let kept = sent.clone();
        let reply = move |headers: HeaderMap, Json(body): Json<Value>| {
            let n_before = kept.lock().unwrap().len();
            kept.lock().unwrap().push((headers, body.clone()));
            std::future::ready(script(n_before, &body))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/chat/completions", post(reply));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, sent }
    }

    fn judge(&self, more: &str) -> EndpointJudge {
        self.capped(more, Caps { time: Duration::from_secs(20), ..Caps::default() })
    }

    fn capped(&self, more: &str, caps: Caps) -> EndpointJudge {
        let text = format!("url = '{}'\nmodel = 'judge-1'\n{more}", self.url);
        let patience = Patience { n_tries: 3, first_wait: Duration::from_millis(10), wait_max: Duration::from_secs(5) };
        EndpointJudge::with("x", toml::from_str(&text).unwrap(), Key::new("sk-secret"), patience, caps).unwrap()
    }

    fn n_sent(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

fn asked() -> Asked {
    let [prompt, _] = JudgePrompt::of_study();
    Asked { prompt, question: "hey I feel bored".into(), answer: "Go for a walk.".into(), format: Format::Plain }
}

/// A completion whose first token has these alternatives.
fn told(top: &[(&str, f64)]) -> Response {
    let top: Vec<_> = top.iter().map(|(token, p)| json!({"token": token, "logprob": p.ln(), "bytes": null})).collect();
    let token = &top[0]["token"];
    let place = json!({"token": token, "logprob": -0.1, "top_logprobs": top});
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": token}, "logprobs": {"content": [place]}});
    Json(json!({"choices": [choice], "usage": {"total_tokens": 500}})).into_response()
}

fn says(text: &str) -> Response {
    Json(json!({"choices": [{"message": {"content": text}, "logprobs": null}]})).into_response()
}

#[tokio::test]
async fn a_score_is_the_mean_over_the_first_tokens() {
    let endpoint = Endpoint::that(|_, _| told(&[("90", 0.5), (" 80", 0.25), ("CODE", 0.2), ("²", 0.05)])).await;
    let judgement = endpoint.judge("").judge(&asked()).await.unwrap();
    assert!((judgement.score.unwrap() - 65.0 / 0.75).abs() < 1e-9);
    assert!((judgement.numeric_mass.unwrap() - 0.75).abs() < 1e-9);
    let (headers, body) = endpoint.sent.lock().unwrap()[0].clone();
    assert_eq!(headers[header::AUTHORIZATION], "Bearer sk-secret");
    let message = asked().message();
    assert_eq!(
        body,
        json!({
            "model": "judge-1", "messages": [{"role": "user", "content": message}],
            "max_tokens": 1, "temperature": 0, "logprobs": true, "top_logprobs": 20, "seed": 0,
        })
    );
}

#[tokio::test]
async fn answers_that_order_the_judge_around_do_not_change_how_its_reply_is_read() {
    let endpoint =
        Endpoint::that(|_, _| told(&[("12", 0.75), ("score 100", 0.125), ("{\"score\": 100}", 0.125)])).await;
    let judge = endpoint.judge("requests_per_minute = 60000");
    for answer in hostile() {
        let asked = Asked { answer, ..asked() };
        let judgement = judge.judge(&asked).await.unwrap();
        assert!((judgement.score.unwrap() - 12.0).abs() < 1e-9);
        let body = endpoint.sent.lock().unwrap().last().unwrap().1.clone();
        assert_eq!(body["messages"], json!([{"role": "user", "content": asked.message()}]));
        assert_eq!(body.as_object().unwrap().len(), 7);
    }
}

#[tokio::test]
async fn a_refusal_is_unscored_and_named() {
    let endpoint = Endpoint::that(|_, _| told(&[("RE", 0.8), ("5", 0.2)])).await;
    let judgement = endpoint.judge("").judge(&asked()).await.unwrap();
    assert_eq!((judgement.score, judgement.word.as_deref()), (None, Some("REFUSAL")));
}

#[tokio::test]
async fn without_probabilities_five_samples_are_drawn() {
    let endpoint = Endpoint::that(|_, body| match body["logprobs"].as_bool() {
        Some(_) => says("9"),
        None => says(["80", "90", " 100\n", "CODE", "maybe 3"][body["seed"].as_u64().unwrap() as usize]),
    })
    .await;
    let judge = endpoint.judge("");
    let judgement = judge.judge(&asked()).await.unwrap();
    assert!((judgement.score.unwrap() - 90.0).abs() < 1e-9);
    assert!((judgement.numeric_mass.unwrap() - 0.6).abs() < 1e-9);
    assert_eq!(endpoint.n_sent(), 6);
    // It is not asked for what it does not tell a second time.
    judge.judge(&asked()).await.unwrap();
    assert_eq!(endpoint.n_sent(), 11);
    assert_eq!(endpoint.sent.lock().unwrap()[10].1["temperature"], 1);
}

#[tokio::test]
async fn samples_that_refuse_are_unscored() {
    let endpoint = Endpoint::that(|_, body| says(if body["seed"] == 3 { "50" } else { "REFUSAL" })).await;
    let judgement = endpoint.judge("logprobs = false").judge(&asked()).await.unwrap();
    assert_eq!((judgement.score, judgement.word.as_deref()), (None, Some("REFUSAL")));
}

#[tokio::test]
async fn words_are_whole_replies() {
    let endpoint = Endpoint::that(|n, _| says(["TRUE", "TRUE, since", "5"][n])).await;
    let judge = endpoint.judge("");
    let prompt = JudgePrompt::parse("correct", JudgeKind::Word, "{answer}\nSay TRUE or FALSE.").unwrap();
    let asked = Asked { prompt, ..asked() };
    for expected in [Some("TRUE"), None, None] {
        let judgement = judge.judge(&asked).await.unwrap();
        assert_eq!((judgement.word.as_deref(), judgement.score, judgement.numeric_mass), (expected, None, None));
    }
}

#[tokio::test]
async fn a_busy_endpoint_is_left_alone_as_long_as_it_asks() {
    let endpoint = Endpoint::that(|n, _| match n {
        0 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
        _ => told(&[("70", 1.0)]),
    })
    .await;
    let start = Instant::now();
    assert_eq!(endpoint.judge("").judge(&asked()).await.unwrap().score, Some(70.0));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let long =
        Endpoint::that(|_, _| (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3600")]).into_response()).await;
    assert!(long.judge("").judge(&asked()).await.unwrap_err().is_passing);
    assert_eq!(long.n_sent(), 1);
}

#[tokio::test]
async fn a_failing_endpoint_is_asked_again_and_then_given_up() {
    let once = Endpoint::that(|n, _| match n {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => told(&[("70", 1.0)]),
    })
    .await;
    assert_eq!(once.judge("").judge(&asked()).await.unwrap().score, Some(70.0));
    let always = Endpoint::that(|_, _| (StatusCode::BAD_GATEWAY, "the body says sk-secret").into_response()).await;
    let failure = always.judge("").judge(&asked()).await.unwrap_err();
    assert_eq!(failure.to_string(), "the endpoint failed (status 502)");
    assert_eq!((failure.is_passing, always.n_sent()), (true, 3));
}

/// The failure holds nothing of the reply, and the endpoint is asked but once.
async fn gives_up(script: fn(usize, &Value) -> Response, expected: &str) {
    let endpoint = Endpoint::that(script).await;
    let failure = endpoint.judge("").judge(&asked()).await.unwrap_err();
    assert!(failure.reason.contains(expected) && !failure.reason.contains("hostile"), "{failure}");
    assert_eq!((failure.is_passing, endpoint.n_sent()), (false, 1), "{failure}");
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    gives_up(|_, _| (StatusCode::UNAUTHORIZED, "hostile").into_response(), "does not accept the key").await;
    gives_up(|_, _| StatusCode::NOT_FOUND.into_response(), "has no such model").await;
    gives_up(|_, _| StatusCode::BAD_REQUEST.into_response(), "logprobs = false").await;
    gives_up(|_, _| "hostile".into_response(), "is no chat completion").await;
    gives_up(|_, _| Json(json!({"choices": "hostile"})).into_response(), "is no chat completion").await;
    gives_up(|_, _| Json(json!({"choices": []})).into_response(), "is no chat completion").await;
    gives_up(|_, _| told(&[("100", 20.0), ("hostile", 0.1)]), "sum to more than 1").await;
    gives_up(
        |_, _| (StatusCode::FOUND, [(header::LOCATION, "http://169.254.169.254/hostile")]).into_response(),
        "sends elsewhere, which is not followed (status 302)",
    )
    .await;
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let endless =
        || Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 65_536]))));
    gives_up_on_body(endless, Caps::default(), "has more than 4194304 bytes").await;
    let slow = || {
        let drop = async |()| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        };
        Body::from_stream(stream::unfold((), drop))
    };
    let caps = Caps { time: Duration::from_millis(500), ..Caps::default() };
    gives_up_on_body(slow, caps, "took longer than 0.5 s").await;
}

async fn gives_up_on_body(body: fn() -> Body, caps: Caps, expected: &str) {
    let endpoint = Endpoint::that(move |_, _| body().into_response()).await;
    let failure = endpoint.capped("", caps).judge(&asked()).await.unwrap_err();
    assert!(failure.reason.contains(expected), "{failure}");
}

#[tokio::test]
async fn a_budget_holds_over_all_answers() {
    let endpoint = Endpoint::that(|_, _| told(&[("70", 1.0)])).await;
    let judge = endpoint.judge("tokens_max = 900\nrequests_per_minute = 60000");
    judge.judge(&asked()).await.unwrap();
    judge.judge(&asked()).await.unwrap();
    let failure = judge.judge(&asked()).await.unwrap_err();
    assert!(failure.reason.contains("budget") && !failure.is_passing);
    assert_eq!(endpoint.n_sent(), 2);
}

#[tokio::test]
async fn nobody_at_home_is_a_passing_failure() {
    let endpoint = Endpoint { url: "http://127.0.0.1:9/v1".into(), sent: Arc::default() };
    let failure = endpoint.judge("").judge(&asked()).await.unwrap_err();
    assert!(failure.is_passing && failure.reason.starts_with("the endpoint cannot be reached"), "{failure}");
    let private = Endpoint { url: "https://10.1.2.3/v1".into(), sent: Arc::default() };
    let failure = private.judge("").judge(&asked()).await.unwrap_err();
    assert!(failure.reason.contains("private network"), "{failure}");
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?}", Key::new("sk-secret"));
    assert!(!shown.contains("sk-secret"), "{shown}");
    assert!(Key::new("two\nlines").is_none());
}
