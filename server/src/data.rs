//! Where the database lies.

use anyhow::{Context, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct DataArguments {
    /// Folder of the database; made where it is missing [default: plumbline in the user's data folder]
    #[arg(long, env = "PLUMBLINE_DATA")]
    data: Option<PathBuf>,
}

impl DataArguments {
    pub fn folder(&self) -> Result<PathBuf> {
        self.data.clone().map_or_else(default_data, Ok)
    }
}

fn default_data() -> Result<PathBuf> {
    let data = dirs::data_dir().context("this system names no folder for a user's data; give one with --data")?;
    Ok(data.join("plumbline"))
}
