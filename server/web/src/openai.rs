//! The API in OpenAI's shapes, for other people's programs: clients, evaluation harnesses, scripts.
//!
//! A field that would change the answer is obeyed or refused, never passed over.

mod chat;
mod completions;
mod error;
mod logprobs;
mod models;
mod neutral;
mod options;
mod order;
mod reply;
mod sent;

use crate::{
    AppState,
    limits::{Knock, Limits, Visit},
};
use axum::{
    Json,
    extract::{Path, Request, State},
    response::Response,
};
use chat::{ChatChoice, ChatRequest};
use completions::{CompletionRequest, TextChoice};
use error::{Error, ErrorBody};
use lab::{Lab, Models};
use models::{Model, ModelList};
use order::Order;
use reply::{Completion, Wire};
use sent::Sent;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes under `/v1`, with their documentation.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_models))
        .routes(routes!(find_model))
        .routes(routes!(chat_completions))
        .routes(routes!(completions))
}

/// The models that can answer
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", responses((status = 200, body = ModelList)))]
async fn list_models(State(lab): State<Lab>) -> Json<ModelList> {
    Json(ModelList::of(lab.models()))
}

/// One model
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "OpenAI",
    params(("id" = String, Path, description = "As `/v1/models` lists it.")),
    responses((status = 200, body = Model), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)),
)]
async fn find_model(State(lab): State<Lab>, Path(id): Path<String>) -> Result<Json<Model>, Error> {
    Ok(Json(Model::find(lab.models(), &id)?))
}

/// Answers to a conversation
///
/// With `stream: true` they come as an event stream of `chat.completion.chunk` objects, ended by `[DONE]`; a failure on the
/// way is an event with an `error`. A client that leaves ends its answers within one step.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "OpenAI", request_body = ChatRequest,
    responses(
        (status = 200, content((Completion<ChatChoice> = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", body = ErrorBody, description = "The request is wrong, or the client has too many in hand."),
        (status = "5XX", body = ErrorBody, description = "An answer failed, or the server has no room."),
    ),
)]
async fn chat_completions(State(state): State<AppState>, knock: Knock, request: Request) -> Result<Response, Error> {
    complete(state, knock, request, chat::order).await
}

/// What follows a text, and how likely it is
///
/// Texts and tokens are taken as they are, without a chat template. With `echo`, `logprobs` and `max_tokens: 0` a given text
/// is scored. Streams as chat completions do, with objects of the shape of the whole response.
#[utoipa::path(
    post, path = "/v1/completions", tag = "OpenAI", request_body = CompletionRequest,
    responses(
        (status = 200, content((Completion<TextChoice> = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", body = ErrorBody, description = "The request is wrong, or the client has too many in hand."),
        (status = "5XX", body = ErrorBody, description = "An answer failed, or the server has no room."),
    ),
)]
async fn completions(State(state): State<AppState>, knock: Knock, request: Request) -> Result<Response, Error> {
    complete(state, knock, request, completions::order).await
}

type ReadOrder<W> = fn(&Sent, &Models, &Limits) -> Result<(Order, W), Error>;

async fn complete<W: Wire>(
    state: AppState,
    Knock(knock): Knock,
    request: Request,
    read: ReadOrder<W>,
) -> Result<Response, Error> {
    // Before a model is named, all engines together tell how much there is to do.
    let full = |full| Error::full(full, state.door.retry_after_s(state.lab.models().load()));
    let mut visit: Visit = knock.map_err(full)?;
    let (lab, limits) = (state.lab.clone(), *state.door.limits());
    let make = move |sent: Sent| read(&sent, lab.models(), &limits);
    let (order, wire) = Sent::receive(&state.door, request.into_body(), make).await?;
    visit.hold(order.n_answers()).map_err(full)?;
    reply::respond(&order, wire, visit).await
}

/// Anything else under `/v1`.
pub async fn no_such_route() -> Error {
    Error::no_such_route()
}
