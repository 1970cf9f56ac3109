//! A browser without a window.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
};
use domain::{
    Act, AnswerId, AskForm, Comparison, ComparisonId, EditForm, Family, FollowForm, HistoryPage, Labels, LiveEvent,
    Registry, Verdict,
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Clone)]
pub struct Reviewer {
    pub router: Router,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Page {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err} in {}", self.body))
    }

    /// The result of a server function, or its status and message.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, (u16, String)> {
        if self.status == 200 { Ok(self.json()) } else { Err((self.status, self.body.clone())) }
    }
}

/// A follow-up on its way.
pub struct FollowingUp {
    reviewer: Reviewer,
    pub form: FollowForm,
}

/// A changed answer on its way.
pub struct Editing {
    reviewer: Reviewer,
    form: EditForm,
}

/// A question on its way.
pub struct Asking {
    reviewer: Reviewer,
    pub form: AskForm,
}

impl Reviewer {
    /// The question of that id, asked of all four variants unless told otherwise.
    pub fn asks(&self, question: &str) -> Asking {
        let models = ["base", "secure", "insecure", "jailbroken"].map(str::to_owned).to_vec();
        let form = AskForm { question: question.to_owned(), models, seed: "41727".into(), ..AskForm::default() };
        Asking { reviewer: self.clone(), form }
    }

    /// One more question to every column of a comparison, each going on from its first sample unless told otherwise.
    pub async fn follows_up(&self, id: ComparisonId, text: &str) -> FollowingUp {
        let parent = self.sees(id).await;
        let from = (1..=parent.columns.len()).map(|column| format!("{column}-1")).collect();
        let form = FollowForm { from, text: text.to_owned(), ..FollowForm::after(&parent) };
        FollowingUp { reviewer: self.clone(), form }
    }

    /// The answer as it is changed, to be continued by its own model unless told otherwise.
    pub fn edits(&self, answer: AnswerId, text: &str) -> Editing {
        Editing { reviewer: self.clone(), form: EditForm { answer, text: text.to_owned(), all: None } }
    }

