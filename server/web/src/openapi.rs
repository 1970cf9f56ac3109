//! The API's own description, made of the very types that are read and written, and a page on which to try it.

use crate::security;
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use leptos::nonce::Nonce;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::Config;

/// The document before any route is in it.
pub fn document() -> OpenApi {
    let mut info = Info::new("Plumbline", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Ask the hosted models as one asks OpenAI's. Whatever is not described here is refused, never passed over."
            .into(),
    );
    OpenApiBuilder::new().info(info).build()
}

/// The document as it is served.
pub async fn json(document: Arc<OpenApi>) -> Json<Arc<OpenApi>> {
    Json(document)
}

/// The page that shows the document. Its scripts are those of Swagger UI, which come with the program.
pub async fn page() -> impl IntoResponse {
    let nonce = Nonce::new().to_string();
    let html = include_str!("openapi/page.html").replace("{nonce}", &nonce);
    ([(header::CONTENT_SECURITY_POLICY, security::own_scripts_policy(&nonce))], Html(html))
}

/// A file of Swagger UI.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let file = utoipa_swagger_ui::serve(&name, CONFIG.clone()).ok().flatten();
    let Some(file) = file else { return (StatusCode::NOT_FOUND, "there is no such file").into_response() };
    let caching = [(header::ETAG, ETAG), (header::CACHE_CONTROL, "no-cache")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it == ETAG) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response()
}

/// The files change with the program only.
const ETAG: &str = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");

/// For a file of theirs that is not used here.
static CONFIG: LazyLock<Arc<Config<'_>>> = LazyLock::new(|| Arc::new(Config::from("/api/openapi.json")));
