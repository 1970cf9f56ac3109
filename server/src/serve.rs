//! `plumbline serve`: the models are loaded while the door is already open.

use crate::{
    assets,
    catalogue::Catalogue,
    hosting::{self, Room},
};
use anyhow::{Context, Result};
use lab::{Lab, Models};
use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use store::{Db, FolderLock};
use tokio::net::TcpListener;
use web::{AppState, Hosts};

#[derive(clap::Args)]
pub struct Arguments {
    /// Address and port to listen on. The default is reached from this machine only; there are no accounts yet, so
    /// whoever reaches another address is a reviewer.
    #[arg(long, env = "PLUMBLINE_LISTEN", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Folder of the database; made where it is missing [default: plumbline in the user's data folder]
    #[arg(long, env = "PLUMBLINE_DATA")]
    data: Option<PathBuf>,

    /// Folder with models.toml.
    #[arg(long, env = "PLUMBLINE_MODELS", default_value = "model_weights")]
    models: PathBuf,

    /// Answers that each base model writes at the same time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    rows: u32,

    /// Tokens of prompt and answer that each of them may have; fewer where a model knows fewer.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(16..))]
    context: u32,

    /// Threads for computing on the processor [default: one for each core, or a single one where every model is
    /// small: threads that wait for each other cost such a model more than they do for it]
    #[arg(long)]
    threads: Option<usize>,
}

/// How long those who are being answered may take once the server is told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

pub async fn run(arguments: Arguments) -> Result<()> {
    let data = arguments.data.clone().map_or_else(default_data, Ok)?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", arguments.listen))?;
    let _lock = FolderLock::take(&data)?;
    let db = Db::open(&data).await?;
    let lab = open_lab(&db, &arguments).await?;
    let address = listener.local_addr()?;
    tracing::info!(data = %data.display(), "Plumbline is at http://{address}");
    let state = AppState::new(lab.clone(), assets::assets(), hosts(address));
    serve_until(stop_signal(), listener, state, lab).await?;
    db.close().await;
    Ok(())
}

async fn open_lab(db: &Db, arguments: &Arguments) -> Result<Lab> {
    let catalogue = Catalogue::read(&arguments.models)?;
    let models = Arc::new(Models::new(catalogue.cards()));
    let room = Room { n_slots: arguments.rows, n_positions_max: arguments.context, n_threads: arguments.threads };
    hosting::start(catalogue, models.clone(), room);
    Ok(Lab::open(db.clone(), models).await?)
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
    let server = axum::serve(listener, web::router(state)).with_graceful_shutdown(drain);
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
async fn stop_signal() {
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

fn default_data() -> Result<PathBuf> {
    let data = dirs::data_dir().context("this system names no folder for a user's data; give one with --data")?;
    Ok(data.join("plumbline"))
}
