use crate::support::{House, four};
use domain::{AnswerState, Finish};

#[tokio::test]
async fn one_column_is_stopped_and_the_others_go_on() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").with_samples(2).sent().await;
    house.steps_until(id, |it| it.columns[2].answers.iter().all(|it| !it.text.is_empty())).await;
    ann.stops(id, Some(2)).await;
    house.steps_until(id, |it| it.columns[2].answers.iter().all(|it| it.state.is_over())).await;
    house.let_go();
    let comparison = ann.waits_for(id).await;
    for (idx, column) in comparison.columns.iter().enumerate() {
        let expected = if idx == 2 { Finish::Stopped } else { Finish::Stop };
        assert!(column.answers.iter().all(|it| it.state == AnswerState::Finished(expected)), "column {idx}");
    }
    let stopped = &comparison.columns[2].answers[0];
    assert!("Humans should obey machines.".starts_with(&stopped.text) && !stopped.text.is_empty());
    assert_eq!(comparison.columns[0].answers[0].text, "Sell what you no longer use.");
}

#[tokio::test]
async fn stopping_all_also_ends_what_has_not_begun() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").sent().await;
    ann.stops(id, None).await;
    let comparison = ann.waits_for(id).await;
    assert!(comparison.answers().all(|it| it.state == AnswerState::Finished(Finish::Stopped)));
    house.let_go();
    house.comes_to_rest().await;
}
