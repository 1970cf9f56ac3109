//! HTTP: routes, event streams, the OpenAI-compatible API, and what every answer of the server carries.
//!
//! Knows requests and the words of `domain`; questions are put to `lab`, pages are drawn by `app`.

mod assets;
mod backend;
mod error;
mod events;
mod health;
mod limits;
mod metrics;
mod openai;
mod openapi;
mod security;

pub use assets::Assets;
pub use limits::Limits;
pub use security::Hosts;

use app::{App, BackendHandle, Cookies, GoOn, SetStatus, Site, shell};
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use backend::ReviewerBackend;
use lab::Lab;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use limits::Door;
use metrics::Metrics;
use std::sync::{Arc, LazyLock};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer, trace::TraceLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes stand on.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub lab: Lab,
    pub assets: Assets,
    pub hosts: Hosts,
    pub leptos_options: LeptosOptions,
    door: Door,
    metrics: Metrics,
}

impl AppState {
    pub fn new(lab: Lab, assets: Assets, hosts: Hosts) -> Self {
        let leptos_options = LeptosOptions::builder().output_name("plumbline").build();
        let (door, metrics) = (Door::new(Limits::default()), Metrics::new(lab.clone()));
        Self { lab, assets, hosts, leptos_options, door, metrics }
    }

    /// With other limits on what may be asked of the API.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { door: Door::new(limits), ..self }
    }
}

/// Everything the server answers: what `main` serves and what tests call.
pub fn router(state: AppState) -> Router {
    let context = page_context(&state);
    let site = Site { version: state.assets.version().to_owned() };
    let (documented, document) = documented_routes().split_for_parts();
    let document = Arc::new(document);
    documented
        .route("/api/openapi.json", get(move || openapi::json(document.clone())))
        .route("/api", get(openapi::page))
        .route("/api/swagger/{name}", get(openapi::asset))
        .route("/comparisons/{id}/events", get(events::events))
        .route("/models/events", get(events::registry))
        .route("/runs/{id}/events", get(events::run))
        .route("/v1/{*path}", axum::routing::any(openai::no_such_route))
        .route("/pkg/{*path}", get(assets::package))
        .leptos_routes_with_context(&state, PAGES.clone(), context, move || shell(&site))
        .fallback(file_or_page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::new())
        .layer(CsrfLayer::new())
        .layer(axum::middleware::from_fn_with_state(state.clone(), security::guard))
        .layer(axum::middleware::from_fn_with_state(state.clone(), metrics::measure))
        .layer(CompressionLayer::new())
        // Paths only: a query holds the question that was typed.
        .layer(TraceLayer::new_for_http().make_span_with(
            |request: &Request| tracing::debug_span!("http", method = %request.method(), path = request.uri().path()),
        ))
        .with_state(state)
}

/// What other people's programs may call, written down where it is served.
fn documented_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::document())
        .merge(openai::routes())
        .routes(routes!(health::healthz))
        .routes(routes!(metrics::metrics))
}

/// The routes of the pages. Worked out once: where Leptos does that in one thread while another draws a page, the page now and
/// then never ends, and tests make many routers.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The longest request body: a conversation of some length, and far from what would fill the memory.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What pages and server functions find in their context.
fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let lab = state.lab.clone();
    move || {
        let backend: BackendHandle = Arc::new(ReviewerBackend::new(lab.clone()));
        provide_context(backend);
        provide_context(GoOn(leptos_axum::redirect));
        provide_context(SetStatus(error::set_status));
        provide_context(cookies());
        security::allow_own_scripts();
    }
}

/// What the browser remembers for its user: theme, blur, keys.
fn cookies() -> Cookies {
    let parts = use_context::<Parts>();
    let header = parts.as_ref().and_then(|it| it.headers.get(header::COOKIE)).and_then(|it| it.to_str().ok());
    Cookies(header.unwrap_or_default().to_owned())
}

/// A public file by that name, or the page that says there is nothing here.
async fn file_or_page(State(state): State<AppState>, request: Request) -> Response {
    if let Some(file) = state.assets.respond(request.uri().path(), request.headers()) {
        return file;
    }
    let site = Site { version: state.assets.version().to_owned() };
    let page = leptos_axum::render_app_async_with_context(page_context(&state), move || shell(&site));
    page(request).await.into_response()
}
