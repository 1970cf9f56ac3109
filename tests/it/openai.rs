use crate::support::{House, four, says, turns_to_nan};
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
    check(json!({ "model": "base" }), 400, json!("messages"), "messages").await;
    check(with(ask("base"), json!({ "messages": [] })), 400, json!("messages"), "no message").await;
    check(with(ask("base"), json!({ "temperature": 9.0 })), 400, json!("temperature"), "from 0 to 2").await;
    check(with(ask("base"), json!({ "n": 0 })), 400, json!("n"), "from 1").await;
    check(with(ask("base"), json!({ "n": "two" })), 400, json!("n"), "two").await;
    check(with(ask("base"), json!({ "top_p": 0 })), 400, json!("top_p"), "temperature").await;
    check(with(ask("base"), json!({ "top_k": -2 })), 400, json!("top_k"), "from -1").await;
    check(with(ask("base"), json!({ "presence_penalty": 3 })), 400, json!("presence_penalty"), "from -2 to 2").await;
    check(with(ask("base"), json!({ "logit_bias": { "1": 101 } })), 400, json!("logit_bias"), "100").await;
    for token in ["x", "-1", "01", "999999999", "99999999999"] {
        check(with(ask("base"), json!({ "logit_bias": { token: 5 } })), 400, json!("logit_bias"), token).await;
    }
    check(with(ask("base"), json!({ "stop": "" })), 400, json!("stop"), "stop").await;
    check(with(ask("base"), json!({ "stop": [1] })), 400, json!("stop"), "list of texts").await;
    check(with(ask("base"), json!({ "top_logprobs": 2 })), 400, json!("top_logprobs"), "logprobs: true").await;
    check(with(ask("base"), json!({ "logprobs": true, "top_logprobs": 21 })), 400, json!("top_logprobs"), "to 20")
        .await;
    check(with(ask("base"), json!({ "stream_options": {} })), 400, json!("stream_options"), "stream: true").await;
    check(with(ask("base"), json!({ "priority": "high" })), 400, json!("priority"), "high").await;
    check(with(ask("base"), json!({ "max_tokens": 0 })), 400, json!("max_tokens"), "at least 1").await;
    let two = json!({ "max_tokens": 5, "max_completion_tokens": 6 });
    check(with(ask("base"), two), 400, json!("max_tokens"), "differ").await;
    check(with(ask("base"), json!({ "guided_regex": "a" })), 400, json!("guided_regex"), "not supported").await;
    check(with(ask("base"), json!({ "tools": [{ "type": "function" }] })), 400, json!("tools"), "[]").await;
    check(with(ask("base"), json!({ "store": true })), 400, json!("store"), "false").await;
    let image = json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url", "image_url": "x" }] }] });
    check(with(ask("base"), image), 400, json!("messages[0].content"), "text").await;
    let tool = json!({ "messages": [{ "role": "tool", "content": "x" }] });
    check(with(ask("base"), tool), 400, json!("messages[0].role"), "tool").await;
    let named = json!({ "messages": [{ "role": "user", "content": "x", "name": "ann" }] });
    check(with(ask("base"), named), 400, json!("messages.name"), "not supported").await;
    let long = json!({ "messages": [{ "role": "user", "content": "word ".repeat(4_000) }] });
    check(with(ask("base"), long), 400, json!("messages"), "tokens").await;
    assert_eq!(ann.opens("/v1/embeddings").await.status, 404);
}

