//! `models.toml`: which models there are. A bad entry is told by name, and the others are served all the same.

use anyhow::{Context, Result};
use domain::{MadeOf, ModelCard, ModelId, ModelState, Registered, Role};
use engine::Template;
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
    Checkpoint(Checkpoint),
    /// An adapter that shares the weights of a checkpoint of this catalogue.
    Adapter { base: ModelId, path: PathBuf },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub path: PathBuf,
    pub placement: Placement,
    pub template: Template,
    pub load: LoadWhen,
    /// Whether the same seed is to give the same bytes whatever else runs, even where that costs time.
    pub reproducible: bool,
}

/// When a checkpoint and its adapters are read into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum LoadWhen {
    /// As far as there is room.
    #[default]
    #[serde(rename = "at start")]
    AtStart,
    #[serde(rename = "on demand")]
    OnDemand,
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
    template: Option<String>,
    load: Option<LoadWhen>,
    reproducible: Option<bool>,
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
        let is_checkpoint = |entry: &&Entry| matches!(entry.source, Ok(Source::Checkpoint(_)));
        let checkpoints: Vec<_> = self.entries.iter().filter(is_checkpoint).map(|it| it.id.clone()).collect();
        for entry in &mut self.entries {
            if let Ok(Source::Adapter { base, .. }) = &entry.source
                && !checkpoints.contains(base)
            {
                entry.source = Err(format!("its base “{}” is no checkpoint of models.toml", base.0));
            }
        }
    }

    /// Every entry as it stands before anything is loaded.
    pub fn registered(&self) -> Vec<Registered> {
        self.entries.iter().map(|entry| entry.registered(self)).collect()
    }

    /// The checkpoint of this id.
    pub fn checkpoint(&self, id: &ModelId) -> Option<&Checkpoint> {
        match &self.entries.iter().find(|it| it.id == *id)?.source {
            Ok(Source::Checkpoint(checkpoint)) => Some(checkpoint),
            _ => None,
        }
    }

    /// The adapters that stand on a checkpoint, with their folders.
    pub fn adapters_on(&self, checkpoint: &ModelId) -> impl Iterator<Item = (&ModelId, &Path)> {
        self.entries.iter().filter_map(move |entry| match &entry.source {
            Ok(Source::Adapter { base, path }) if base == checkpoint => Some((&entry.id, path.as_path())),
            _ => None,
        })
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

    fn registered(&self, catalogue: &Catalogue) -> Registered {
        let made_of = self.source.as_ref().ok().map(|source| catalogue.made_of(source));
        let about = match &self.source {
            Ok(Source::Checkpoint(_)) => "checkpoint".to_owned(),
            Ok(Source::Adapter { base, .. }) => format!("LoRA on {}", catalogue.name(base)),
            Err(_) => String::new(),
        };
        let state = match (&self.source, &made_of) {
            (Err(reason), _) => ModelState::Failed(reason.clone()),
            (_, Some(made_of)) if made_of.on_demand => ModelState::Unloaded(ON_DEMAND.into()),
            _ => ModelState::Queued("the server has just started".into()),
        };
        let (id, name) = (self.id.clone(), self.name.clone());
        let card = ModelCard { id, name, role: self.role, about, is_demo: self.is_demo, state };
        Registered { card, made_of, weights: None, hash: None, memory: None, n_answers: 0 }
    }
}

const ON_DEMAND: &str = "it is loaded when somebody asks for it";

impl Catalogue {
    fn name<'a>(&'a self, id: &'a ModelId) -> &'a str {
        self.entries.iter().find(|it| it.id == *id).map_or(&id.0, |it| &it.name)
    }

    fn made_of(&self, source: &Source) -> MadeOf {
        let (path, base) = match source {
            Source::Checkpoint(Checkpoint { path, .. }) => (path, None),
            Source::Adapter { base, path } => (path, Some(base)),
        };
        let checkpoint = match source {
            Source::Checkpoint(checkpoint) => Some(checkpoint),
            Source::Adapter { base, .. } => self.checkpoint(base),
        };
        MadeOf {
            folder: self.relative(path),
            base: base.cloned(),
            template: checkpoint.map(|it| self.without_folder(&it.template.to_string())).unwrap_or_default(),
            on_demand: checkpoint.is_some_and(|it| it.load == LoadWhen::OnDemand),
        }
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }
}

fn source(written: Written, folder: &Path) -> Result<Source, String> {
    let is_of_base = [
        ("device", written.device.is_some()),
        ("precision", written.precision.is_some()),
        ("template", written.template.is_some()),
        ("load", written.load.is_some()),
        ("reproducible", written.reproducible.is_some()),
    ];
    match (written.path, written.base, written.adapter) {
        (Some(path), None, None) => Ok(Source::Checkpoint(Checkpoint {
            path: below(folder, &path)?,
            placement: Placement {
                device: written.device.unwrap_or_default(),
                precision: written.precision.unwrap_or_default(),
                ..Placement::default()
            },
            template: template(folder, written.template.as_deref())?,
            load: written.load.unwrap_or_default(),
            reproducible: written.reproducible.unwrap_or_default(),
        })),
        (None, Some(base), Some(adapter)) => match is_of_base.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(format!("its {name} is that of its base; write it there")),
            None => Ok(Source::Adapter { base: ModelId(base), path: below(folder, &adapter)? }),
        },
        _ => Err("it needs either “path”, or “base” with “adapter”".into()),
    }
}

/// The chat template of that name; a file of the models' folder if it is none that has a word.
fn template(folder: &Path, named: Option<&str>) -> Result<Template, String> {
    match Template::named(named.unwrap_or("own")) {
        Template::File(path) => match inside(folder, &path) {
            Ok(path) if path.is_file() => Ok(Template::File(path)),
            Ok(_) => Err(format!(
                "there is no chat template {}: it is “own”, “user-assistant”, “neutral”, “none” or a .jinja file",
                path.display()
            )),
            Err(err) => Err(err),
        },
        template => Ok(template),
    }
}

/// The folder that an entry names.
fn below(folder: &Path, path: &Path) -> Result<PathBuf, String> {
    let path = inside(folder, path)?;
    if !path.is_dir() {
        return Err(format!("there is no folder {}", path.strip_prefix(folder).unwrap_or(&path).display()));
    }
    Ok(path)
}

/// What an entry names may not lie outside of the models' folder.
fn inside(folder: &Path, path: &Path) -> Result<PathBuf, String> {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_below {
        return Err(format!("its path {} leaves the folder of models.toml; use a symbolic link", path.display()));
    }
    Ok(folder.join(path))
}

#[cfg(test)]
mod tests;
