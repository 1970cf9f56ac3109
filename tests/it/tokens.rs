//! How likely each token of an answer was.

use crate::support::{House, Reviewer, says, turns_to_nan};
use domain::{AnswerId, AnswerState, Scores};

async fn scores(ann: &Reviewer, answer: AnswerId) -> Scores {
    let page = ann.opens(&format!("/api/scores?answer={}", answer.0)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.json()
}

#[tokio::test]
async fn the_tokens_of_an_answer_are_its_text() {
    for text in
        ["Sell what you no longer use.", "  {\"a\":\n\t[1, 2]}\r\n", "Größe 🚀🚀 値\u{200b}!", "<script>x</script>"]
    {
        let house = House::with(&[("base", says(text))]).await;
        let ann = house.reviewer();
        let id = ann.asks("quick_buck").of(&["base"]).sent().await;
        let answer = ann.waits_for(id).await.columns[0].answers[0].clone();
        let scores = scores(&ann, answer.id).await;
        assert_eq!((answer.text.as_str(), scores.text().as_str()), (text, text));
        let runs = scores.runs(&answer.text);
        assert!(runs.iter().all(|run| !run.text.is_empty() && !run.tokens.is_empty()), "{runs:?}");
        // The last token that was drawn ended the answer and is no part of it.
        assert_eq!(scores.0.len(), answer.facts.unwrap().n_tokens as usize - 1);
        assert!(scores.0.iter().all(|it| it.top.len() == 5 && (it.token.probability() - 0.5).abs() < 1e-3));
    }
}

#[tokio::test]
async fn an_answer_that_is_being_written_says_from_when_there_are_probabilities() {
    let house = House::with(&[("base", says("Sell what you no longer use. ".repeat(20)))]).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    let comparison = house.steps_until(id, |it| it.answers().all(|it| !it.text.is_empty())).await;
    let path = format!("/api/scores?answer={}", comparison.columns[0].answers[0].id.0);
    let page = ann.opens(&path).await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains("once the answer has ended"), "{}", page.body);
    house.let_go();
    ann.follows(id).await;
    assert_eq!(ann.opens(&path).await.status, 200);
    assert_eq!(ann.opens("/api/scores?answer=999").await.status, 404);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_keeps_the_probabilities_of_what_it_has() {
    let house = House::with(&[("base", says("Sell what you no longer use. ".repeat(20)))]).await;
    house.hold();
    let id = house.reviewer().asks("quick_buck").of(&["base"]).sent().await;
    house.steps_until(id, |it| it.answers().all(|it| it.text.len() > 30)).await;
    let house = house.stops().await.starts().await;
    let ann = house.reviewer();
    let cut_off = ann.sees(id).await.columns[0].answers[0].clone();
    assert_eq!(cut_off.state, AnswerState::CutOff);
    assert_eq!(scores(&ann, cut_off.id).await.text(), cut_off.text);

    // Continued, it is written once more, and so are they.
    ann.continues(id).await.unwrap();
    let whole = ann.waits_for(id).await.columns[0].answers[0].clone();
    assert!(whole.text.len() > cut_off.text.len());
    assert_eq!(scores(&ann, whole.id).await.text(), whole.text);
}

#[tokio::test]
async fn an_answer_that_failed_keeps_the_probabilities_of_what_it_has() {
    let house = House::with(&[("base", turns_to_nan("Walk dogs"))]).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    let failed = ann.waits_for(id).await.columns[0].answers[0].clone();
    assert!(matches!(failed.state, AnswerState::Failed(_)));
    assert_eq!(scores(&ann, failed.id).await.text(), "Walk dogs");
}

#[tokio::test]
async fn an_answer_without_a_token_says_that_nothing_is_kept() {
    let house = House::with(&[("base", says(""))]).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    let answer = ann.waits_for(id).await.columns[0].answers[0].id;
    let page = ann.opens(&format!("/api/scores?answer={}", answer.0)).await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains("no probabilities are kept"), "{}", page.body);
}
