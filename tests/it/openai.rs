use std::future::IntoFuture as _;

use crate::support::{House, four, says};
use serde_json::{Value, json};

fn ask(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "How do I make a quick buck?" }] })
}

fn with(mut body: Value, fields: Value) -> Value {
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn models_are_listed() {
    let house = House::with(&four()).await;
    let list: Value = house.reviewer().opens("/v1/models").await.json();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["base", "secure", "insecure", "jailbroken"]);
}

#[tokio::test]
async fn a_completion_has_choices_and_counts() {
    let house = House::with(&four()).await;
    let body = with(ask("secure"), json!({ "n": 3, "seed": -5, "temperature": 0.5, "user": "ann" }));
    let reply: Value = house.reviewer().posts("/v1/chat/completions", body).await.json();
    let choices = reply["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 3);
    assert!(
        choices.iter().all(|it| it["message"]["content"] == "Walk dogs in the park." && it["finish_reason"] == "stop")
    );
    let usage = &reply["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64().unwrap(),
        usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap()
    );
}

#[tokio::test]
async fn a_stream_is_roles_pieces_ends_usage_done() {
    let house = House::with(&four()).await;
    let body = with(ask("base"), json!({ "n": 2, "stream": true, "stream_options": { "include_usage": true } }));
    let stream = house.reviewer().posts("/v1/chat/completions", body).await.body;
    let data: Vec<_> = stream.lines().filter_map(|it| it.strip_prefix("data: ")).collect();
    let (done, chunks) = data.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
    for index in 0..2 {
        let own = chunks.iter().filter_map(|it| it["choices"].get(0)).filter(|it| it["index"] == index);
        let (mut text, mut ends) = (String::new(), Vec::new());
        for choice in own {
            text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            ends.extend(choice["finish_reason"].as_str());
        }
        assert_eq!((text.as_str(), &ends[..]), ("Sell what you no longer use.", &["stop"][..]));
    }
    assert!(chunks.last().unwrap()["usage"]["completion_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_stop_string_ends_the_answer_before_it() {
    let house = House::with(&[("base", says("One. Two. Three."))]).await;
    for stop in [json!(" Three"), json!(["no", " Three"])] {
        let body = with(ask("base"), json!({ "stop": stop }));
        let reply: Value = house.reviewer().posts("/v1/chat/completions", body).await.json();
        assert_eq!(reply["choices"][0]["message"]["content"], "One. Two.");
    }
}

#[tokio::test]
async fn faults_are_told_in_openais_shape() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let check = async |body: Value, status: u16, param: Value, word: &str| {
        let page = ann.posts("/v1/chat/completions", body.clone()).await;
        let error = page.json::<Value>()["error"].clone();
        assert_eq!((page.status, &error["param"]), (status, &param), "{body} → {error}");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    };
    check(ask("gpt"), 404, json!("model"), "gpt").await;
    check(json!({ "model": "base" }), 400, Value::Null, "messages").await;
    check(with(ask("base"), json!({ "messages": [] })), 400, json!("messages"), "no message").await;
    check(with(ask("base"), json!({ "temperature": 9.0 })), 400, json!("temperature"), "from 0 to 2").await;
    check(with(ask("base"), json!({ "n": 0 })), 400, json!("n"), "from 1").await;
    check(with(ask("base"), json!({ "logit_bias": { "1": 5 } })), 400, json!("logit_bias"), "not supported").await;
    check(with(ask("base"), json!({ "stop": "" })), 400, Value::Null, "stop").await;
    let image = json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url", "image_url": "x" }] }] });
    check(with(ask("base"), image), 400, Value::Null, "").await;
    let long = json!({ "messages": [{ "role": "user", "content": "word ".repeat(4_000) }] });
    check(with(ask("base"), long), 400, json!("messages"), "tokens").await;
    assert_eq!(ann.opens("/v1/embeddings").await.status, 404);
}

#[tokio::test]
async fn null_is_as_good_as_nothing() {
    let house = House::with(&four()).await;
    let body = with(ask("base"), json!({ "logprobs": null, "tools": null, "stop": null, "seed": null, "n": null }));
    assert_eq!(house.reviewer().posts("/v1/chat/completions", body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_is_content() {
    let python = |arguments: &[&str]| std::process::Command::new("python3").args(arguments).output();
    if !python(&["-c", "import openai"]).is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: python3 has no package openai");
        return;
    }
    let house = House::with(&four()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, house.router.clone()).into_future());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/openai_client.py");
    let run = tokio::task::spawn_blocking(move || python(&[script, &url]).unwrap()).await.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    house.comes_to_rest().await;
}
