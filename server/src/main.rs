//! The program `plumbline`: reads its words and the catalogue, loads models, starts engines, opens the door. No logic.

mod assets;
mod bench;
mod catalogue;
mod data;
mod evaluate;
mod hosting;
mod import;
mod laboratory;
mod memory;
mod questions;
mod results;
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
    /// Ask the questions of a pack of several models many times, as the page of runs does.
    Evaluate(evaluate::Arguments),
    /// Take packs of questions in, and list those there are.
    Questions(questions::Arguments),
    /// Take in what was made elsewhere.
    Import(import::Arguments),
    /// Print what a run comes to.
    Results(results::Arguments),
    /// Measure how fast a model answers on this machine, and how near that comes to what the machine can do.
    Bench(bench::Arguments),
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PLUMBLINE_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Evaluate(arguments) => evaluate::run(arguments).await,
        Command::Questions(arguments) => questions::run(arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::Results(arguments) => results::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
    }
}
