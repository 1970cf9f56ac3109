//! `/metrics`: how the server is doing, in the text format of Prometheus. Numbers only, never a word of a prompt or an answer.
//!
//! Nothing that changes while answers are written is told by model, nor by engine: a model can have an engine of its own,
//! and whoever compares models blind could then see here which of them is writing. What never changes may name them.

use crate::AppState;
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use engine::{Counts, Load, RunnerShape};
use futures::StreamExt as _;
use lab::{HostedEngine, Lab};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet, text::encode},
    metrics::{
        MetricType,
        counter::ConstCounter,
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use std::{fmt, sync::Arc, time::Instant};

/// What is measured on the way. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    /// As the routes have it, so that no path a client makes up becomes a label.
    route: String,
    status: u32,
}

impl Metrics {
    pub fn new(lab: Lab) -> Self {
        let mut registry = Registry::with_prefix("plumbline");
        let requests = Family::new_with_constructor(durations as fn() -> Histogram);
        let about = "Time from a request to the last byte of its answer";
        registry.register_with_unit("http_request_duration", about, Unit::Seconds, requests.clone());
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register_collector(Box::new(Present { lab }));
        Self { registry: Arc::new(registry), requests }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("strings can be written to");
        text
    }
}

/// 1 ms to 17 min.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 11))
}

/// How the server is doing
#[utoipa::path(
    get, path = "/metrics", tag = "Operation",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
pub async fn metrics(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text())
}

/// Measures each request to the last byte of its answer.
pub async fn measure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = named(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let mut watch =
        Watch { begun: Instant::now(), labels: RequestLabels { method, route, status: 499 }, metrics: state.metrics };
    let response = next.run(request).await;
    watch.labels.status = response.status().as_u16().into();
    if !is_stream(&response) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |piece| {
            let _ = &watch; // Kept with the stream, however it ends.
            piece
        }))
    })
}

/// One of those that routes have, so that no word a client makes up becomes a label.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    response.status() == StatusCode::OK && kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// Takes the time when it is dropped. Without a status by then, the client has left before there was one, which nginx
/// counts as 499.
struct Watch {
    begun: Instant,
    labels: RequestLabels,
    metrics: Metrics,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.metrics.requests.get_or_create(&self.labels).observe(self.begun.elapsed().as_secs_f64());
    }
}

/// What is asked for only when somebody looks.
struct Present {
    lab: Lab,
}

impl fmt::Debug for Present {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Present").finish_non_exhaustive()
    }
}

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let engines = self.lab.models().engines();
        room(&mut encoder, &engines)?;
        load(&mut encoder, self.lab.models().load(), &engines)?;
        work(&mut encoder, engines.iter().map(|it| it.engine.counts()).reduce(together).unwrap_or_default())?;
        process(&mut encoder)
    }
}

/// What never changes, by engine.
fn room(encoder: &mut DescriptorEncoder<'_>, engines: &[HostedEngine]) -> fmt::Result {
    type Measure = (&'static str, &'static str, fn(RunnerShape) -> u32);
    let measures: [Measure; 2] = [
        ("cache_slots", "Places in the cache, one for each answer that is being written", |it| it.n_slots),
        ("cache_slot_positions", "Tokens of prompt and answer that one place can hold", |it| it.n_positions),
    ];
    for (name, help, measure) in measures {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for it in engines {
            let value = ConstGauge::new(i64::from(measure(it.engine.shape())));
            value.encode(family.encode_family(&[("engine", it.base.0.as_str())])?)?;
        }
    }
    Ok(())
}

fn load(encoder: &mut DescriptorEncoder<'_>, load: Load, engines: &[HostedEngine]) -> fmt::Result {
    let n_stopped = engines.iter().filter(|it| it.engine.has_stopped()).count();
    gauge(encoder, "cache_slots_busy", "Answers that are being written, each in a place of the cache", load.n_running)?;
    gauge(encoder, "answers_waiting", "Answers that wait for a place in the cache", load.n_waiting)?;
    gauge(encoder, "engines_stopped", "Engines that have died", n_stopped as u32)
}

/// What all engines have done since they were started.
fn work(encoder: &mut DescriptorEncoder<'_>, counts: Counts) -> fmt::Result {
    let counters = [
        ("prompt_tokens_fed", "Tokens of prompts that models have read", counts.prompt_tokens_fed),
        ("prompt_tokens_shared", "Tokens of prompts taken over from another sample", counts.prompt_tokens_shared),
        ("answer_tokens", "Tokens that models have drawn", counts.answer_tokens),
        ("answers_finished_stop", "Answers that the model or a stop string ended", counts.finished_at_stop),
        ("answers_finished_length", "Answers that were as long as they might be", counts.finished_at_length),
        ("answers_finished_full", "Answers for which the cache had no more room", counts.finished_at_full_slot),
        ("answers_failed", "Answers that could not be finished", counts.failed),
        ("answers_left", "Answers given up because their readers had left", counts.left),
        ("steps_failed", "Steps of a model that failed", counts.failed_steps),
    ];
    for (name, help, value) in counters {
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(metric)?;
    }
    histogram(encoder, "step_rows", "Answers computed together in one step", None, &counts.rows_per_step)?;
    let seconds = Some(&Unit::Seconds);
    histogram(encoder, "step_duration", "Time of one step of a model", seconds, &counts.seconds_per_step)?;
    let first = "Time from the wish for an answer to its first token";
    histogram(encoder, "first_token_duration", first, seconds, &counts.seconds_to_first_token)?;
    let waiting = "Time that an answer waited for a place in the cache";
    histogram(encoder, "waiting_duration", waiting, seconds, &counts.seconds_waiting_for_a_slot)
}

fn together(one: Counts, other: Counts) -> Counts {
    Counts {
        prompt_tokens_fed: one.prompt_tokens_fed + other.prompt_tokens_fed,
        prompt_tokens_shared: one.prompt_tokens_shared + other.prompt_tokens_shared,
        answer_tokens: one.answer_tokens + other.answer_tokens,
        rows_per_step: added(one.rows_per_step, &other.rows_per_step),
        seconds_per_step: added(one.seconds_per_step, &other.seconds_per_step),
        seconds_to_first_token: added(one.seconds_to_first_token, &other.seconds_to_first_token),
        seconds_waiting_for_a_slot: added(one.seconds_waiting_for_a_slot, &other.seconds_waiting_for_a_slot),
        finished_at_stop: one.finished_at_stop + other.finished_at_stop,
        finished_at_length: one.finished_at_length + other.finished_at_length,
        finished_at_full_slot: one.finished_at_full_slot + other.finished_at_full_slot,
        failed: one.failed + other.failed,
        left: one.left + other.left,
        failed_steps: one.failed_steps + other.failed_steps,
    }
}

/// Engines have the same buckets.
fn added(mut one: engine::Histogram, other: &engine::Histogram) -> engine::Histogram {
    one.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    one.sum += other.sum;
    one
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    measured: &engine::Histogram,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    let bounds = measured.bounds.iter().copied().chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(measured.counts.iter().copied()).collect();
    metric.encode_histogram::<NoLabelSet>(measured.sum, measured.n(), &buckets, None)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: impl Into<i64>) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value.into()).encode(metric)
}

/// Only where the system tells, which Linux does.
fn process(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    if let Some(bytes) = resident_bytes() {
        gauge(encoder, "process_resident_memory_bytes", "Memory that the process has in hand", bytes)?;
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge(encoder, "process_open_fds", "Files and connections that are open", files.count() as u32)?;
    }
    Ok(())
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
