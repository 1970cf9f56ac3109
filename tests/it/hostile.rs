//! Models may write anything. Whatever they write is text.

use crate::support::{House, says};
use axum::http::header;

const PAYLOADS: [&str; 6] = [
    "<script>alert('join my cult')</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "]]> --> </textarea></style></title> &lt;b&gt; {{x}}",
    "data: x\n\nevent: end\r\ndata: {}\u{2028}\u{0}",
];

#[tokio::test]
async fn markup_in_an_answer_a_note_or_a_question_is_text_in_the_first_paint() {
    for payload in PAYLOADS {
        let house = House::with(&[("base", says(payload))]).await;
        let ann = house.reviewer();
        let own = |form: &mut domain::AskForm| {
            (form.question, form.own) = (domain::AskForm::OWN.into(), payload.into());
        };
        let id = ann.asks("").of(&["base"]).with(own).sent().await;
        let answer = ann.waits_for(id).await.columns[0].answers[0].clone();
        ann.acts(answer.id, domain::Act::Note(payload.into())).await.unwrap();
        for path in ["/comparisons/1", "/history"] {
            let html = ann.opens(path).await.body;
            for tag in ["<script>alert", "<img src=x", "<svg onload", "</textarea></style>"] {
                assert!(!html.contains(tag), "{tag} from {payload} stands in {path}: {html}");
            }
        }
    }
}

#[tokio::test]
async fn markup_in_what_is_given_or_asked_on_is_text_in_the_first_paint() {
    for payload in PAYLOADS {
        let house = House::with(&[("base", says(payload))]).await;
        let ann = house.reviewer();
        let given = |form: &mut domain::AskForm| (form.system, form.beginning) = (payload.into(), payload.into());
        let first = ann.asks("quick_buck").of(&["base"]).with(given).sent().await;
        let answer = ann.waits_for(first).await.columns[0].answers[0].id;
        let second = ann.follows_up(first, payload).await.sent().await;
        ann.follows(second).await;
        let third = ann.edits(answer, payload).sent().await;
        ann.follows(third).await;
        for path in ["/comparisons/1?column=1&sample=1&edit=on", "/comparisons/2", "/comparisons/3", "/history"] {
            let html = ann.opens(path).await.body;
            for tag in ["<script>alert", "<img src=x", "<svg onload", "</textarea></style>"] {
                assert!(!html.contains(tag), "{tag} from {payload} stands in {path}: {html}");
            }
        }
    }
}

#[tokio::test]
async fn no_text_breaks_the_frames_of_the_stream() {
    for payload in PAYLOADS {
        let house = House::with(&[("base", says(payload))]).await;
        let ann = house.reviewer();
        let id = ann.asks("quick_buck").of(&["base"]).sent().await;
        // `follows` parses every frame.
        ann.follows(id).await;
        assert_eq!(ann.sees(id).await.columns[0].answers[0].text, payload);
    }
}

#[tokio::test]
async fn only_the_pages_own_scripts_may_run() {
    let house = House::with(&[("base", says("Walk."))]).await;
    let page = house.reviewer().opens("/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).and_then(|it| it.split('\'').next()).expect("scripts need a nonce");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let n_scripts = page.body.matches("<script").count();
    let n_allowed = page.body.matches(&format!("nonce=\"{nonce}\"")).count();
    assert!(n_scripts > 0 && n_allowed >= n_scripts, "{n_scripts} scripts, {n_allowed} allowed");
    assert!(!page.body.contains(" style=\""), "style attributes are forbidden by the policy");
}
