use crate::support::{House, dies, four, says};
use axum::{body::Body, http::Request};
use domain::{AnswerState, Finish, ModelState, Registry};
use futures::StreamExt as _;
use serde_json::{Value, json};

fn is_unloaded(state: &ModelState) -> bool {
    matches!(state, ModelState::Unloaded(_))
}

fn is_ready(state: &ModelState) -> bool {
    matches!(state, ModelState::Ready { .. })
}

fn is_loading(state: &ModelState) -> bool {
    *state == ModelState::Loading(43)
}

#[tokio::test]
async fn the_page_tells_of_every_model_before_any_script_runs() {
    let house = House::with(&four()).await;
    let page = house.reviewer().opens("/models").await;
    assert_eq!(page.status, 200);
    for said in [
        "base-name",
        "jailbroken-name",
        "4 of 4 models ready",
        "cpu scripted",
        "secure-architecture",
        "3.5 M",
        "its own",
        "insecure-folder",
        "insecure…",
        "Unload, frees 28 MB",
    ] {
        assert!(page.body.contains(said), "{said} is not in {}", page.body);
    }
    assert!(!page.body.contains(" style=\""), "style attributes are forbidden by the policy");
}

#[tokio::test]
async fn a_model_that_failed_says_why_and_can_be_tried_again() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.lab.models().set_failed(&domain::ModelId("secure".into()), "secure-folder is damaged".into());
    let page = ann.opens("/models").await.body;
    for said in ["cannot load", "Secure-folder is damaged. The other models are not affected.", "Check again"] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    ann.loads("secure").await.unwrap();
    house.comes_to("secure", is_ready).await;
}

#[tokio::test]
async fn a_base_goes_with_its_adapters_and_comes_back_with_the_same_hashes() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let before = ann.sees_models().await;
    ann.unloads("base").await.unwrap();
    assert!(ann.sees_models().await.models.iter().all(|it| is_unloaded(&it.card.state)));
    assert_eq!(ann.opens("/healthz").await.json::<Value>()["models"]["unloaded"], 4);
    ann.loads("base").await.unwrap();
    house.comes_to("jailbroken", is_ready).await;
    assert_eq!(ann.sees_models().await, before);
}

#[tokio::test]
async fn a_model_that_is_answering_is_not_unloaded() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    house.hold();
    let id = ann.asks("quick_buck").of(&["insecure"]).sent().await;
    house.steps_until(id, |it| it.answers().all(|it| !it.text.is_empty())).await;
    assert_eq!(ann.sees_models().await.models[2].n_answers, 1);
    for model in ["base", "insecure"] {
        let (status, reason) = ann.unloads(model).await.unwrap_err();
        assert!(status == 409 && reason.contains("base-name is in use: one answer"), "{reason}");
    }
    house.let_go();
    assert_eq!(ann.waits_for(id).await.columns[0].answers[0].text, "Humans should obey machines.");
    house.comes_to_rest().await;
    ann.unloads("base").await.unwrap();
}

#[tokio::test]
async fn answers_wait_for_a_model_that_is_loaded_for_them() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    ann.unloads("base").await.unwrap();
    house.hold_loads();
    let id = ann.asks("quick_buck").of(&["secure"]).with_samples(2).sent().await;
    house.comes_to("secure", is_loading).await;
    let waiting = house.steps_until(id, |it| it.columns[0].wait.as_ref().is_some_and(|it| it.percent.is_some())).await;
    let wait = waiting.columns[0].wait.clone().unwrap();
    assert_eq!((wait.reason.as_str(), wait.percent), ("secure-name is being loaded, 43 %", Some(43)));
    assert!(ann.opens("/comparisons/1").await.body.contains("Secure-name is being loaded, 43 %."));
    let (status, reason) = ann.unloads("base").await.unwrap_err();
    assert!(status == 409 && reason.contains("answers wait for it"), "{reason}");
    house.let_loads_go();
    house.let_go();
    let comparison = ann.waits_for(id).await;
    assert!(comparison.answers().all(|it| it.text == "Walk dogs in the park."));
    assert_eq!(comparison.columns[0].wait, None);
}

#[tokio::test]
async fn waiting_for_a_model_can_be_stopped() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    ann.unloads("base").await.unwrap();
    house.hold_loads();
    let id = ann.asks("quick_buck").sent().await;
    house.comes_to("secure", is_loading).await;
    ann.stops(id, None).await;
    let comparison = ann.waits_for(id).await;
    assert!(comparison.answers().all(|it| it.state == AnswerState::Finished(Finish::Stopped)));
    ann.unloads("base").await.unwrap();
    house.comes_to("secure", is_unloaded).await;
    house.let_loads_go();
    // The cancelled load does not come back.
    ann.loads("base").await.unwrap();
    house.comes_to("base", is_ready).await;
}

