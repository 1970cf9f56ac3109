//! The models as clients list them.

use super::error::Error;
use domain::{ModelCard, ModelId};
use lab::Models;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, ToSchema)]
pub struct Model {
    id: String,
    object: &'static str,
    /// Nobody knows when a folder of weights was made, so this is 0.
    created: u64,
    owned_by: &'static str,
}

impl ModelList {
    /// Those that can answer.
    pub fn of(models: &Models) -> Self {
        let ready = models.cards().into_iter().filter(ModelCard::is_ready);
        Self { object: "list", data: ready.map(|card| Model::of(card.id)).collect() }
    }
}

impl Model {
    pub fn find(models: &Models, id: &str) -> Result<Self, Error> {
        super::order::hosted(models, id)?;
        Ok(Self::of(ModelId(id.to_owned())))
    }

    fn of(id: ModelId) -> Self {
        Self { id: id.0, object: "model", created: 0, owned_by: "plumbline" }
    }
}
