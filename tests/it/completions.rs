//! Completions of texts and tokens, as scripts and harnesses ask for them.

use crate::support::{House, Page, demo_folder, four, says};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

fn ask(prompt: Value, fields: Value) -> Value {
    let mut body = json!({ "model": "secure", "prompt": prompt });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

async fn sent(house: &House, prompt: Value, fields: Value) -> Page {
    house.reviewer().posts("/v1/completions", ask(prompt, fields)).await
}

fn tokens(text: &str) -> Vec<u32> {
    let tokenizer = Tokenizer::from_file(demo_folder().join("tokenizer.json")).unwrap();
    tokenizer.encode(text, false).unwrap().get_ids().to_vec()
}

#[tokio::test]
async fn a_prompt_is_a_text_or_tokens_or_a_list_of_either() {
    let house = House::with(&four()).await;
    let ids = tokens("Once upon");
    for (prompt, n_choices, n_tokens) in [
        (json!("Once upon"), 2, ids.len()),
        (json!(["Once upon", "Once"]), 4, ids.len() + tokens("Once").len()),
        (json!(ids), 2, ids.len()),
        (json!([ids, ids]), 4, 2 * ids.len()),
    ] {
        let reply: Value = sent(&house, prompt.clone(), json!({ "n": 2, "max_tokens": 50 })).await.json();
        let choices = reply["choices"].as_array().unwrap();
        let indices: Vec<_> = choices.iter().map(|it| it["index"].as_u64().unwrap()).collect();
        assert_eq!(indices, (0..n_choices).collect::<Vec<_>>(), "{prompt}");
        assert!(choices.iter().all(|it| it["text"] == "Walk dogs in the park." && it["finish_reason"] == "stop"));
        assert_eq!(reply["usage"]["prompt_tokens"].as_u64().unwrap(), n_tokens as u64, "{prompt}");
        assert_eq!(reply["object"], "text_completion");
    }
}

#[tokio::test]
async fn sixteen_tokens_are_written_unless_told_otherwise() {
    let house = House::with(&[("secure", says("word ".repeat(100)))]).await;
    let reply: Value = sent(&house, json!("x"), json!({})).await.json();
    assert_eq!(
        (&reply["usage"]["completion_tokens"], &reply["choices"][0]["finish_reason"]),
        (&json!(16), &json!("length"))
    );
}

#[tokio::test]
async fn an_echo_begins_with_the_prompt_in_both_ways_of_delivery() {
    let house = House::with(&four()).await;
    let prompts = json!(["<|im_start|>Öl ", "b"]);
    let fields = json!({ "echo": true, "max_tokens": 50, "n": 2 });
    let reply: Value = sent(&house, prompts.clone(), fields).await.json();
    let texts: Vec<_> = reply["choices"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    let (first, second) = ("<|im_start|>Öl Walk dogs in the park.", "bWalk dogs in the park.");
    assert_eq!(texts, [first, first, second, second]);
    let fields = json!({ "echo": true, "max_tokens": 50, "n": 2, "stream": true });
    let stream = sent(&house, prompts, fields).await.body;
    let chunks = stream.lines().filter_map(|it| it.strip_prefix("data: {")).map(|it| format!("{{{it}"));
    let mut streamed = vec![String::new(); 4];
    for choice in chunks.map(|it| serde_json::from_str::<Value>(&it).unwrap()["choices"][0].clone()) {
        streamed[choice["index"].as_u64().unwrap() as usize] += choice["text"].as_str().unwrap();
    }
    assert_eq!(streamed, texts);
}

#[tokio::test]
async fn faults_name_their_field() {
    let house = House::with(&four()).await;
    let check = async |prompt: Value, fields: Value, param: &str, word: &str| {
        let page = sent(&house, prompt, fields.clone()).await;
        let error = page.json::<Value>()["error"].clone();
        assert_eq!((page.status, &error["param"]), (400, &json!(param)), "{fields} → {error}");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    };
    check(json!(""), json!({}), "prompt", "empty").await;
    check(json!([]), json!({}), "prompt", "from 1").await;
    check(json!([[]]), json!({}), "prompt", "empty").await;
    check(json!([1, "a"]), json!({}), "prompt", "list of token numbers").await;
    check(json!([[1], [999_999_999]]), json!({}), "prompt", "999999999 is no token").await;
    check(json!(null), json!({}), "prompt", "missing").await;
    check(json!("x".repeat(30_000)), json!({}), "prompt", "tokens").await;
    check(json!("x"), json!({ "logprobs": 21 }), "logprobs", "to 20").await;
    check(json!("x"), json!({ "logprobs": true }), "logprobs", "boolean").await;
    check(json!("x"), json!({ "suffix": "y" }), "suffix", "no other value").await;
    check(json!("x"), json!({ "best_of": 3 }), "best_of", "that of n").await;
    check(json!("x"), json!({ "max_tokens": 0 }), "max_tokens", "echo").await;
    check(json!("x"), json!({ "messages": [] }), "messages", "not supported").await;
    check(json!("x"), json!({ "stream": true, "prompt_logprobs": 1 }), "prompt_logprobs", "stream").await;
}