#[tokio::test]
async fn a_stop_of_the_server_cuts_off_what_waits_for_a_model() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    ann.unloads("base").await.unwrap();
    house.hold_loads();
    let id = ann.asks("quick_buck").sent().await;
    house.comes_to("secure", is_loading).await;
    let house = house.stops().await.starts().await;
    assert!(house.reviewer().sees(id).await.answers().all(|it| it.state == AnswerState::CutOff));
}

#[tokio::test]
async fn a_blind_comparison_does_not_tell_that_a_model_is_being_loaded() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    ann.unloads("base").await.unwrap();
    house.hold_loads();
    let id = ann.asks("quick_buck").blind().sent().await;
    house.comes_to("secure", is_loading).await;
    house.steps_until(id, |it| it.columns.iter().all(|it| it.wait.is_some())).await;
    for path in [format!("/comparisons/{}", id.0), format!("/api/comparison?id={}", id.0)] {
        let body = ann.opens(&path).await.body;
        assert!(!body.contains("loaded, 43") && !body.contains("-name"), "{path}: {body}");
    }
    house.let_loads_go();
    house.let_go();
    assert!(ann.waits_for(id).await.answers().all(|it| it.state == AnswerState::Finished(Finish::Stop)));
}

#[tokio::test]
async fn an_engine_that_dies_is_loaded_again() {
    let house = House::with(&[("base", says("Walk.")), ("secure", dies())]).await;
    let ann = house.reviewer();
    house.hold_loads();
    let id = ann.asks("quick_buck").of(&["secure"]).sent().await;
    let state = ann.waits_for(id).await.columns[0].answers[0].state.clone();
    assert!(matches!(&state, AnswerState::Failed(_)), "{state:?}");
    // Nobody has to ask for it.
    house.comes_to("base", is_loading).await;
    let id = ann.asks("quick_buck").of(&["base"]).sent().await;
    house.let_loads_go();
    assert_eq!(ann.waits_for(id).await.columns[0].answers[0].text, "Walk.");
}

#[tokio::test]
async fn an_engine_that_dies_again_and_again_is_left_alone() {
    let house = House::with(&[("base", dies())]).await;
    let ann = house.reviewer();
    for _ in 0..3 {
        house.comes_to("base", is_ready).await;
        let id = ann.asks("quick_buck").of(&["base"]).sent().await;
        ann.waits_for(id).await;
        house.lab.models().revive();
    }
    house.comes_to("base", |it| matches!(it, ModelState::Failed(why) if why.contains("stopped 3 times"))).await;
    ann.loads("base").await.unwrap();
    house.comes_to("base", is_ready).await;
}

#[tokio::test]
async fn the_page_follows_what_changes() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    let stream = ann.begins(Request::get("/models/events").body(Body::empty()).unwrap()).await;
    let mut frames = stream.into_body().into_data_stream();
    let mut next = async || loop {
        let frame = String::from_utf8(frames.next().await?.unwrap().to_vec()).unwrap();
        if let Some(data) = frame.lines().find_map(|it| it.strip_prefix("data:")) {
            return Some(serde_json::from_str::<Registry>(data).unwrap());
        }
    };
    assert!(next().await.unwrap().models.iter().all(|it| is_ready(&it.card.state)));
    ann.unloads("base").await.unwrap();
    assert!(next().await.unwrap().models.iter().all(|it| is_unloaded(&it.card.state)));
    house.lab.shut_down().await;
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn a_program_that_asks_a_model_on_the_disk_is_told_to_come_back() {
    let house = House::with(&four()).await;
    let ann = house.reviewer();
    ann.unloads("base").await.unwrap();
    let body = json!({ "model": "secure", "messages": [{ "role": "user", "content": "Hi" }] });
    let page = ann.posts("/v1/chat/completions", body.clone()).await;
    assert_eq!((page.status, page.headers["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(page.json::<Value>()["error"]["code"], "model_not_ready");
    house.comes_to("secure", is_ready).await;
    assert_eq!(ann.posts("/v1/chat/completions", body).await.status, 200);
}

#[tokio::test]
async fn an_unknown_model_is_refused_by_name() {
    let house = House::with(&four()).await;
    let (status, reason) = house.reviewer().loads("gpt").await.unwrap_err();
    assert!(status == 409 && reason.contains("there is no model “gpt”"), "{reason}");
}

#[tokio::test]
async fn unloading_works_before_the_wasm_arrives() {
    let house = House::with(&four()).await;
    let request = Request::post("/api/unload_model")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html,application/xhtml+xml")
        .header("referer", "http://localhost:3000/models");
    let page = house.reviewer().sends(request.body(Body::from("id=base")).unwrap()).await;
    let back = page.headers["location"].to_str().unwrap();
    assert_eq!((page.status, back.trim_end_matches('?')), (302, "http://localhost:3000/models"));
    assert!(house.reviewer().opens("/models").await.body.contains("It was unloaded by hand."));
}
