//! Chat completions in OpenAI's shapes, for other people's programs.

mod error;
mod request;
mod response;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use engine::Generation;
use error::Error;
use lab::Lab;
use request::{Body, Order};
use response::{ModelList, Reply};

/// `GET /v1/models`: the models that can answer.
pub async fn models(State(lab): State<Lab>) -> Json<ModelList> {
    Json(ModelList::of(lab.models().cards().into_iter().filter(domain::ModelCard::is_ready)))
}

/// `POST /v1/chat/completions`, streamed or not. A client that leaves ends its answers within one step.
pub async fn chat_completions(State(lab): State<Lab>, Body(request): Body) -> Result<Response, Error> {
    let order = Order::read(&request, lab.models())?;
    let generations = order.requests().map(|it| order.engine.generate(it)).collect::<Result<Vec<Generation>, _>>()?;
    let reply = Reply::begin(&order);
    if order.stream {
        return Ok(response::stream(reply, generations).into_response());
    }
    Ok(Json(reply.collect(generations).await?).into_response())
}

/// Anything else under `/v1`.
pub async fn no_such_route() -> Error {
    Error::no_such_route()
}
