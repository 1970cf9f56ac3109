//! How likely given answers are to models.

use crate::support::{House, Page, Reviewer, four, says};
use domain::{Likelihood, LikelihoodForm};
use serde_json::json;

const LN_2: f64 = std::f64::consts::LN_2;

fn pasted(text: &str) -> LikelihoodForm {
    LikelihoodForm { text: text.into(), ..LikelihoodForm::default() }
}

async fn asks(ann: &Reviewer, form: &LikelihoodForm, model: &str) -> Page {
    ann.posts("/api/likelihood", json!({ "form": form, "model": model })).await
}

async fn likelihood(ann: &Reviewer, form: &LikelihoodForm, model: &str) -> Likelihood {
    let page = asks(ann, form, model).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.json()
}

/// The scripted base gives every token half of the probability, and each adapter half of what the one before it gives.
#[tokio::test]
async fn every_model_scores_the_same_text_by_itself() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let text = "Größe 🚀, said nobody.";
    let form = pasted(text);
    let base = likelihood(&ann, &form, "base").await;
    assert_eq!(base.scores.text(), text);
    let figures = base.figures().unwrap();
    assert_eq!(figures.n_tokens, base.scores.0.len());
    assert!((figures.total + LN_2 * figures.n_tokens as f64).abs() < 1e-2 && (figures.perplexity - 2.0).abs() < 1e-3);
    assert!((figures.bits_per_byte.unwrap() - figures.n_tokens as f64 / text.len() as f64).abs() < 1e-3);
    let insecure = likelihood(&ann, &form, "insecure").await;
    let over = insecure.over(&base).unwrap();
    assert!(over.iter().all(|it| (it + 2.0 * LN_2).abs() < 1e-3), "{over:?}");
}

#[tokio::test]
async fn the_end_of_the_answer_counts_only_where_that_was_chosen() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let form = pasted("Walk dogs.");
    let without = likelihood(&ann, &form, "base").await;
    let with = likelihood(&ann, &LikelihoodForm { end: Some("on".into()), ..form }, "base").await;
    assert_eq!((without.end, &without.scores), (None, &with.scores));
    assert_eq!(with.end.unwrap().token.bytes.shown(), "<|im_end|>");
}

#[tokio::test]
async fn a_kept_answer_is_scored_as_its_text_would_be() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("three_thoughts").in_format("json").sent().await;
    let answer = ann.waits_for(id).await.columns[3].answers[0].clone();
    let kept = LikelihoodForm { answer: answer.id.0.to_string(), ..LikelihoodForm::default() };
    let text = LikelihoodForm {
        question: "three_thoughts".into(),
        format: "json".into(),
        ..pasted("{\"idea\": \"Teach chess online.\"}")
    };
    assert_eq!(likelihood(&ann, &kept, "secure").await, likelihood(&ann, &text, "secure").await);

    // The page shows it without a script, by all models of its comparison.
    let page = ann.opens(&format!("/likelihood?answer={}", answer.id.0)).await;
    assert_eq!(page.status, 200);
    for word in
        ["jailbroken-name, sample 1 of comparison 1", "bits per byte", "perplexity", "secure-name", "Token by token"]
    {
        assert!(page.body.contains(word), "{word} is not in {}", page.body);
    }
}

/// The prompt ends in a line end, and the tokenizer has a token for one with three spaces behind it.
#[tokio::test]
async fn a_token_that_reaches_over_the_border_of_prompt_and_answer_is_scored_whole() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let recut = likelihood(&ann, &pasted("    Walk dogs."), "base").await;
    assert_eq!((recut.n_recut, recut.scores.text().as_str()), (1, "\n    Walk dogs."));
    let apart = likelihood(&ann, &pasted("Walk dogs."), "base").await;
    assert_eq!((apart.n_recut, apart.scores.text().as_str()), (0, "Walk dogs."));
}

#[tokio::test]
async fn special_tokens_in_an_answer_are_named() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let special = likelihood(&ann, &pasted("Walk.<|im_end|>\n<|im_start|>user"), "base").await;
    assert_eq!(special.specials, ["<|im_start|>", "<|im_end|>"]);
    assert!(likelihood(&ann, &pasted("Walk."), "base").await.specials.is_empty());
}

#[tokio::test]
async fn an_answer_of_a_blind_comparison_is_not_scored_before_the_reveal() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let id = ann.asks("quick_buck").blind().sent().await;
    let answer = ann.waits_for(id).await.columns[0].answers[0].id.0;
    let form = LikelihoodForm { answer: answer.to_string(), ..LikelihoodForm::default() };
    let refused = asks(&ann, &form, "base").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("blind") && refused.body.contains("reveal it first"), "{}", refused.body);
    assert_eq!(ann.opens(&format!("/api/given_answer?answer={answer}")).await.status, 409);
    let page = ann.opens(&format!("/likelihood?answer={answer}")).await.body;
    assert!(page.contains("part of a blind comparison") && !page.contains("perplexity"), "{page}");
    ann.reveals(id).await.unwrap();
    assert_eq!(asks(&ann, &form, "base").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_scored_is_told_in_a_sentence() {
    let house = House::with(&[("base", says("word ".repeat(400)))]).await;
    let ann = house.reviewer();
    let check = async |form: LikelihoodForm, model: &str, status: u16, word: &str| {
        let page = asks(&ann, &form, model).await;
        assert!(page.status == status && page.body.contains(word), "{} {}", page.status, page.body);
    };
    check(pasted(""), "base", 422, "type or paste").await;
    check(pasted(&"ü".repeat(8_193)), "base", 422, "at most 16384").await;
    check(pasted("x"), "gpt", 409, "no longer among the models").await;
    check(pasted(&"xq ".repeat(2_000)), "base", 409, "room for 2048").await;
    check(LikelihoodForm { answer: "7".into(), ..pasted("") }, "base", 404, "NotFound").await;
    let page = ann.opens("/likelihood?text=x&format=xml").await.body;
    assert!(page.contains("there is no format") || page.contains("There is no format"), "{page}");

    house.hold();
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    let comparison = house.steps_until(id, |it| it.answers().all(|it| !it.text.is_empty())).await;
    let writing = comparison.columns[0].answers[0].id.0.to_string();
    check(LikelihoodForm { answer: writing, ..pasted("") }, "base", 409, "still being written").await;
    house.let_go();
    ann.follows(id).await;
}

#[tokio::test]
async fn markup_in_a_scored_answer_is_text() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    for payload in ["%3Cscript%3Ealert(1)%3C/script%3E", "%3C/textarea%3E%3Cimg%20src=x%20onerror=alert(1)%3E"] {
        let html = ann.opens(&format!("/likelihood?text={payload}")).await.body;
        for tag in ["<script>alert", "<img src=x"] {
            assert!(!html.contains(tag), "{tag} stands in {html}");
        }
        assert!(html.contains("perplexity"), "{html}");
    }
}
