use super::*;

fn assets() -> Assets {
    let get = |path: &str| match path {
        "pkg/a.js" => Some(Cow::from(b"plain".as_slice())),
        "pkg/a.js.br" => Some(Cow::from(b"small".as_slice())),
        "b.svg" => Some(Cow::from(b"<svg/>".as_slice())),
        _ => None,
    };
    Assets::new(get, "7".into())
}

fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), header::HeaderValue::from_static(value))).collect()
}

/// What a client that accepts these encodings is sent: the body, and how it is encoded.
async fn sent(path: &str, accepted: &'static str) -> (String, Option<String>) {
    let response = assets().respond(path, &headers(&[(header::ACCEPT_ENCODING, accepted)])).unwrap();
    assert_eq!(response.headers()[header::VARY], "accept-encoding");
    let encoding = response.headers().get(header::CONTENT_ENCODING).map(|it| it.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), encoding)
}

#[tokio::test]
async fn the_compressed_form_goes_to_those_who_take_it() {
    let small = ("small".to_owned(), Some("br".to_owned()));
    let plain = ("plain".to_owned(), None);
    assert_eq!(sent("/pkg/a.js", "gzip, deflate, br").await, small);
    assert_eq!(sent("/pkg/a.js", "br;q=0.5").await, small);
    assert_eq!(sent("/pkg/a.js", "gzip, br;q=0").await, plain);
    assert_eq!(sent("/pkg/a.js", "gzip, brotli").await, plain);
    assert_eq!(sent("/b.svg", "br").await, ("<svg/>".to_owned(), None));
    assert!(assets().respond("/nothing", &HeaderMap::new()).is_none());
}

#[test]
fn each_form_is_known_again_by_its_own_tag() {
    let status = |tag, accepted| {
        let headers = headers(&[(header::IF_NONE_MATCH, tag), (header::ACCEPT_ENCODING, accepted)]);
        assets().respond("pkg/a.js", &headers).unwrap().status()
    };
    assert_eq!(status("\"7-br\"", "br"), StatusCode::NOT_MODIFIED);
    assert_eq!(status("\"7\"", "gzip"), StatusCode::NOT_MODIFIED);
    assert_eq!(status("\"7\"", "br"), StatusCode::OK);
}
