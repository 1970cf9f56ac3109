//! Files for the browser, out of the program itself.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::borrow::Cow;

/// The files of the site: its package of wasm, script and style, and the public ones.
#[derive(Clone)]
pub struct Assets {
    get: fn(&str) -> Option<Cow<'static, [u8]>>,
    version: String,
}

impl Assets {
    /// `get` finds a file by its path without the leading slash, and the same compressed under that path with `.br` after
    /// it, where there is such a one; `version` is another one whenever any of them changes.
    pub fn new(get: fn(&str) -> Option<Cow<'static, [u8]>>, version: String) -> Self {
        Self { get, version }
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file at this path. The browser keeps it, and asks each time whether it is still the same.
    pub fn respond(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let path = path.trim_start_matches('/');
        let plain = (self.get)(path)?;
        let compressed = if takes_brotli(headers) { (self.get)(&format!("{path}.br")) } else { None };
        // Either form has a tag of its own, so that no cache gives one for the other.
        let etag = format!("\"{}{}\"", self.version, if compressed.is_some() { "-br" } else { "" });
        let caching = [
            (header::ETAG, etag.clone()),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
            (header::VARY, "accept-encoding".to_owned()),
        ];
        if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == etag.as_bytes()) {
            return Some((StatusCode::NOT_MODIFIED, caching).into_response());
        }
        let kind = [(header::CONTENT_TYPE, mime_guess::from_path(path).first_or_octet_stream().to_string())];
        Some(match compressed {
            Some(bytes) => {
                let encoding = [(header::CONTENT_ENCODING, "br")];
                (caching, kind, encoding, Body::from(bytes.into_owned())).into_response()
            }
            None => (caching, kind, Body::from(plain.into_owned())).into_response(),
        })
    }
}

/// Whether the client names Brotli and does not forbid it. All browsers do, over loopback and TLS.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let mut codings = named.flat_map(|it| it.split(',')).map(|it| it.split(';').map(str::trim));
    codings.any(|mut coding| coding.next() == Some("br") && !coding.any(|weight| matches!(weight, "q=0" | "q=0.0")))
}

/// A file of the package; asked for with this version in the query, it never changes.
pub async fn package(State(assets): State<Assets>, request: Request) -> Response {
    let Some(mut file) = assets.respond(request.uri().path(), request.headers()) else {
        return (StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    if request.uri().query().is_some_and(|it| it == format!("v={}", assets.version)) {
        let for_good = header::HeaderValue::from_static("public, max-age=31536000, immutable");
        file.headers_mut().insert(header::CACHE_CONTROL, for_good);
    }
    file
}

#[cfg(test)]
mod tests;
