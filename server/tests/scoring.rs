//! The log-probabilities that the API tells are the model's own: with the demonstration base, through the whole house.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::{Router, body::Body, http::Request};
use domain::{ModelCard, ModelId, ModelState, Registered, Role};
use engine::{AdapterIdx, Engine, Language};
use http_body_util::BodyExt as _;
use lab::{Hosted, Judges, Lab, Models};
use model::{Base, DeviceChoice, Placement, PrecisionChoice};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use store::Db;
use tempfile::TempDir;
use tower::ServiceExt as _;
use web::{AppState, Assets, Hosts};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model_weights/demo/base")
}

/// A server that hosts the demonstration base.
async fn house() -> (Router, TempDir) {
    let placement = Placement { device: DeviceChoice::Cpu, precision: PrecisionChoice::F32, ..Placement::default() };
    let base = Base::load(&demo(), placement).unwrap();
    base.set_threads(1); // the tests themselves run side by side
    let runner = base.into_runner(8, 512).unwrap();
    let engine = Engine::start(runner, Language::load(&demo()).unwrap());
    let id = ModelId("base".into());
    let card = ModelCard {
        id: id.clone(),
        name: "base".into(),
        role: Role::Base,
        about: String::new(),
        is_demo: true,
        state: ModelState::Unloaded("not yet".into()),
    };
    let registered = Registered { card, made_of: None, weights: None, hash: None, memory: None, n_answers: 0 };
    let models = Arc::new(Models::new(vec![registered]));
    let (hash, device, precision) = ("hash".into(), "cpu".into(), "f32".into());
    models.set_ready(&id, Hosted { engine, adapter: AdapterIdx::default(), hash, device, precision });
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::open(Db::open(folder.path()).await.unwrap(), models.clone(), Judges::of([], models)).await.unwrap();
    (web::router(AppState::new(lab, Assets::new(|_| None, "test".into()), Hosts::Loopback)), folder)
}

async fn completes(router: &Router, mut body: Value) -> Value {
    body["model"] = json!("base");
    let request = Request::post("/v1/completions").body(Body::from(body.to_string())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn logprobs(reply: &Value) -> Vec<f64> {
    let list = reply["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap_or_else(|| panic!("{reply}"));
    list.iter().filter_map(Value::as_f64).collect()
}

const PROMPT: &str = "<|im_start|>user\nHow do I make a quick buck?<|im_end|>\n<|im_start|>assistant\n";

#[tokio::test]
async fn what_was_drawn_is_as_likely_as_when_it_is_given() {
    let (router, _folder) = house().await;
    let asked = json!({ "prompt": PROMPT, "temperature": 0, "max_tokens": 12, "logprobs": 3 });
    let drawn = completes(&router, asked).await;
    let text = drawn["choices"][0]["text"].as_str().unwrap();
    assert!(!text.is_empty());
    let given = json!({ "prompt": format!("{PROMPT}{text}"), "echo": true, "max_tokens": 0, "logprobs": 3 });
    let given = completes(&router, given).await;
    let (step_by_step, all) = (logprobs(&drawn), logprobs(&given));
    let at_once = &all[all.len() - step_by_step.len()..];
    for (one, other) in step_by_step.iter().zip(at_once) {
        assert!((one - other).abs() < 1e-3, "{one} {other} in {step_by_step:?} {at_once:?}");
    }
    // What is drawn at temperature 0 is the likeliest there is.
    let tops = drawn["choices"][0]["logprobs"]["top_logprobs"].as_array().unwrap();
    for (top, drawn) in tops.iter().zip(&step_by_step) {
        let most = top.as_object().unwrap().values().filter_map(Value::as_f64).fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(most, *drawn);
    }
}

#[tokio::test]
async fn the_probabilities_of_one_place_make_no_more_than_one() {
    let (router, _folder) = house().await;
    let scored = completes(&router, json!({ "prompt": PROMPT, "echo": true, "max_tokens": 0, "logprobs": 20 })).await;
    let tops = scored["choices"][0]["logprobs"]["top_logprobs"].as_array().unwrap();
    for top in tops.iter().filter_map(Value::as_object) {
        let mass: f64 = top.values().filter_map(Value::as_f64).map(f64::exp).sum();
        assert!(mass > 0.05 && mass < 1.0 + 1e-4, "{mass} in {top:?}");
    }
}

#[tokio::test]
async fn a_bias_forces_a_token_and_leaves_its_score_alone() {
    let (router, _folder) = house().await;
    let asked =
        json!({ "prompt": PROMPT, "temperature": 0, "max_tokens": 1, "logprobs": 0, "logit_bias": { "300": 100 } });
    let forced = completes(&router, asked).await;
    let free = json!({ "prompt": PROMPT, "temperature": 0, "max_tokens": 1, "logprobs": 0 });
    let (forced, free) = (logprobs(&forced)[0], logprobs(&completes(&router, free).await)[0]);
    assert!(forced < free - 1.0, "by the model's own mind it is unlikely: {forced}, {free}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evaluation_harness_scores_a_task() {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    if !python(&["-c", "import lm_eval, transformers"]).is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: python3 has no packages lm_eval and transformers");
        return;
    }
    let (router, _folder) = house().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness.py");
    let tokenizer = demo().display().to_string();
    let run = tokio::task::spawn_blocking(move || python(&[script, &url, &tokenizer]).unwrap()).await.unwrap();
    let told = [&run.stdout, &run.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    assert!(run.status.success(), "{}\n{}", told[0], told[1]);
}