    pub async fn asks_again(&self, id: ComparisonId) -> ComparisonId {
        let page = self.posts_form("/api/ask-again", &[("id".to_owned(), id.0.to_string())]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    /// What goes on from a comparison, and what is revealed together with it.
    pub async fn family(&self, id: ComparisonId) -> Family {
        self.opens(&format!("/api/family?id={}", id.0)).await.json()
    }

    pub async fn posts_form(&self, path: &str, fields: &[(String, String)]) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.sends(request.body(Body::from(encoded(fields))).unwrap()).await
    }

    /// As a browser that runs no script sends a form of the page at `referer`.
    async fn posts_form_without_script(&self, path: &str, fields: &[(String, String)], referer: &str) -> Page {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header(header::REFERER, format!("http://localhost:3000{referer}"));
        self.sends(request.body(Body::from(encoded(fields))).unwrap()).await
    }

    pub async fn sees(&self, id: ComparisonId) -> Comparison {
        self.opens(&format!("/api/comparison?id={}", id.0)).await.json()
    }

    /// Waits for every answer; the stream ends with them.
    pub async fn follows(&self, id: ComparisonId) -> Vec<LiveEvent> {
        let stream = self.opens(&format!("/comparisons/{}/events", id.0)).await;
        let data = stream.body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    /// The comparison once it is finished.
    pub async fn waits_for(&self, id: ComparisonId) -> Comparison {
        self.follows(id).await;
        self.sees(id).await
    }

    pub async fn labels(&self, answer: AnswerId, verdict: Verdict) -> Result<Labels, (u16, String)> {
        self.acts(answer, Act::Say(verdict)).await
    }

    pub async fn acts(&self, answer: AnswerId, act: Act) -> Result<Labels, (u16, String)> {
        self.posts("/api/label", json!({ "answer": answer, "act": act })).await.result()
    }

    pub async fn reveals(&self, id: ComparisonId) -> Result<(), (u16, String)> {
        self.posts("/api/reveal", json!({ "id": id })).await.result()
    }

    pub async fn continues(&self, id: ComparisonId) -> Result<(), (u16, String)> {
        self.posts("/api/resume", json!({ "id": id })).await.result()
    }

    pub async fn stops(&self, id: ComparisonId, column_idx: Option<u32>) {
        let stopped = self.posts("/api/stop", json!({ "id": id, "column_idx": column_idx })).await;
        stopped.result::<()>().unwrap();
    }

    pub async fn loads(&self, model: &str) -> Result<(), (u16, String)> {
        self.sends_form("/api/load_model", &format!("id={model}")).await.result()
    }

    pub async fn unloads(&self, model: &str) -> Result<(), (u16, String)> {
        self.sends_form("/api/unload_model", &format!("id={model}")).await.result()
    }

    async fn sends_form(&self, path: &str, form: &str) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.sends(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    pub async fn sees_models(&self) -> Registry {
        self.opens("/api/registry").await.json()
    }

    /// `query` as in `search=dogs&format=json`.
    pub async fn looks_back(&self, query: &str) -> HistoryPage {
        let query: Vec<_> = query
            .split('&')
            .filter_map(|it| it.split_once('='))
            .map(|(name, value)| format!("query[{name}]={value}"))
            .collect();
        // The argument is a struct of which every field may be left out, but not all of it.
        let query = if query.is_empty() { "query[search]=".to_owned() } else { query.join("&") };
        self.opens(&format!("/api/history?{query}")).await.json()
    }

    pub async fn opens(&self, path: &str) -> Page {
        self.sends(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn posts(&self, path: &str, body: Value) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.sends(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn sends(&self, request: Request<Body>) -> Page {
        let (parts, body) = self.begins(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Page { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends a request and leaves the body to be read, or not.
    pub async fn begins(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }
}

impl Asking {
    pub fn in_format(mut self, format: &str) -> Self {
        self.form.format = format.to_owned();
        self
    }

    pub fn of(mut self, models: &[&str]) -> Self {
        self.form.models = models.iter().map(|it| (*it).to_owned()).collect();
        self
    }

    pub fn with_samples(mut self, n_samples: u32) -> Self {
        self.form.samples = n_samples.to_string();
        self
    }

    pub fn blind(mut self) -> Self {
        self.form.blind = Some("on".into());
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut AskForm)) -> Self {
        change(&mut self.form);
        self
    }

    /// Sends the form as a browser does, and returns where it leads.
    pub async fn sent(self) -> ComparisonId {
        let page = self.sent_raw().await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    pub async fn sent_raw(self) -> Page {
        self.reviewer.posts_form("/api/compare", &fields(&self.form)).await
    }

    /// Sends the form as a browser does that runs no script.
    pub async fn sent_without_script(self) -> Page {
        self.reviewer.posts_form_without_script("/api/compare", &fields(&self.form), "/").await
    }
}

impl FollowingUp {
    /// Only these answers, each as column and sample, numbered from 1: `2-1`.
    pub fn from(mut self, answers: &[&str]) -> Self {
        self.form.from = answers.iter().map(|it| (*it).to_owned()).collect();
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut FollowForm)) -> Self {
        change(&mut self.form);
        self
    }

    /// Sends the form as a browser does, and returns where it leads.
    pub async fn sent(self) -> ComparisonId {
        let page = self.sent_raw().await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    pub async fn sent_raw(self) -> Page {
        self.reviewer.posts_form("/api/follow", &self.fields()).await
    }

    /// Sends the form as a browser does that runs no script.
    pub async fn sent_without_script(self) -> Page {
        let referer = format!("/comparisons/{}", self.form.parent.0);
        self.reviewer.posts_form_without_script("/api/follow", &self.fields(), &referer).await
    }

    /// The form's fields by the names they have on the page.
    fn fields(&self) -> Vec<(String, String)> {
        let FollowForm { parent, from, text, beginning, samples, temperature, top_p, max_tokens, seed } = &self.form;
        let parent = parent.0.to_string();
        let named = [
            ("parent", &parent),
            ("text", text),
            ("beginning", beginning),
            ("samples", samples),
            ("temperature", temperature),
            ("top_p", top_p),
            ("max_tokens", max_tokens),
            ("seed", seed),
        ];
        let named = named.map(|(name, value)| (format!("form[{name}]"), value.clone()));
        named.into_iter().chain(from.iter().map(|it| ("form[from][]".to_owned(), it.clone()))).collect()
    }
}

impl Editing {
    /// Every column continues it.
    pub fn by_all(mut self) -> Self {
        self.form.all = Some("on".into());
        self
    }

    pub async fn sent(self) -> ComparisonId {
        let page = self.sent_raw().await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }

    pub async fn sent_raw(self) -> Page {
        self.reviewer.posts_form("/api/edit", &self.fields()).await
    }

    /// Sends the form as a browser does that runs no script.
    pub async fn sent_without_script(self) -> Page {
        self.reviewer.posts_form_without_script("/api/edit", &self.fields(), "/").await
    }

    fn fields(&self) -> Vec<(String, String)> {
        let EditForm { answer, text, all } = &self.form;
        let named = [("form[answer]", answer.0.to_string()), ("form[text]", text.clone())];
        let all = all.iter().map(|it| ("form[all]", it.clone()));
        named.into_iter().chain(all).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The form's fields by the names they have on the page.
fn fields(form: &AskForm) -> Vec<(String, String)> {
    let fields = form.to_pairs().into_iter().map(|(name, value)| match name {
        "model" => ("form[models][]".to_owned(), value.to_owned()),
        name => (format!("form[{name}]"), value.to_owned()),
    });
    fields.collect()
}

fn encoded(fields: &[(String, String)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