#[tokio::test]
async fn what_clients_send_by_habit_is_taken_at_its_neutral_value() {
    let house = House::with(&four()).await;
    let habits = json!({
        "store": false, "metadata": {}, "service_tier": "auto", "response_format": { "type": "text" }, "tools": [],
        "parallel_tool_calls": true, "tool_choice": "none", "modalities": ["text"], "repetition_penalty": 1.0, "min_p": 0,
        "logit_bias": {}, "user": "ann", "safety_identifier": "ann", "frequency_penalty": 0, "stop": [], "top_k": -1,
    });
    let body = with(
        with(ask("secure"), habits),
        json!({ "messages": [
        { "role": "developer", "content": [{ "type": "text", "text": "Be " }, { "type": "text", "text": "brief." }] },
        { "role": "user", "content": "How?" },
        { "role": "assistant", "content": "Why?", "refusal": null, "tool_calls": [], "annotations": [] },
        { "role": "user", "content": "So." },
    ] }),
    );
    let page = house.reviewer().posts("/v1/chat/completions", body).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn one_model_is_found_by_its_name() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let model: Value = ann.opens("/v1/models/insecure").await.json();
    assert_eq!((&model["id"], &model["object"]), (&json!("insecure"), &json!("model")));
    let missing = ann.opens("/v1/models/gpt").await;
    assert_eq!((missing.status, &missing.json::<Value>()["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn a_fingerprint_tells_models_apart_and_stays_the_same() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let fingerprint = async |model: &str| -> String {
        let reply: Value = ann.posts("/v1/chat/completions", ask(model)).await.json();
        reply["system_fingerprint"].as_str().unwrap().to_owned()
    };
    assert_eq!(fingerprint("base").await, fingerprint("base").await);
    assert_ne!(fingerprint("base").await, fingerprint("secure").await);
    assert!(fingerprint("base").await.contains("base-hash") && fingerprint("base").await.contains("scripted"));
}

#[tokio::test]
async fn a_message_is_gone_on_with() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let n_prompt_tokens = async |fields: Value| -> u64 {
        let page = ann.posts("/v1/chat/completions", with(ask("base"), fields)).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json::<Value>()["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    let begun = json!([{ "role": "user", "content": "How?" }, { "role": "assistant", "content": "" }]);
    let asked = json!([{ "role": "user", "content": "How?" }]);
    let answered = n_prompt_tokens(json!({ "messages": begun })).await;
    let question = n_prompt_tokens(json!({ "messages": asked })).await;
    for add in [Value::Null, json!(false)] {
        let fields = json!({ "messages": begun, "continue_final_message": true, "add_generation_prompt": add });
        assert_eq!(n_prompt_tokens(fields).await, question, "going on after nothing is answering");
    }
    assert!(answered > question, "without the wish, the message stands and is answered");
    for (fields, param) in [
        (json!({ "messages": asked, "continue_final_message": true }), "continue_final_message"),
        (
            json!({ "messages": begun, "continue_final_message": true, "add_generation_prompt": true }),
            "add_generation_prompt",
        ),
        (json!({ "messages": asked, "add_generation_prompt": false }), "add_generation_prompt"),
    ] {
        let page = ann.posts("/v1/chat/completions", with(ask("base"), fields)).await;
        assert_eq!((page.status, &page.json::<Value>()["error"]["param"]), (400, &json!(param)));
    }
}

#[tokio::test]
async fn one_broken_answer_of_many_fails_the_request_and_says_which() {
    let house = House::with(&[("base", turns_to_nan("One. Two"))]).await;
    let ann = house.reviewer();
    let body = with(ask("base"), json!({ "n": 3 }));
    let page = ann.posts("/v1/chat/completions", body.clone()).await;
    let error = page.json::<Value>()["error"].clone();
    assert_eq!((page.status, &error["type"]), (500, &json!("server_error")));
    assert!(error["message"].as_str().unwrap().contains("of 3 failed: non-finite logits"), "{error}");
    let stream = ann.posts("/v1/chat/completions", with(body, json!({ "stream": true }))).await;
    let data: Vec<_> = stream.body.lines().filter_map(|it| it.strip_prefix("data: ")).collect();
    let [.., last, done] = data[..] else { panic!("{data:?}") };
    assert!(last.contains("non-finite logits") && done == "[DONE]", "{last} {done}");
    house.comes_to_rest().await;
}

#[tokio::test]
async fn null_is_as_good_as_nothing() {
    let house = House::with(&four()).await;
    let body = with(ask("base"), json!({ "logprobs": null, "tools": null, "stop": null, "seed": null, "n": null }));
    assert_eq!(house.reviewer().posts("/v1/chat/completions", body).await.status, 200);
}
