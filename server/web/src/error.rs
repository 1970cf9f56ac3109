//! The one place where a failure is logged, given its status and stripped of what people need not know.

use app::ApiError;
use axum::{
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// What a failure of the laboratory means to the browser.
pub fn api_error(err: lab::Error) -> ApiError {
    match err {
        lab::Error::Ask(err) => ApiError::Ask(err),
        lab::Error::Busy => ApiError::Busy,
        lab::Error::Store(store::Error::NoComparison(_) | store::Error::NoAnswer(_) | store::Error::NoRun(_)) => {
            ApiError::NotFound
        }
        lab::Error::Store(store::Error::Refused(reason)) => ApiError::Refused(reason),
        lab::Error::Store(err) => {
            tracing::error!(error = %err, "a request failed");
            ApiError::Internal
        }
    }
}

/// Sends a server function's result on, with the status that goes with it.
pub fn reply<T>(result: Result<T, lab::Error>) -> Result<T, ApiError> {
    result.map_err(api_error).inspect_err(|err| {
        // A form sent without a script is led back to its page, which shows the error; a status would end the way there.
        if !is_plain_form() {
            set_status(status(err).as_u16());
        }
    })
}

fn is_plain_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| {
        let accepts = parts.headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
        parts.method == Method::POST && accepts.contains("text/html")
    })
}

/// Sets the status of the page or server function that is being answered.
pub fn set_status(status: u16) {
    if let (Some(options), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
        options.set_status(status);
    }
}

fn status(err: &ApiError) -> StatusCode {
    match err {
        ApiError::Ask(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ApiError::NotFound => StatusCode::NOT_FOUND,
        ApiError::Refused(_) => StatusCode::CONFLICT,
        ApiError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ApiError::Internal | ApiError::Transport(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A failure outside of pages and server functions, as plain text.
pub struct Error(lab::Error);

impl From<lab::Error> for Error {
    fn from(err: lab::Error) -> Self {
        Self(err)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let err = api_error(self.0);
        (status(&err), err.to_string()).into_response()
    }
}
