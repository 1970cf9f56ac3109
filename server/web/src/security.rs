//! What guards every request and every answer.

use crate::AppState;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::nonce::use_nonce;
use leptos_axum::ResponseOptions;

/// By which names the server may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// This machine's own only, so that a web site whose name suddenly points here reads nothing.
    Loopback,
    /// Any: the server was told to listen to the network.
    Any,
}

const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Forms sent without a script are led back by it.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Turns away what was called by a strange name, and gives each answer the headers that every one has.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if state.hosts == Hosts::Loopback && !is_called_by_own_name(request.headers()) {
        let reason = "this server answers only to localhost; start it with --listen to serve a network";
        return (StatusCode::MISDIRECTED_REQUEST, reason).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Whatever is not a page needs nothing at all.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'"));
    response
}

fn is_called_by_own_name(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Gives the page being drawn a policy under which only its own scripts run, whatever a model may have written into it.
pub fn allow_own_scripts() {
    let (Some(nonce), Some(options)) = (use_nonce(), leptos::prelude::use_context::<ResponseOptions>()) else { return };
    options.insert_header(header::CONTENT_SECURITY_POLICY, own_scripts_policy(&nonce));
}

/// Only scripts with this nonce run, and only this server is spoken to.
pub fn own_scripts_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("a nonce is plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_are_loopback_and_nothing_that_looks_like_it() {
        let check = |host: &str, own| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            assert_eq!(is_called_by_own_name(&headers), own, "{host}");
        };
        for own in ["localhost", "localhost:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3000"] {
            check(own, true);
        }
        for strange in ["evil.example", "localhost.evil.example:3000", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
            check(strange, false);
        }
    }
}
