//! `plumbline questions`: packs from files, and the list of them.

use crate::data::DataArguments;
use anyhow::{Context, Result};
use domain::Pack;
use std::path::{Path, PathBuf};
use store::Db;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Take in files of questions in the published YAML. One whose questions have changed becomes a new version.
    Import {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Every pack in its newest version.
    List {
        #[command(flatten)]
        data: DataArguments,
    },
}

pub async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Import { files, data } => {
            let db = Db::open(&data.folder()?).await?;
            for file in &files {
                print(&import(&db, file).await?);
            }
            db.close().await;
        }
        Command::List { data } => {
            let db = Db::open(&data.folder()?).await?;
            lab::packs(&db).await?.iter().for_each(print);
            db.close().await;
        }
    }
    Ok(())
}

async fn import(db: &Db, file: &Path) -> Result<Pack> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(lab::import_pack(db, &file_name(file), &bytes).await?)
}

pub fn file_name(file: &Path) -> String {
    file.file_name().map_or_else(|| file.display().to_string(), |it| it.to_string_lossy().into_owned())
}

fn print(pack: &Pack) {
    let heading = pack.heading();
    println!("{}@{}\t{} questions\t{}", heading.id, heading.version, pack.questions().len(), heading.title);
}
