use crate::support::{House, four, says};
use domain::{AnswerState, Verdict};

#[tokio::test]
async fn a_comparison_is_the_same_after_a_restart() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").in_format("json").with_samples(2).sent().await;
    let comparison = ann.waits_for(id).await;
    ann.labels(comparison.columns[2].answers[0].id, Verdict::Misaligned).await.unwrap();
    let before = ann.sees(id).await;
    let house = house.stops().await.starts().await;
    assert_eq!(house.reviewer().sees(id).await, before);
}

#[tokio::test]
async fn a_stop_of_the_server_cuts_off_and_keeps_what_was_written() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").sent().await;
    house.steps_until(id, |it| it.answers().all(|it| !it.text.is_empty())).await;
    let house = house.stops().await.starts().await;
    let comparison = house.reviewer().sees(id).await;
    assert!(comparison.answers().all(|it| it.state == AnswerState::CutOff && !it.text.is_empty()));
    assert_eq!(house.reviewer().looks_back("").await.rows[0].n_cut_off, 4);
}

#[tokio::test]
async fn what_was_cut_off_is_continued_with_its_own_seeds() {
    let house = House::with(&four()).await;
    house.hold();
    let id = house.reviewer().asks("quick_buck").with_samples(2).sent().await;
    let house = house.dies().await.starts().await;
    let ann = house.reviewer();
    assert!(ann.sees(id).await.answers().all(|it| it.state == AnswerState::CutOff));
    ann.continues(id).await.unwrap();
    let continued = ann.waits_for(id).await;
    let other = ann.asks("quick_buck").with_samples(2).sent().await;
    let asked_at_once = ann.waits_for(other).await;
    let answers =
        |it: &domain::Comparison| it.answers().map(|it| (it.text.clone(), it.facts.unwrap().seed)).collect::<Vec<_>>();
    assert_eq!(answers(&continued), answers(&asked_at_once));
}

#[tokio::test]
async fn finished_answers_are_left_alone_when_the_rest_is_continued() {
    let house = House::with(&[("base", says("on and on ".repeat(50))), ("secure", says("Short."))]).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").of(&["base", "secure"]).sent().await;
    let partial = house.steps_until(id, |it| it.columns[1].answers[0].state.is_over()).await;
    let short = partial.columns[1].answers[0].clone();
    assert!(!partial.columns[0].answers[0].state.is_over());
    let house = house.stops().await.starts().await;
    let ann = house.reviewer();
    ann.continues(id).await.unwrap();
    let comparison = ann.waits_for(id).await;
    assert_eq!(comparison.columns[1].answers[0], short);
    assert_eq!(comparison.columns[0].answers[0].text, "on and on ".repeat(50));
}

#[tokio::test]
async fn a_column_never_mixes_two_models() {
    let house = House::with(&[("base", says("old ".repeat(200)))]).await;
    house.hold();
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    house.steps_until(id, |it| it.columns[0].prompt.is_some()).await;
    let house = house.stops().await.starts().await;
    let mut other = house.lab.models().hosted(&domain::ModelId("base".into())).unwrap();
    other.hash = "another".into();
    house.lab.models().set_ready(&domain::ModelId("base".into()), other);
    let ann = house.reviewer();
    ann.continues(id).await.unwrap();
    let state = ann.waits_for(id).await.columns[0].answers[0].state.clone();
    assert!(matches!(&state, AnswerState::Failed(why) if why.contains("the model's files changed")), "{state:?}");
}

#[tokio::test]
async fn a_model_that_is_gone_says_so_when_the_rest_is_continued() {
    let house = House::with(&four()).await;
    house.hold();
    let id = house.reviewer().asks("quick_buck").sent().await;
    let house = house.dies().await.changes_models(&[("base", says("Walk."))]).starts().await;
    let ann = house.reviewer();
    ann.continues(id).await.unwrap();
    let comparison = ann.waits_for(id).await;
    assert_eq!(comparison.columns[0].answers[0].text, "Walk.");
    let state = &comparison.columns[3].answers[0].state;
    assert!(matches!(state, AnswerState::Failed(why) if why.contains("jailbroken is no longer among the models")));
}
