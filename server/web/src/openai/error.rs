//! Failures in OpenAI's shape, with the statuses, types and codes by which its clients tell them apart.

use crate::limits::Full;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{Refused, RenderError};
use lab::Absent;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct Error {
    #[serde(skip)]
    status: StatusCode,
    /// When it may be worth to try again.
    #[serde(skip)]
    retry_after_s: Option<u64>,
    /// A sentence for people.
    message: String,
    /// `invalid_request_error`, `rate_limit_error` or `server_error`.
    r#type: &'static str,
    /// The field that is wrong.
    param: Option<String>,
    code: Option<&'static str>,
}

impl Error {
    fn new(status: StatusCode, r#type: &'static str, message: impl Into<String>) -> Self {
        Self { status, retry_after_s: None, message: message.into(), r#type, param: None, code: None }
    }

    fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn retry_after_s(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The request is wrong; `param` names the field.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::unreadable(message) }
    }

    /// The request is wrong as a whole.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// A field that this server does not know or does not support: refused rather than passed over.
    pub fn unsupported(param: &str) -> Self {
        Self::invalid(param, format!("the parameter “{param}” is not supported by this server"))
            .with_code("unsupported_parameter")
    }

    /// A field that is here for the sake of clients which send it, with a value that would mean something.
    pub fn unsupported_value(param: &str, supported: &str) -> Self {
        Self::invalid(param, format!("this server supports no other value of “{param}” than {supported}"))
            .with_code("unsupported_value")
    }

    pub fn too_long(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(param, message).with_code("context_length_exceeded")
    }

    pub fn body_too_large(n_bytes_max: usize) -> Self {
        let message = format!("the body is larger than {n_bytes_max} bytes");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::unreadable(message) }.with_code("request_too_large")
    }

    pub fn body_too_slow() -> Self {
        Self { status: StatusCode::REQUEST_TIMEOUT, ..Self::unreadable("the body did not arrive in time") }
    }

    pub fn no_such_model(id: &str) -> Self {
        let message = format!("the model “{id}” does not exist; /v1/models lists those that do");
        Self { status: StatusCode::NOT_FOUND, ..Self::invalid("model", message) }.with_code("model_not_found")
    }

    /// The model is known but cannot answer, now or at all; a sentence says why.
    fn model_not_ready(reason: String) -> Self {
        Self { param: Some("model".into()), ..Self::unavailable(reason) }.with_code("model_not_ready").retry_after_s(5)
    }

    pub fn no_such_route() -> Self {
        let message = "there is no such route; /api lists those that there are";
        Self { status: StatusCode::NOT_FOUND, ..Self::unreadable(message) }
    }

    /// The answer failed on its way.
    pub fn failed(message: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
    }

    fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message)
    }

    /// There is no place at the door.
    pub fn full(full: Full, retry_after_s: u64) -> Self {
        match full {
            Full::Share => {
                let message = "you have as many answers in hand as one client may; wait until some are finished";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", message).with_code("rate_limit_exceeded")
            }
            Full::House => Self::unavailable("the server has too many requests in hand").with_code("server_overloaded"),
        }
        .retry_after_s(retry_after_s)
    }

    /// An engine did not take a request whose prompt came in the field `param`.
    pub fn refused(refused: &Refused, param: &str, retry_after_s: u64) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Busy => Self::unavailable(message).with_code("server_overloaded").retry_after_s(retry_after_s),
            Refused::PromptTooLong { .. } => Self::too_long(param, message),
            Refused::Invalid(_) => Self::unreadable(message),
            Refused::Stopped => Self::unavailable(message),
        }
    }

    /// What came in the field `param` does not become a prompt.
    pub fn unrendered(err: &RenderError, param: &str) -> Self {
        match err {
            RenderError::TooLong => Self::too_long(param, err.to_string()),
            _ => Self::invalid(param, err.to_string()),
        }
    }
}

impl From<Absent> for Error {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Unknown(id) => Self::no_such_model(&id),
            Absent::NotYet { .. } => Self::model_not_ready(format!("{absent}; try again in a moment")),
            Absent::Failed { .. } => Self::model_not_ready(absent.to_string()),
        }
    }
}

/// `{"error": {…}}`, as a body or as an event of a stream.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: Error,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let mut response = (status, Json(ErrorBody { error: self })).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
