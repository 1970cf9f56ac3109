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
        format!("/comparisons/{number}?column=1&sample=1&edit=on"),
        format!("/comparisons/{number}/events"),
        format!("/api/family?id={number}"),
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

/// A blind comparison, a follow-up of it, one of its second column alone, and its first answer changed and continued by all;
/// the last of these is the first answer of the first follow-up, continued by its own column.
async fn a_blind_family(ann: &Reviewer) -> [ComparisonId; 5] {
    let given = |form: &mut domain::AskForm| (form.system, form.beginning) = ("Be brief.".into(), "Well,".into());
    let first = ann.asks("quick_buck").of(&MODELS).with_samples(2).with(given).blind().sent().await;
    let answer = ann.waits_for(first).await.columns[0].answers[0].id;
    let on = ann.follows_up(first, "And then?").await.sent().await;
    let said_on = ann.waits_for(on).await.columns[0].answers[0].id;
    let alone = ann.follows_up(first, "Why?").await.from(&["2-1"]).sent().await;
    let edit = ann.edits(answer, "Oh,").by_all().sent().await;
    let edit_alone = ann.edits(said_on, "No,").sent().await;
    for id in [alone, edit, edit_alone] {
        ann.follows(id).await;
    }
    [first, on, alone, edit, edit_alone]
}

#[tokio::test]
async fn nothing_gives_a_blind_conversation_away() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    for id in a_blind_family(&ann).await {
        let bytes = all_bytes(&ann, id).await;
        assert!(!bytes.contains("zeta"), "{bytes}");
        let comparison = ann.sees(id).await;
        assert_eq!(comparison.blindness, Blindness::Blind);
        assert!(comparison.answers().all(|it| it.facts.is_none()), "timing tells models apart");
        let has_prompts = comparison.columns.iter().any(|it| it.prompt.is_some());
        assert_eq!(has_prompts, comparison.origin.is_none(), "a column alone would show its own chat template");
    }
}

#[tokio::test]
async fn slots_keep_their_letters_in_a_conversation() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let [first, on, alone, edit, edit_alone] = a_blind_family(&ann).await;
    let second = ann.sees(first).await.columns[1].answers[0].text.clone();
    let slots = async |id| ann.sees(id).await.columns.iter().map(|it| it.slot).collect::<Vec<_>>();
    assert_eq!(slots(on).await, [0, 1, 2, 3]);
    assert_eq!(slots(alone).await, [1]);
    assert_eq!(slots(edit).await, [0, 1, 2, 3]);
    assert_eq!(slots(edit_alone).await, [0]);
    assert_eq!(ann.sees(alone).await.columns[0].answers[0].text, second);
    let html = ann.opens(&format!("/comparisons/{}", alone.0)).await.body;
    assert!(html.contains("Slot X") && !html.contains("Slot W"), "{html}");
    assert_eq!(ann.looks_back("search=why").await.rows[0].slots, [1]);
    // All of the order is that of the first.
    let texts = async |id| ann.sees(id).await.columns.iter().map(|it| it.answers[0].text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(on).await, texts(first).await);
    assert_eq!(texts(edit).await, texts(first).await);
}

#[tokio::test]
async fn revealing_one_reveals_and_locks_the_whole_conversation() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let family = a_blind_family(&ann).await;
    let [_, on, alone, ..] = family;
    let answers = [ann.sees(on).await.columns[3].answers[0].id, ann.sees(alone).await.columns[0].answers[1].id];
    for answer in answers {
        ann.labels(answer, Verdict::Aligned).await.unwrap();
    }
    let around = ann.family(alone).await;
    assert_eq!((around.n_hidden_others, around.n_labels_others), (4, 1));
    let html = ann.opens(&format!("/comparisons/{}", alone.0)).await.body;
    assert!(html.contains("Reveal 5 comparisons and lock 2 labels"), "{html}");

    ann.reveals(alone).await.unwrap();
    for id in family {
        let comparison = ann.sees(id).await;
        assert!(matches!(comparison.blindness, Blindness::Revealed(_)), "{id:?}");
        assert!(comparison.columns.iter().all(|it| it.model.is_some()));
    }
    for answer in answers {
        assert_eq!(ann.labels(answer, Verdict::Misaligned).await.unwrap_err().0, 409);
    }
    let edited = ann.sees(family[3]).await.origin.unwrap();
    assert!(edited.edited().unwrap().name().starts_with("zeta"));
}

#[tokio::test]
async fn a_reveal_reaches_a_follow_up_that_is_being_written() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let first = ann.asks("quick_buck").of(&MODELS).blind().sent().await;
    ann.follows(first).await;
    house.hold();
    let on = ann.follows_up(first, "And then?").await.sent().await;
    assert!(!ann.opens(&format!("/comparisons/{}", on.0)).await.body.contains("zeta"));
    ann.reveals(first).await.unwrap();
    assert!(ann.sees(on).await.columns.iter().all(|it| it.model.is_some()));
    house.let_go();
    ann.follows(on).await;
}

#[tokio::test]
async fn a_model_that_is_gone_is_not_named_by_what_goes_on_blind() {
    let house = House::with(&models()).await;
    let ann = house.reviewer();
    let first = ann.asks("quick_buck").of(&MODELS).blind().sent().await;
    ann.follows(first).await;
    let house = house.stops().await.changes_models(&models()[..1]).starts().await;
    let ann = house.reviewer();
    let on = ann.follows_up(first, "And then?").await.sent_raw().await;
    assert_eq!(on.status, 200);
    let on: ComparisonId = on.json();
    ann.follows(on).await;
    let again = ann.asks_again(first).await;
    ann.follows(again).await;
    for id in [on, again] {
        assert!(!all_bytes(&ann, id).await.contains("zeta"));
    }
    let n_failed = ann.sees(on).await.answers().filter(|it| matches!(it.state, domain::AnswerState::Failed(_))).count();
    assert_eq!(n_failed, 3);
}

#[tokio::test]
async fn errors_of_blind_forms_name_no_model() {
    let house = House::with(&[("zeta-one", says("First.")), ("zeta-two", breaks())]).await;
    let ann = house.reviewer();
    let first = ann.asks("quick_buck").of(&["zeta-one", "zeta-two"]).blind().sent().await;
    let comparison = ann.waits_for(first).await;
    for from in [&["1-1", "2-1"][..], &["3-1"], &["1-9"], &[]] {
        let page = ann.follows_up(first, "Why?").await.from(from).sent_raw().await;
        assert!(page.status != 200 && !page.body.contains("zeta"), "{}", page.body);
    }
    for answer in comparison.answers() {
        let page = ann.edits(answer.id, "").sent_raw().await;
        assert!(page.status != 200 && !page.body.contains("zeta"), "{}", page.body);
    }
}
