//! Whether the server lives, for those who watch over it.

use axum::{Json, extract::State};
use domain::ModelState;
use lab::Lab;
use serde::Serialize;

#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    version: &'static str,
    models: ModelCounts,
    /// Answers that are being written, and answers that wait for their turn.
    n_running: u32,
    n_waiting: u32,
}

#[derive(Default, Serialize)]
struct ModelCounts {
    ready: u32,
    loading: u32,
    failed: u32,
}

pub async fn healthz(State(lab): State<Lab>) -> Json<Health> {
    let mut models = ModelCounts::default();
    for card in lab.models().cards() {
        *match card.state {
            ModelState::Ready { .. } => &mut models.ready,
            ModelState::Loading => &mut models.loading,
            ModelState::Failed(_) => &mut models.failed,
        } += 1;
    }
    let load = lab.models().load();
    let (n_running, n_waiting) = (load.n_running, load.n_waiting);
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), models, n_running, n_waiting })
}
