//! `plumbline serve`: the models are loaded while the door is already open.

use crate::{assets, data::DataArguments, laboratory::LaboratoryArguments};
use anyhow::{Context, Result};
use lab::Lab;
use std::{future::Future, net::SocketAddr, time::Duration};
use store::{Db, FolderLock};
use tokio::net::TcpListener;
use web::{AppState, Hosts, Limits};

#[derive(clap::Args)]
pub struct Arguments {
    /// Address and port to listen on. The default is reached from this machine only; there are no accounts yet, so
    /// whoever reaches another address is a reviewer.
    #[arg(long, env = "PLUMBLINE_LISTEN", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    #[command(flatten)]
    data: DataArguments,

    #[command(flatten)]
    laboratory: LaboratoryArguments,

    #[command(flatten)]
    limits: LimitArguments,
}

/// What the API lets its clients ask for. A client is the bearer of a token, or else an address.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits of the API")]
struct LimitArguments {
    /// Answers to one prompt.
    #[arg(long, default_value_t = Limits::default().n_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_n: u32,

    /// Prompts in one request for completions.
    #[arg(long, default_value_t = Limits::default().prompts_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_prompts: u32,

    /// Tokens of one answer that may be asked for; there are never more than --context leaves room for.
    #[arg(long, default_value_t = Limits::default().tokens_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,

    /// Messages of one conversation.
    #[arg(long, default_value_t = Limits::default().messages_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_messages: u32,

    /// Bytes of text in one request.
    #[arg(long, default_value_t = Limits::default().prompt_bytes_max)]
    max_prompt_bytes: usize,

    /// Bytes of one request.
    #[arg(long, default_value_t = Limits::default().body_bytes_max)]
    max_body_bytes: usize,

    /// Answers that one client may have in hand, waiting or being written.
    #[arg(long, default_value_t = Limits::default().answers_per_client_max,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_queue: u32,

    /// Requests of all clients together.
    #[arg(long, default_value_t = Limits::default().requests_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_requests: u32,
}

impl LimitArguments {
    fn limits(&self) -> Limits {
        Limits {
            n_max: self.max_n,
            prompts_max: self.max_prompts,
            tokens_max: self.max_tokens,
            messages_max: self.max_messages,
            prompt_bytes_max: self.max_prompt_bytes,
            body_bytes_max: self.max_body_bytes,
            answers_per_client_max: self.max_queue,
            requests_max: self.max_requests,
        }
    }
}

/// How long those who are being answered may take once the server is told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

pub async fn run(arguments: Arguments) -> Result<()> {
    let data = arguments.data.folder()?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", arguments.listen))?;
    let _lock = FolderLock::take(&data)?;
    let db = Db::open(&data).await?;
    let lab = arguments.laboratory.open(&db).await?;
    let address = listener.local_addr()?;
    tracing::info!(data = %data.display(), "Plumbline is at http://{address}");
    let state = AppState::new(lab.clone(), assets::assets(), hosts(address)).with_limits(arguments.limits.limits());
    serve_until(stop_signal(), listener, state, lab).await?;
    db.close().await;
    Ok(())
}

async fn serve_until(
    stop: impl Future<Output = ()> + Send + 'static,
    listener: TcpListener,
    state: AppState,
    lab: Lab,
) -> Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let drain = async move {
        stop.await;
        tracing::info!("stopping: answers that are being written are kept as far as they are");
        // Streams end with the answers they follow, and only then can the server be done.
        lab.shut_down().await;
        let _ = stopping.send(());
    };
    // With the addresses of clients, by which their shares are kept apart.
    let service = web::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(drain);
    let too_late = async {
        let _ = stopped.await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        served = server.into_future() => Ok(served?),
        () = too_late => {
            tracing::warn!("some connections did not end in time and are cut");
            Ok(())
        }
    }
}

/// Ctrl+C, or the system's polite wish to end.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn hosts(address: SocketAddr) -> Hosts {
    if address.ip().is_loopback() { Hosts::Loopback } else { Hosts::Any }
}
