//! A body as a client sent it: JSON of which every field is known, and whose faults are told with the field's name.

use super::{error::Error, neutral};
use crate::limits::Door;
use axum::body::{Body, Bytes, HttpBody as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::{
    PartialSchema,
    openapi::{RefOr, schema::Schema},
};

/// The fields of a body. Null is as good as nothing.
pub struct Sent(Value);

/// A body that takes longer is given up, so that slow ones do not hold the room of others.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

impl Sent {
    /// Reads a body of bounded length in bounded time, and hands what it says over to be made into an order, away from
    /// the threads that serve others.
    pub async fn receive<T: Send + 'static>(
        door: &Door,
        body: Body,
        make: impl FnOnce(Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let n_bytes_max = door.limits().body_bytes_max;
        let n_bytes = announced_bytes(&body).unwrap_or(n_bytes_max);
        if n_bytes > n_bytes_max {
            return Err(Error::body_too_large(n_bytes_max));
        }
        let room = door.room_for_body(n_bytes).map_err(|full| Error::full(full, 1))?;
        let bytes = read(body, n_bytes).await?;
        door.work(move || {
            let made = Self::parse(&bytes).and_then(make);
            drop(room);
            made
        })
        .await
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        // The parser bounds the depth itself.
        let fields: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|err| Error::unreadable(format!("the body is no request: {err}")))?;
        Ok(Self(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()))
    }

    /// Refuses fields that are not known, and neutral ones whose value is not.
    pub fn check(&self, known: &Known) -> Result<(), Error> {
        let fields = self.0.as_object().expect("it was made of one");
        for (name, value) in fields {
            if !known.names.contains(name) {
                neutral::check(name, value)?;
            }
        }
        match known.required.iter().find(|it| !fields.contains_key(*it)) {
            Some(name) => Err(Error::invalid(name, format!("“{name}” is missing"))),
            None => Ok(()),
        }
    }

    /// The fields of `T`, whatever else there is.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_path_to_error::deserialize(&self.0).map_err(|err| {
            let path = err.path().to_string();
            Error::invalid(&path, format!("{path}: {}", err.inner()))
        })
    }
}

/// By the header that tells a body's length, where there is one.
fn announced_bytes(body: &Body) -> Option<usize> {
    body.size_hint().upper().map(|it| usize::try_from(it).unwrap_or(usize::MAX))
}

async fn read(body: Body, n_bytes_max: usize) -> Result<Bytes, Error> {
    let bytes = tokio::time::timeout(BODY_TIME_MAX, axum::body::to_bytes(body, n_bytes_max)).await;
    let bytes = bytes.map_err(|_| Error::body_too_slow())?;
    // The other way to fail, a broken connection, has nobody left to be told.
    bytes.map_err(|_| Error::body_too_large(n_bytes_max))
}

/// The fields that a body may have, as its documentation has them: what is not documented is refused.
pub struct Known {
    names: Vec<String>,
    required: Vec<String>,
}

impl Known {
    pub fn of<A: PartialSchema, B: PartialSchema>() -> Self {
        let mut known = Self { names: Vec::new(), required: Vec::new() };
        for schema in [A::schema(), B::schema()] {
            let RefOr::T(Schema::Object(object)) = schema else { unreachable!("a struct of fields is an object") };
            known.names.extend(object.properties.into_keys());
            known.required.extend(object.required);
        }
        known
    }
}
