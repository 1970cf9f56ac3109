//! How likely a model finds its tokens, told in each shape alike, whole and in pieces.

use crate::support::{House, Page, four, says, turns_to_nan};
use serde_json::{Value, json};

async fn posts(house: &House, path: &str, body: &Value, fields: Value) -> Page {
    let mut body = body.clone();
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let page = house.reviewer().posts(path, body).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

fn chunks(page: &Page) -> Vec<Value> {
    let data = page.body.lines().filter_map(|it| it.strip_prefix("data: "));
    data.filter(|it| *it != "[DONE]").map(|it| serde_json::from_str(it).unwrap()).collect()
}

const CHAT: &str = "/v1/chat/completions";
const TEXT: &str = "/v1/completions";

/// Cut by the tokenizer in the middle of its characters.
const BROKEN: &str = "Grüße 😀🧵 — ok";

#[tokio::test]
async fn a_chats_scores_stream_as_they_are_told_whole() {
    let house = House::with(&[("base", says(BROKEN))]).await;
    let body = json!({ "model": "base", "n": 2, "logprobs": true, "top_logprobs": 3, "seed": 1,
                       "messages": [{ "role": "user", "content": "How?" }] });
    let whole: Value = posts(&house, CHAT, &body, json!({})).await.json();
    let stream = chunks(&posts(&house, CHAT, &body, json!({ "stream": true })).await);
    for choice in whole["choices"].as_array().unwrap() {
        let scores = choice["logprobs"]["content"].as_array().unwrap();
        let bytes: Vec<u8> =
            scores.iter().flat_map(|it| it["bytes"].as_array().unwrap()).map(|it| it.as_u64().unwrap() as u8).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), BROKEN);
        assert_eq!(choice["message"]["content"], BROKEN);
        assert!(scores.iter().any(|it| it["token"].as_str().unwrap().starts_with("bytes:\\x")), "{scores:?}");
        for score in scores {
            let top: Vec<_> = score["top_logprobs"].as_array().unwrap().iter().map(logprob).collect();
            assert!(top.len() == 3 && top.is_sorted_by(|a, b| a >= b) && logprob(score) <= 0.0, "{score}");
        }
        let of_this = stream.iter().filter_map(|it| it["choices"].get(0)).filter(|it| it["index"] == choice["index"]);
        let of_this: Vec<_> = of_this.collect();
        let streamed: Vec<_> =
            of_this.iter().filter_map(|it| it["logprobs"]["content"].as_array()).flatten().cloned().collect();
        assert_eq!(streamed, *scores);
        let text: String = of_this.iter().filter_map(|it| it["delta"]["content"].as_str()).collect();
        assert_eq!(text, BROKEN);
    }
}

fn logprob(score: &Value) -> f64 {
    score["logprob"].as_f64().unwrap()
}

