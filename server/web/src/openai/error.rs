//! Failures in OpenAI's shape.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::{Refused, RenderError};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Error {
    #[serde(skip)]
    status: StatusCode,
    message: String,
    r#type: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
}

impl Error {
    /// The request is wrong; `param` names the field.
    pub fn invalid(param: impl Into<Option<&'static str>>, message: impl Into<String>) -> Self {
        let param = param.into().map(str::to_owned);
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            r#type: "invalid_request_error",
            param,
            code: None,
        }
    }

    /// A field that this server does not know or does not support: refused rather than passed over.
    pub fn unsupported(param: &str) -> Self {
        let message = format!("the parameter “{param}” is not supported by this server");
        Self { param: Some(param.to_owned()), code: Some("unsupported_parameter"), ..Self::invalid(None, message) }
    }

    pub fn no_such_model(reason: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: Some("model_not_found"), ..Self::invalid("model", reason) }
    }

    pub fn no_such_route() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::invalid(None, "there is no such route; see /v1/models and /v1/chat/completions")
        }
    }

    /// The answer failed on its way.
    pub fn failed(message: String) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, r#type: "server_error", ..Self::invalid(None, message) }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let err = Self::invalid(None, refused.to_string());
        match refused {
            Refused::Busy => Self { status: StatusCode::TOO_MANY_REQUESTS, r#type: "rate_limit_error", ..err },
            Refused::PromptTooLong { .. } => {
                Self { param: Some("messages".into()), code: Some("context_length_exceeded"), ..err }
            }
            Refused::Invalid(_) => err,
            Refused::Stopped => Self { status: StatusCode::SERVICE_UNAVAILABLE, r#type: "server_error", ..err },
        }
    }
}

impl From<RenderError> for Error {
    fn from(err: RenderError) -> Self {
        Self::invalid("messages", err.to_string())
    }
}

/// `{"error": {…}}`, as a body or as an event of a stream.
#[derive(Serialize)]
pub struct ErrorBody {
    pub error: Error,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(ErrorBody { error: self })).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("1"));
        }
        response
    }
}
