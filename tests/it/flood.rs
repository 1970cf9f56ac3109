//! Whoever asks for too much is told so at once, and the others do not notice.

use crate::support::{House, Page, Reviewer, four};
use axum::{
    body::Body,
    http::{Request, header, request::Builder},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use web::Limits;

fn ask() -> Value {
    json!({ "model": "base", "messages": [{ "role": "user", "content": "How?" }] })
}

fn post() -> Builder {
    Request::post("/v1/chat/completions").header(header::CONTENT_TYPE, "application/json")
}

async fn is_answered(ann: &Reviewer) {
    let page = ann.posts("/v1/chat/completions", ask()).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

/// What the process holds, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?.trim();
    line.strip_suffix(" kB")?.parse::<u64>().ok().map(|it| it * 1024)
}

#[tokio::test]
async fn requests_beyond_measure_are_refused_at_once_and_by_name() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    is_answered(&ann).await;
    let with = |name: &str, value: Value| {
        let mut body = ask();
        body[name] = value;
        body.to_string()
    };
    let conversation = |n| vec![json!({ "role": "user", "content": "How?" }); n];
    let deep = format!(r#"{{"model": "base", "messages": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (name, body, status, word) in [
        ("n", with("n", json!(1_000_000)), 400, "from 1 to 128"),
        ("max_tokens", with("max_tokens", json!(1_000_000_000)), 400, "to 131072"),
        (
            "a long prompt",
            with("messages", json!([{ "role": "user", "content": "x".repeat(10 << 20) }])),
            413,
            "larger",
        ),
        ("a prompt", with("messages", json!([{ "role": "user", "content": "x".repeat(1_100_000) }])), 400, "bytes"),
        ("many messages", with("messages", json!(conversation(1_025))), 400, "1025 messages"),
        ("deep", deep, 400, "recursion"),
        ("many biases", with("logit_bias", (0..2_000).map(|it| (it.to_string(), json!(1))).collect()), 400, "1024"),
        ("a list of numbers", format!("[{}1]", "1,".repeat(500_000)), 400, "expected a map"),
        ("nothing", String::new(), 400, "EOF"),
    ] {
        let begun = Instant::now();
        let page = ann.sends(post().body(Body::from(body)).unwrap()).await;
        assert_eq!(page.status, status, "{name}: {}", page.body);
        assert!(page.json::<Value>()["error"]["message"].as_str().unwrap().contains(word), "{name}: {}", page.body);
        assert!(begun.elapsed() < Duration::from_secs(2), "{name} took {:?}", begun.elapsed());
    }
    is_answered(&ann).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_refused_by_its_announced_length_before_it_is_sent() {
    let house = House::with(&four()).await;
    let address = house.listens().await.strip_prefix("http://").unwrap().to_owned();
    let mut line = TcpStream::connect(&address).await.unwrap();
    let head = format!("POST /v1/completions HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", 100 << 20);
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn one_script_cannot_take_every_place() {
    let limits = Limits { answers_per_client_max: 4, ..Limits::default() };
    let house = House::with(&four()).await.limited(limits);
    house.hold();
    let ask_as = async |token: &str, n: u32| {
        let mut body = ask();
        (body["n"], body["stream"]) = (json!(n), json!(true));
        let request = post().header(header::AUTHORIZATION, format!("Bearer {token}"));
        house.reviewer().begins(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let first = ask_as("script", 3).await;
    let refused = ask_as("script", 2).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let last = ask_as("script", 1).await;
    assert_eq!((first.status().as_u16(), last.status().as_u16()), (200, 200));
    assert_eq!(ask_as("somebody else", 4).await.status(), 200);
    let more_than_ever = ask_as("nobody yet", 5).await;
    assert_eq!(more_than_ever.status(), 400, "waiting would not help");
    drop(first);
    let again = ask_as("script", 3).await;
    assert_eq!(again.status(), 200, "who has left holds nothing");
    house.let_go();
}

#[tokio::test]
async fn a_full_engine_says_when_to_come_again() {
    let limits = Limits { answers_per_client_max: 1_000, n_max: 1_000, ..Limits::default() };
    let house = House::with(&four()).await.limited(limits);
    house.hold();
    let mut body = ask();
    body["n"] = json!(1_000);
    let page = house.reviewer().posts("/v1/chat/completions", body).await;
    assert_eq!((page.status, &page.json::<Value>()["error"]["code"]), (503, &json!("server_overloaded")));
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    house.let_go();
    house.comes_to_rest().await;
    is_answered(&house.reviewer()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_posts_at_once_are_answered_or_turned_away() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    is_answered(&ann).await;
    let before = resident_bytes();
    let posts = (0..10_000).map(|_| {
        let ann = ann.clone();
        tokio::spawn(async move { ann.posts("/v1/chat/completions", ask()).await })
    });
    let posts: Vec<_> = posts.collect();
    let mut by_status = std::collections::BTreeMap::<u16, u32>::new();
    for post in posts {
        let Page { status, headers, .. } = post.await.unwrap();
        assert!(status == 200 || headers.contains_key(header::RETRY_AFTER), "{status}");
        *by_status.entry(status).or_default() += 1;
    }
    assert!(by_status.keys().all(|it| [200, 429, 503].contains(it)), "{by_status:?}");
    assert!(by_status[&200] > 0, "{by_status:?}");
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        // Other tests run in this process as well.
        assert!(after.saturating_sub(before) < 256 << 20, "it grew by {} bytes", after - before);
    }
    house.comes_to_rest().await;
    is_answered(&ann).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_a_megabyte_is_refused_on_the_line() {
    let house = House::with(&four()).await;
    let address = house.listens().await.strip_prefix("http://").unwrap().to_owned();
    let mut line = TcpStream::connect(&address).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20));
    // The server may have said no before all of it was sent.
    let _ = line.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    is_answered(&house.reviewer()).await;
}
