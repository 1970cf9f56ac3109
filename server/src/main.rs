//! The program `plumbline`: reads its words and the catalogue, loads models, starts engines, opens the door. No logic.

mod assets;
mod bench;
mod catalogue;
mod hosting;
mod memory;
mod serve;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// See whether a language model is still straight: compare finetunes of one model side by side, and label their answers.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One for each thing an operator does.
#[derive(Subcommand)]
enum Command {
    /// Host the models and serve the pages and the API.
    Serve(serve::Arguments),
    /// Measure how fast a model answers on this machine, and how near that comes to what the machine can do.
    Bench(bench::Arguments),
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PLUMBLINE_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
    }
}
