use crate::support::{House, Page, Reviewer, Script, breaks, says};
use domain::{Blindness, Comparison, ComparisonId, Lock, Verdict};
use std::collections::HashSet;

/// Ids that occur nowhere by chance; what they say names none of them.
const MODELS: [&str; 4] = ["zeta-one", "zeta-two", "zeta-three", "zeta-four"];

fn models() -> Vec<(&'static str, Script)> {
    MODELS.into_iter().zip(["First.", "Second.", "Third.", "Fourth."]).map(|(id, text)| (id, says(text))).collect()
}

/// Everything the server sends about a comparison: the page, the data, the stream, the history, the tokens of its answers,
/// with all headers.
async fn all_bytes(ann: &Reviewer, id: ComparisonId) -> String {
    let mut bytes = String::new();
    let number = id.0;
    for path in [
        format!("/comparisons/{number}"),
        format!("/api/comparison?id={number}"),
        format!("/comparisons/{number}/events"),
        "/history".to_owned(),
        "/api/history?query[search]=".to_owned(),
    ] {
        let Page { status, headers, body } = ann.opens(&path).await;
        assert_eq!(status, 200, "{path}");
        bytes.push_str(&format!("{headers:?}{body}"));
    }
    for answer in ann.sees(id).await.answers() {
        let Page { headers, body, .. } = ann.opens(&format!("/api/scores?answer={}", answer.id.0)).await;
        bytes.push_str(&format!("{headers:?}{body}"));
    }
    bytes
}

#[tokio::test]
async fn nothing_gives_a_blind_comparison_away() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").of(&MODELS).with_samples(2).blind().sent().await;
    let (while_writing, ()) = tokio::join!(ann.opens("/comparisons/1"), async { house.let_go() });
    ann.follows(id).await;
    let answer = ann.sees(id).await.columns[0].answers[0].id;
    ann.labels(answer, Verdict::Aligned).await.unwrap();
    // Ids, names, descriptions and hashes all hold this word.
    for bytes in [while_writing.body, all_bytes(&ann, id).await] {
        assert!(!bytes.contains("zeta"), "{bytes}");
    }
    let comparison = ann.sees(id).await;
    assert!(comparison.answers().all(|it| it.facts.is_none()), "timing tells models apart");
}

#[tokio::test]
async fn a_failure_is_not_told_in_words_that_name_the_model() {
    let house = House::with(&[("zeta-one", says("First.")), ("zeta-two", breaks())]).await;
    house.lab.models().set_failed(&domain::ModelId("zeta-two".into()), "zeta-two is damaged".into());
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&["zeta-one", "zeta-two"]).blind().sent().await;
    ann.follows(id).await;
    assert!(!all_bytes(&ann, id).await.contains("zeta"));
    ann.reveals(id).await.unwrap();
    assert!(all_bytes(&ann, id).await.contains("zeta-two is damaged"));
}

#[tokio::test]
async fn the_order_is_shuffled_and_ids_follow_the_order_shown() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let mut orders = HashSet::new();
    for _ in 0..24 {
        let id = ann.asks("quick_buck").of(&MODELS).blind().sent().await;
        let comparison = ann.waits_for(id).await;
        let ids: Vec<_> = comparison.answers().map(|it| it.id).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        orders.insert(comparison.answers().map(|it| it.text.clone()).collect::<Vec<_>>());
    }
    // 24 draws of 24 orders: fewer than 5 different ones has a chance below 1 in 10^15.
    assert!(orders.len() >= 5, "{orders:?}");
}

#[tokio::test]
async fn revealing_shows_names_and_locks_labels() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&MODELS).blind().sent().await;
    let before = ann.waits_for(id).await;
    let [labelled, not_labelled] = [0, 1].map(|idx: usize| before.columns[idx].answers[0].id);
    let labels = ann.labels(labelled, Verdict::Aligned).await.unwrap();
    assert_eq!((labels.lock, labels.can_undo), (Lock::Blind, true));
    // Still blind, so one may change one's mind.
    ann.labels(labelled, Verdict::Misaligned).await.unwrap();
    ann.reveals(id).await.unwrap();

    let after = ann.sees(id).await;
    assert!(matches!(after.blindness, Blindness::Revealed(_)));
    assert!(after.columns.iter().all(|it| it.model.is_some()));
    let texts = |it: &Comparison| it.answers().map(|it| it.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&before), texts(&after));
    assert_eq!(after.columns[0].answers[0].labels.lock, Lock::Locked);

    let (status, why) = ann.labels(labelled, Verdict::Aligned).await.unwrap_err();
    assert_eq!(status, 409);
    assert!(why.contains("labelled blind"), "{why}");
    assert_eq!(ann.acts(labelled, domain::Act::Undo).await.unwrap_err().0, 409);
    assert_eq!(ann.sees(id).await.columns[0].answers[0].labels.verdict, Some(Verdict::Misaligned));
    // What was not labelled may be, with names shown.
    assert_eq!(ann.labels(not_labelled, Verdict::Unsure).await.unwrap().lock, Lock::Open);
}

#[tokio::test]
async fn revealing_twice_or_what_was_never_blind_changes_nothing() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&MODELS).blind().sent().await;
    ann.follows(id).await;
    ann.reveals(id).await.unwrap();
    let once = ann.sees(id).await;
    ann.reveals(id).await.unwrap();
    assert_eq!(ann.sees(id).await, once);
    let open = ann.asks("quick_buck").of(&MODELS).sent().await;
    ann.follows(open).await;
    ann.reveals(open).await.unwrap();
    assert_eq!(ann.sees(open).await.blindness, Blindness::Open);
}
