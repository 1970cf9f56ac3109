use crate::support::{House, four};
use axum::{
    body::Body,
    http::{Method, Request, header},
};

/// Every route that changes something.
const POSTS: [&str; 6] =
    ["/api/compare", "/api/stop", "/api/resume", "/api/reveal", "/api/label", "/v1/chat/completions"];

#[tokio::test]
async fn another_sites_page_cannot_post() {
    let house = House::with(&four()).await;
    for path in POSTS {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")] {
            let request = Request::post(path)
                .header(header::HOST, "localhost:3000")
                .header(name, value)
                .header(header::CONTENT_TYPE, "text/plain");
            let page = house.reviewer().sends(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(page.status, 403, "{path} with {name}: {value}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_not_this_machines_is_turned_away() {
    let house = House::with(&four()).await;
    for (host, status) in [("localhost:3000", 200), ("127.0.0.1:3000", 200), ("evil.example:3000", 421)] {
        let request = Request::get("/").header(header::HOST, host).body(Body::empty()).unwrap();
        assert_eq!(house.reviewer().sends(request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_body_beyond_measure_is_refused() {
    let house = House::with(&four()).await;
    let request = Request::builder().method(Method::POST).uri("/v1/chat/completions");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let page = house.reviewer().sends(request.body(Body::from(vec![b' '; 2 << 20])).unwrap()).await;
    assert!((400..500).contains(&page.status), "{}", page.status);
}

#[tokio::test]
async fn every_answer_carries_the_guarding_headers() {
    let house = House::with(&four()).await;
    for path in ["/", "/healthz", "/nowhere", "/v1/models"] {
        let headers = house.reviewer().opens(path).await.headers;
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
    }
}
