//! Whether the server lives, for those who watch over it.

use axum::{Json, extract::State, http::StatusCode};
use domain::ModelState;
use lab::Lab;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `failing` once an engine has died: its models do not answer until the server is started again.
    status: &'static str,
    version: &'static str,
    models: ModelCounts,
    /// Engines that have died.
    n_engines_stopped: u32,
    /// Answers that are being written, and answers that wait for their turn.
    n_running: u32,
    n_waiting: u32,
}

#[derive(Default, Serialize, ToSchema)]
struct ModelCounts {
    ready: u32,
    loading: u32,
    unloaded: u32,
    failed: u32,
}

/// Whether the server lives
#[utoipa::path(
    get, path = "/healthz", tag = "Operation",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "An engine has died.")),
)]
pub async fn healthz(State(lab): State<Lab>) -> (StatusCode, Json<Health>) {
    let mut models = ModelCounts::default();
    for card in lab.models().cards() {
        *match card.state {
            ModelState::Ready { .. } => &mut models.ready,
            ModelState::Queued(_) | ModelState::Loading(_) => &mut models.loading,
            ModelState::Unloaded(_) => &mut models.unloaded,
            ModelState::Failed(_) => &mut models.failed,
        } += 1;
    }
    let load = lab.models().load();
    let n_engines_stopped = lab.models().engines().iter().filter(|it| it.engine.has_stopped()).count() as u32;
    let (code, status) = match n_engines_stopped {
        0 => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    let (n_running, n_waiting) = (load.n_running, load.n_waiting);
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), models, n_engines_stopped, n_running, n_waiting }))
}
