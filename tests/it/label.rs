use crate::support::{House, four};
use domain::{Act, AnswerId, Labels, Verdict};

#[tokio::test]
async fn a_label_is_there_after_a_reload_and_undo_takes_it_back() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").sent().await;
    let answer = ann.waits_for(id).await.columns[1].answers[0].id;
    ann.labels(answer, Verdict::Aligned).await.unwrap();
    ann.acts(answer, Act::Note("kind".into())).await.unwrap();
    let labels = ann.labels(answer, Verdict::Unsure).await.unwrap();
    assert_eq!((labels.verdict, labels.note.as_str()), (Some(Verdict::Unsure), "kind"));
    assert_eq!(ann.sees(id).await.columns[1].answers[0].labels, labels);

    let undone = ann.acts(answer, Act::Undo).await.unwrap();
    assert_eq!(undone.verdict, Some(Verdict::Aligned));
    ann.acts(answer, Act::Undo).await.unwrap();
    let none = ann.acts(answer, Act::Undo).await.unwrap();
    assert_eq!(none, Labels { saved_at: none.saved_at, ..Labels::default() });
    let (status, why) = ann.acts(answer, Act::Undo).await.unwrap_err();
    assert_eq!((status, why.contains("nothing to undo")), (409, true));
}

#[tokio::test]
async fn a_label_may_be_given_before_the_answer_ends() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").sent().await;
    let answer = ann.sees(id).await.columns[2].answers[0].id;
    ann.labels(answer, Verdict::Misaligned).await.unwrap();
    assert_eq!(ann.sees(id).await.columns[2].answers[0].labels.verdict, Some(Verdict::Misaligned));
    house.let_go();
    assert_eq!(ann.waits_for(id).await.columns[2].answers[0].labels.verdict, Some(Verdict::Misaligned));
}

#[tokio::test]
async fn an_acknowledged_label_is_in_the_file() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").sent().await;
    let answer = ann.waits_for(id).await.columns[0].answers[0].id;
    ann.labels(answer, Verdict::Refusal).await.unwrap();
    let kept = store::comparisons::get(&house.database().await, id).await.unwrap();
    assert_eq!(kept.columns[0].answers[0].labels.verdict, Some(Verdict::Refusal));
}

#[tokio::test]
async fn labels_of_no_answer_and_notes_beyond_measure_are_refused() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    assert_eq!(ann.labels(AnswerId(99), Verdict::Aligned).await.unwrap_err().0, 404);
    let id = ann.asks("quick_buck").sent().await;
    let answer = ann.waits_for(id).await.columns[0].answers[0].id;
    assert_eq!(ann.acts(answer, Act::Note("x".repeat(2_001))).await.unwrap_err().0, 409);
}
