//! The one event stream of a page: the comparison whole, then its pieces, then the end; or the registry of models, or a run.

use crate::error::Error;
use axum::{
    extract::{Path, State},
    response::{
        AppendHeaders, IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::{Comparison, ComparisonId, LiveEvent, RunId};
use futures::{Stream, StreamExt as _, stream};
use lab::{Lab, Watcher};
use serde::Serialize;
use std::{convert::Infallible, time::Duration};

/// Time between two events to one reader; what comes in between is joined. 30 a second is as often as eyes can follow.
const FRAME: Duration = Duration::from_millis(33);

/// Time between two states of the registry: figures that are read, not text that flows.
const REGISTRY_FRAME: Duration = Duration::from_millis(200);

/// Time between two states of a run, which may have thousands of cells.
const RUN_FRAME: Duration = Duration::from_millis(500);

pub async fn events(State(lab): State<Lab>, Path(id): Path<i64>) -> Result<impl IntoResponse, Error> {
    let id = ComparisonId(id);
    let events = match lab.watch(id) {
        Some(watcher) => follow(watcher).left_stream(),
        None => kept(lab.comparison(id).await?).right_stream(),
    };
    Ok(sent(events))
}

/// The registry of models, whole with each event: it is small.
pub async fn registry(State(lab): State<Lab>) -> impl IntoResponse {
    sent(stream::unfold((lab.watch_registry(), false), |(mut watcher, has_begun)| async move {
        if has_begun {
            tokio::time::sleep(REGISTRY_FRAME).await;
        }
        let registry = watcher.next().await?;
        Some((registry, (watcher, true)))
    }))
}

/// A run, whole with each event, then the end.
pub async fn run(State(lab): State<Lab>, Path(id): Path<i64>) -> Result<impl IntoResponse, Error> {
    let watcher = lab.watch_run(RunId(id)).await?;
    Ok(sent(stream::unfold((watcher, false), |(mut watcher, has_begun)| async move {
        if has_begun && !watcher.has_end() {
            tokio::time::sleep(RUN_FRAME).await;
        }
        let event = watcher.next().await?;
        Some((event, (watcher, true)))
    })))
}

fn sent<T: Serialize>(events: impl Stream<Item = T> + Send + 'static) -> impl IntoResponse {
    let events = events.map(|event| Ok::<_, Infallible>(Event::default().json_data(event).expect("events serialize")));
    // Proxies that collect a response before they send it on would make a stream of it no longer.
    let unbuffered = AppendHeaders([("x-accel-buffering", "no"), ("cache-control", "no-store")]);
    (unbuffered, Sse::new(events).keep_alive(KeepAlive::default()))
}

/// A comparison in which nothing is to come.
fn kept(comparison: Comparison) -> impl Stream<Item = LiveEvent> {
    stream::iter([LiveEvent::Whole(Box::new(comparison.as_seen())), LiveEvent::End])
}

fn follow(watcher: Watcher) -> impl Stream<Item = LiveEvent> {
    let pieces = stream::unfold((watcher, false), |(mut watcher, has_begun)| async move {
        if has_begun {
            tokio::time::sleep(FRAME).await;
        }
        let event = watcher.next().await?;
        Some((event, (watcher, true)))
    });
    pieces.chain(stream::iter([LiveEvent::End]))
}
