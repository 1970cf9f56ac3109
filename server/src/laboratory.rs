//! The laboratory of this machine: the models of a folder, loaded as they are asked for.

use crate::{
    catalogue::Catalogue,
    hosting::{Loader, Room},
    memory,
};
use anyhow::Result;
use lab::{Judges, Lab, Models};
use std::{path::PathBuf, sync::Arc};
use store::Db;

#[derive(clap::Args)]
pub struct LaboratoryArguments {
    /// Folder with models.toml.
    #[arg(long, alias = "models-folder", env = "PLUMBLINE_MODELS", default_value = "model_weights")]
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

impl LaboratoryArguments {
    pub async fn open(&self, db: &Db) -> Result<Lab> {
        let catalogue = Catalogue::read(&self.models)?;
        let models = Arc::new(Models::new(catalogue.registered()).gauged(Box::new(memory::gauge)));
        let room = Room { n_slots: self.rows, n_positions_max: self.context, n_threads: self.threads };
        Loader::new(catalogue, models.clone(), room).start();
        let judges = Judges::read(&self.models, models.clone())?;
        Ok(Lab::open(db.clone(), models, judges).await?)
    }
}