#[tokio::test]
async fn an_echo_scores_the_prompt_and_goes_on_counting() {
    let house = House::with(&[("base", says(BROKEN))]).await;
    let body =
        json!({ "model": "base", "prompt": ["Öl und 🧵 Wasser", "x"], "echo": true, "logprobs": 2, "max_tokens": 60 });
    let whole: Value = posts(&house, TEXT, &body, json!({})).await.json();
    let stream = chunks(&posts(&house, TEXT, &body, json!({ "stream": true })).await);
    for (choice, prompt) in whole["choices"].as_array().unwrap().iter().zip(["Öl und 🧵 Wasser", "x"]) {
        assert_eq!(choice["text"], format!("{prompt}{BROKEN}"));
        let logprobs = &choice["logprobs"];
        let list = |name: &str| logprobs[name].as_array().unwrap().clone();
        let lengths = ["tokens", "token_logprobs", "top_logprobs", "text_offset"].map(|it| list(it).len());
        assert!(lengths.iter().all(|it| *it == lengths[0]), "{lengths:?}");
        assert!(list("token_logprobs")[0].is_null() && list("token_logprobs")[1..].iter().all(Value::is_number));
        let text: Vec<char> = choice["text"].as_str().unwrap().chars().collect();
        for (token, offset) in list("tokens").iter().zip(list("text_offset")) {
            let (token, offset) = (token.as_str().unwrap(), offset.as_u64().unwrap() as usize);
            let rest: String = text[offset..].iter().collect();
            assert!(token.starts_with("bytes:") || rest.starts_with(token), "{token} at {offset} of {text:?}");
        }
        let of_this = stream.iter().map(|it| &it["choices"][0]).filter(|it| it["index"] == choice["index"]);
        let of_this: Vec<_> = of_this.collect();
        for name in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            let streamed = of_this.iter().filter_map(|it| it["logprobs"][name].as_array());
            assert_eq!(streamed.flatten().cloned().collect::<Vec<_>>(), list(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_prompt_is_scored_without_a_token_being_drawn() {
    let house = House::with(&four()).await;
    let body = json!({ "model": "base", "prompt": [[5, 6, 7], [5]], "echo": true, "logprobs": 1, "max_tokens": 0 });
    let reply: Value = posts(&house, TEXT, &body, json!({})).await.json();
    let lengths: Vec<_> = reply["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["logprobs"]["tokens"].as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [3, 1]);
    assert_eq!((&reply["usage"]["completion_tokens"], &reply["usage"]["prompt_tokens"]), (&json!(0), &json!(4)));
    let streamed = chunks(&posts(&house, TEXT, &body, json!({ "stream": true })).await);
    let tokens = streamed.iter().filter_map(|it| it["choices"][0]["logprobs"]["tokens"].as_array());
    assert_eq!(tokens.map(Vec::len).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_token_that_ends_the_answer_takes_no_place_from_the_text() {
    let house = House::with(&[("base", says(""))]).await;
    let body = json!({ "model": "base", "prompt": [[5, 6, 7]], "echo": true, "logprobs": 1, "max_tokens": 1 });
    let reply: Value = posts(&house, TEXT, &body, json!({})).await.json();
    // Harnesses take the last entry off as the one that was drawn.
    assert_eq!(reply["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap().len(), 4, "{reply}");
}

#[tokio::test]
async fn scores_of_a_prompt_come_in_the_shape_of_vllm_too() {
    let house = House::with(&four()).await;
    let check = |prompt: &Value, n_tokens: &Value| {
        let places = prompt.as_array().unwrap();
        assert!(places[0].is_null());
        assert_eq!(places.len() as u64, n_tokens.as_u64().unwrap());
        for place in places[1..].iter().map(|it| it.as_object().unwrap()) {
            assert!((2..=3).contains(&place.len()), "{place:?}");
            let ranks: Vec<_> = place.values().filter_map(|it| it["rank"].as_u64()).collect();
            assert!(ranks.contains(&1) && ranks.contains(&2), "{place:?}");
            assert!(place.values().all(|it| it["logprob"].as_f64().unwrap() <= 0.0 && it["decoded_token"].is_string()));
        }
    };
    let chat = json!({ "model": "base", "messages": [{ "role": "user", "content": "How?" }], "prompt_logprobs": 2 });
    let reply: Value = posts(&house, CHAT, &chat, json!({ "n": 2 })).await.json();
    check(&reply["prompt_logprobs"], &reply["usage"]["prompt_tokens"]);
    let text = json!({ "model": "base", "prompt": "How does one make bread?", "prompt_logprobs": 2, "max_tokens": 0 });
    let reply: Value = posts(&house, TEXT, &text, json!({})).await.json();
    check(&reply["choices"][0]["prompt_logprobs"], &reply["usage"]["prompt_tokens"]);
    assert_eq!(reply["choices"][0]["text"], "");
}

#[tokio::test]
async fn a_failure_after_scores_is_a_failure() {
    let house = House::with(&[("base", turns_to_nan("One. Two"))]).await;
    let body = json!({ "model": "base", "prompt": "x", "logprobs": 1 });
    assert_eq!(house.reviewer().posts(TEXT, body).await.status, 500);
}
