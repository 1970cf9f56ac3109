//! `models.toml`: which models there are. A bad entry is told by name, and the others are served all the same.

use anyhow::{Context, Result};
use domain::{ModelCard, ModelId, ModelState, Role};
use model::{DeviceChoice, Placement, PrecisionChoice};
use serde::Deserialize;
use std::path::{Component, Path, PathBuf};

/// The models of the catalogue, in its order.
pub struct Catalogue {
    folder: PathBuf,
    pub entries: Vec<Entry>,
}

pub struct Entry {
    pub id: ModelId,
    name: String,
    role: Role,
    is_demo: bool,
    /// What it is made of, or what is wrong with the entry.
    pub source: Result<Source, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A model of its own.
    Checkpoint { path: PathBuf, placement: Placement },
    /// An adapter that shares the weights of a checkpoint of this catalogue.
    Adapter { base: ModelId, path: PathBuf },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    model: Vec<toml::Value>,
}

/// One `[[model]]`, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    name: Option<String>,
    role: Role,
    path: Option<PathBuf>,
    base: Option<String>,
    adapter: Option<PathBuf>,
    device: Option<DeviceChoice>,
    precision: Option<PrecisionChoice>,
    #[serde(default)]
    demo: bool,
}

impl Catalogue {
    /// Reads `models.toml` in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("models.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; name the folder of your models with --models", path.display()))?;
        Self::parse(&text, folder).with_context(|| format!("cannot understand {}", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut entries: Vec<Entry> = Vec::new();
        for (idx, value) in file.model.into_iter().enumerate() {
            let mut entry = Entry::read(value, idx, folder);
            if entries.iter().any(|it| it.id == entry.id) {
                entry.source = Err(format!("the id “{}” is used twice", entry.id.0));
                entry.id = ModelId(format!("{} ({})", entry.id.0, idx + 1));
            }
            entries.push(entry);
        }
        let mut catalogue = Self { folder: folder.to_owned(), entries };
        catalogue.check_bases();
        Ok(catalogue)
    }

    /// An adapter stands on a checkpoint, not on another adapter and not on nothing.
    fn check_bases(&mut self) {
        let is_checkpoint = |entry: &&Entry| matches!(entry.source, Ok(Source::Checkpoint { .. }));
        let checkpoints: Vec<_> = self.entries.iter().filter(is_checkpoint).map(|it| it.id.clone()).collect();
        for entry in &mut self.entries {
            if let Ok(Source::Adapter { base, .. }) = &entry.source
                && !checkpoints.contains(base)
            {
                entry.source = Err(format!("its base “{}” is no checkpoint of models.toml", base.0));
            }
        }
    }

    pub fn cards(&self) -> Vec<ModelCard> {
        self.entries.iter().map(|entry| entry.card(self)).collect()
    }

    /// `message` without the place of the folder on this machine, which is nobody's business in a browser.
    pub fn without_folder(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.folder.display()), "")
    }
}

impl Entry {
    fn read(value: toml::Value, idx: usize, folder: &Path) -> Self {
        // Whatever can be read is used to name what cannot.
        let named = value.get("id").and_then(toml::Value::as_str).map(str::to_owned);
        let failed = |reason| {
            let id = named.clone().unwrap_or_else(|| format!("model {}", idx + 1));
            Self { name: id.clone(), id: ModelId(id), role: Role::Other, is_demo: false, source: Err(reason) }
        };
        match value.try_into::<Written>() {
            Ok(written) if written.id.trim().is_empty() => failed("its id in models.toml is empty".to_owned()),
            Ok(written) => Self {
                id: ModelId(written.id.clone()),
                name: written.name.clone().unwrap_or_else(|| written.id.clone()),
                role: written.role,
                is_demo: written.demo,
                source: source(written, folder),
            },
            Err(err) => failed(format!("its entry in models.toml is wrong: {}", err.message())),
        }
    }

    fn card(&self, catalogue: &Catalogue) -> ModelCard {
        let about = match &self.source {
            Ok(Source::Checkpoint { .. }) => "checkpoint".to_owned(),
            Ok(Source::Adapter { base, .. }) => format!("LoRA on {}", catalogue.name(base)),
            Err(_) => String::new(),
        };
        let state = match &self.source {
            Ok(_) => ModelState::Loading,
            Err(reason) => ModelState::Failed(reason.clone()),
        };
        let (id, name) = (self.id.clone(), self.name.clone());
        ModelCard { id, name, role: self.role, about, is_demo: self.is_demo, state }
    }
}

impl Catalogue {
    fn name<'a>(&'a self, id: &'a ModelId) -> &'a str {
        self.entries.iter().find(|it| it.id == *id).map_or(&id.0, |it| &it.name)
    }
}

fn source(written: Written, folder: &Path) -> Result<Source, String> {
    match (written.path, written.base, written.adapter) {
        (Some(path), None, None) => {
            let placement = Placement {
                device: written.device.unwrap_or_default(),
                precision: written.precision.unwrap_or_default(),
            };
            Ok(Source::Checkpoint { path: below(folder, &path)?, placement })
        }
        (None, Some(_), Some(_)) if written.device.is_some() || written.precision.is_some() => {
            Err("device and precision are those of its base; write them there".into())
        }
        (None, Some(base), Some(adapter)) => {
            Ok(Source::Adapter { base: ModelId(base), path: below(folder, &adapter)? })
        }
        _ => Err("it needs either “path”, or “base” with “adapter”".into()),
    }
}

/// The folder that an entry names; it may not lead out of the models' own.
fn below(folder: &Path, path: &Path) -> Result<PathBuf, String> {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_below {
        return Err(format!("its path {} leaves the folder of models.toml; use a symbolic link", path.display()));
    }
    let path = folder.join(path);
    if !path.is_dir() {
        return Err(format!("there is no folder {}", path.strip_prefix(folder).unwrap_or(&path).display()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
