//! One POST to an endpoint: over a connection to a checked address, within a time and a size, and nowhere else than asked.

use super::Address;
use crate::judges::JudgeFailure;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client},
    rt::{TokioExecutor, TokioIo},
};
use std::{
    error::Error,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;

pub struct Line {
    address: Address,
    key: Option<Key>,
    caps: Caps,
    /// Speaks to the addresses that were checked; given up where none can be reached, so that the name is asked anew.
    client: Mutex<Option<PinnedClient>>,
}

type PinnedClient = Client<HttpsConnector<Pinned>, Full<Bytes>>;

/// The key of an endpoint, as its header. It is shown nowhere.
#[derive(Clone, Debug)]
pub struct Key(HeaderValue);

/// What one reply may take.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// From the first to the last byte.
    pub time: Duration,
    pub bytes: usize,
}

pub enum Answered {
    /// With status 200.
    Body(Bytes),
    Not {
        failure: JudgeFailure,
        /// How long the endpoint asks to be left alone.
        wait: Option<Duration>,
    },
}

impl Default for Caps {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), bytes: 4 << 20 }
    }
}

impl Key {
    /// None where it could not stand in a header.
    pub fn new(key: &str) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", key.trim())).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }
}

impl Line {
    pub fn new(address: Address, key: Option<Key>, caps: Caps) -> Self {
        Self { address, key, caps, client: Mutex::default() }
    }

    pub async fn post(&self, body: &str) -> Result<Answered, JudgeFailure> {
        let client = self.client().await?;
        let mut request = Request::post(self.address.uri.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(Key(key)) = &self.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let request = request.body(Full::from(body.to_owned())).expect("the parts were checked before");
        let exchange = async {
            match client.request(request).await {
                Ok(response) => self.read(response).await,
                Err(err) => self.unreached(&err),
            }
        };
        let late = || failed(format!("the endpoint took longer than {} s", self.caps.time.as_secs_f32()));
        Ok(tokio::time::timeout(self.caps.time, exchange).await.unwrap_or_else(|_| late()))
    }

    async fn read(&self, response: Response<Incoming>) -> Answered {
        let status = response.status();
        if status != StatusCode::OK {
            let wait = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok()?.trim().parse().ok());
            return Answered::Not { failure: refusal(status), wait: wait.map(Duration::from_secs) };
        }
        match Limited::new(response.into_body(), self.caps.bytes).collect().await {
            Ok(body) => Answered::Body(body.to_bytes()),
            Err(err) if err.is::<http_body_util::LengthLimitError>() => Answered::Not {
                failure: JudgeFailure::lasting(format!("the reply has more than {} bytes", self.caps.bytes)),
                wait: None,
            },
            Err(_) => failed("the endpoint broke its reply off"),
        }
    }

    fn unreached(&self, err: &legacy::Error) -> Answered {
        if err.is_connect() {
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        failed(format!("the endpoint cannot be reached: {}", root(err)))
    }

    async fn client(&self) -> Result<PinnedClient, JudgeFailure> {
        if let Some(client) = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(client);
        }
        let addresses = self.address.resolve().await.map_err(JudgeFailure::passing)?;
        let client = pinned(addresses, self.address.is_https).map_err(JudgeFailure::lasting)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

/// Trying again may help.
fn failed(reason: impl ToString) -> Answered {
    Answered::Not { failure: JudgeFailure::passing(reason), wait: None }
}

fn refusal(status: StatusCode) -> JudgeFailure {
    let reason = match status.as_u16() {
        300..400 => "sends elsewhere, which is not followed",
        400 | 422 => "did not understand the request; if it knows no log-probabilities, set logprobs = false",
        401 | 403 => "does not accept the key",
        404 => "has no such model, or no chat completions at this URL",
        429 => "asks for fewer requests, or its quota is used up",
        500.. => "failed",
        _ => "did not answer",
    };
    let sentence = format!("the endpoint {reason} (status {})", status.as_u16());
    let is_passing = matches!(status.as_u16(), 408 | 409 | 425 | 429 | 500..);
    JudgeFailure { reason: sentence, is_passing }
}

/// The innermost reason: what the operating system or the check of a certificate says.
fn root(err: &legacy::Error) -> String {
    let mut reason: &dyn Error = err;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}

fn pinned(addresses: Vec<SocketAddr>, is_https: bool) -> Result<PinnedClient, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them");
    let tls = if is_https {
        tls.with_native_roots().map_err(|_| "this machine has no certificates to trust; install ca-certificates")?
    } else {
        tls.with_root_certificates(rustls::RootCertStore::empty())
    };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls.with_no_client_auth())
        .https_or_http()
        .enable_http1()
        .wrap_connector(Pinned(addresses.into()));
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(30)).build(connector))
}

/// Connects to these addresses and no others, whatever the URL says.
#[derive(Clone)]
struct Pinned(Arc<[SocketAddr]>);

impl tower::Service<Uri> for Pinned {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let addresses = self.0.clone();
        Box::pin(async move { TcpStream::connect(&*addresses).await.map(TokioIo::new) })
    }
}
