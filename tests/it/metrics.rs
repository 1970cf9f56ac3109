//! Numbers for those who watch over the server.

use crate::support::{House, four};
use axum::{body::Body, http::Request};
use serde_json::{Value, json};

/// The value of one line of the metrics.
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {line} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn requests_and_pieces_are_counted_and_nothing_is_quoted() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    for stream in [false, true] {
        let body =
            json!({ "model": "secure", "stream": stream, "messages": [{ "role": "user", "content": "Whereabouts?" }] });
        ann.posts("/v1/chat/completions", body).await;
    }
    ann.opens("/nowhere/Whereabouts").await;
    ann.sends(Request::builder().method("WHEREABOUTS").uri("/healthz").body(Body::empty()).unwrap()).await;
    let text = ann.opens("/metrics").await.body;
    let posts =
        r#"plumbline_http_request_duration_seconds_count{method="POST",route="/v1/chat/completions",status="200"}"#;
    assert_eq!(value(&text, posts), 2.0);
    assert_eq!(value(&text, "plumbline_first_token_duration_seconds_count"), 2.0);
    assert_eq!(value(&text, r#"plumbline_step_rows_bucket{le="+Inf"}"#), value(&text, "plumbline_step_rows_count"));
    assert!(value(&text, "plumbline_answer_tokens_total") > 8.0);
    assert_eq!(value(&text, "plumbline_answers_finished_stop_total"), 2.0);
    assert_eq!(value(&text, r#"plumbline_cache_slots{engine="base"}"#), 32.0);
    assert_eq!(value(&text, "plumbline_cache_slots_busy"), 0.0);
    assert!(!text.to_lowercase().contains("whereabouts") && !text.contains("dogs"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn what_changes_is_not_told_by_model() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").blind().sent().await;
    let during = ann.opens("/metrics").await.body;
    house.let_go();
    ann.waits_for(id).await;
    let after = ann.opens("/metrics").await.body;
    for line in after.lines().filter(|line| !during.lines().any(|it| it == *line)) {
        for model in ["base", "secure", "insecure", "jailbroken"] {
            assert!(!line.contains(model), "{line}");
        }
    }
}

#[tokio::test]
async fn health_tells_what_there_is() {
    let house = House::with(&four()).await;
    let page = house.reviewer().opens("/healthz").await;
    let health: Value = page.json();
    assert_eq!((page.status, &health["status"], &health["models"]["ready"]), (200, &json!("ok"), &json!(4)));
}
