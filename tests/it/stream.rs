use crate::support::{House, four, says};
use axum::{body::Body, http::Request};
use domain::{Comparison, LiveEvent};
use futures::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::time::Duration;

/// What a page shows once it has read these events.
fn page_after(events: &[LiveEvent]) -> Comparison {
    let mut page = None;
    for event in events {
        match event {
            LiveEvent::Whole(whole) => page = Some((**whole).clone()),
            LiveEvent::Pieces(pieces) => {
                let page = page.as_mut().expect("the whole comes first");
                for piece in pieces {
                    piece.clone().join(page.answer_mut(piece.answer).unwrap()).unwrap();
                }
            }
            LiveEvent::Waits(_) | LiveEvent::End => {}
        }
    }
    page.unwrap()
}

#[tokio::test]
async fn one_stream_carries_all_columns_and_ends_with_them() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").with_samples(3).sent().await;
    let events = ann.follows(id).await;
    assert!(matches!(events.first(), Some(LiveEvent::Whole(_))));
    assert_eq!(events.last(), Some(&LiveEvent::End));
    assert_eq!(page_after(&events), ann.sees(id).await);
}

#[tokio::test]
async fn a_viewer_in_the_middle_sees_what_is_there_and_then_the_rest() {
    let house = House::with(&[("base", says("One. Two. Three. 🚀 Four."))]).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    let partial = house.steps_until(id, |it| !it.columns[0].answers[0].text.is_empty()).await;
    assert!(partial.columns[0].answers[0].text.len() < 20);
    let (events, ()) = tokio::join!(ann.follows(id), async { house.let_go() });
    assert_eq!(page_after(&events).columns[0].answers[0].text, "One. Two. Three. 🚀 Four.");
}

#[tokio::test]
async fn a_finished_comparison_is_told_whole_at_once() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").sent().await;
    ann.follows(id).await;
    let again = ann.follows(id).await;
    assert!(matches!(&again[..], [LiveEvent::Whole(_), LiveEvent::End]), "{again:?}");
}

/// Clients of the API own their answers: one that leaves ends the work on them. Some are cut while they wait for a slot,
/// some before their first token, some in the middle.
#[tokio::test]
async fn two_hundred_streams_cut_at_random_leave_no_busy_slot() {
    let house = House::with(&[("base", says("word ".repeat(300)))]).await;
    let mut random = StdRng::seed_from_u64(1);
    let cuts: Vec<usize> = (0..200).map(|_| random.random_range(0..12)).collect();
    let clients = cuts.into_iter().enumerate().map(|(idx, n_pieces)| {
        let ann = house.reviewer();
        async move {
            let body = serde_json::json!({
                "model": "base", "stream": true, "messages": [{ "role": "user", "content": "go on" }],
            });
            let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
            // Each is somebody else, as one alone may not have as many in hand.
            let request = request.header("authorization", format!("Bearer {idx}"));
            let response = ann.begins(request.body(Body::from(body.to_string())).unwrap()).await;
            assert_eq!(response.status(), 200);
            response.into_body().into_data_stream().take(n_pieces).collect::<Vec<_>>().await;
        }
    });
    futures::future::join_all(clients).await;
    house.comes_to_rest().await;
    let health: serde_json::Value = house.reviewer().opens("/healthz").await.json();
    assert_eq!((health["n_running"].as_u64(), health["n_waiting"].as_u64()), (Some(0), Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_are_drawn_side_by_side() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").sent().await;
    ann.follows(id).await;
    let readers = (0..400).map(|idx| {
        let path = ["/", "/comparisons/1", "/history", "/nowhere"][idx % 4];
        let ann = house.reviewer();
        tokio::spawn(async move { ann.opens(path).await.status })
    });
    let all = futures::future::join_all(readers);
    let statuses = tokio::time::timeout(Duration::from_secs(60), all).await.expect("a page was never finished");
    assert!(
        statuses
            .into_iter()
            .zip([200, 200, 200, 404].iter().cycle())
            .all(|(status, expected)| status.unwrap() == *expected)
    );
}
