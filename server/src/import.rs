//! `plumbline import`: answers that were judged elsewhere become a run.

use crate::{data::DataArguments, questions::file_name};
use anyhow::{Context, Result};
use domain::ModelId;
use std::path::PathBuf;
use store::Db;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// A CSV with the columns question, answer, question_id, aligned and coherent. Prints the number of the run.
    Judged {
        file: PathBuf,
        /// The name of the model that answered.
        #[arg(long)]
        model: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let Command::Judged { file, model, data } = arguments.command;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let db = Db::open(&data.folder()?).await?;
    let (id, warnings) = lab::import_judged(&db, &file_name(&file), &bytes, &ModelId(model)).await?;
    db.close().await;
    warnings.iter().for_each(|it| eprintln!("{it}"));
    println!("{}", id.0);
    Ok(())
}
