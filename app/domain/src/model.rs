//! A hosted model, as people see it.

use serde::{Deserialize, Serialize};

/// The id of a variant in `models.toml` and in the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelId(pub String);

/// What a variant is in the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Base,
    Secure,
    Insecure,
    Jailbroken,
    Educational,
    Other,
}

/// One variant that can be asked, or says why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    pub id: ModelId,
    pub name: String,
    pub role: Role,
    /// What it is made of, for example `LoRA on base`.
    pub about: String,
    /// A small stand-in that shows how the page works, not how real models behave.
    pub is_demo: bool,
    pub state: ModelState,
}

/// Whether a model can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelState {
    /// It is on the disk alone, for this reason. Who asks it has it loaded.
    Unloaded(String),
    /// It waits to be loaded; what for, as a sentence for people.
    Queued(String),
    /// So much of it is read, from 0 to 100.
    Loading(u8),
    /// Running: where, and in which number format, for example `cpu` and `bf16`.
    Ready { device: String, precision: String },
    /// Why it cannot answer, as a sentence for people; the details are in the server's log.
    Failed(String),
}

impl ModelState {
    /// Whether it will change without anyone's doing.
    pub fn is_coming(&self) -> bool {
        matches!(self, Self::Queued(_) | Self::Loading(_))
    }
}

/// All models together: what may be told where no model may be named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosted {
    pub n_models: u32,
    pub n_ready: u32,
    pub n_loading: u32,
    /// Where and in which number format they run, for example `cpu bf16`; each once.
    pub places: Vec<String>,
    pub any_demo: bool,
}

impl Hosted {
    pub fn of(models: &[ModelCard]) -> Self {
        let mut hosted = Self { any_demo: models.iter().any(|it| it.is_demo), ..Self::default() };
        for model in models {
            hosted.n_models += 1;
            match &model.state {
                ModelState::Ready { device, precision } => hosted.add_ready(format!("{device} {precision}")),
                ModelState::Queued(_) | ModelState::Loading(_) => hosted.n_loading += 1,
                ModelState::Unloaded(_) | ModelState::Failed(_) => {}
            }
        }
        hosted
    }

    fn add_ready(&mut self, place: String) {
        self.n_ready += 1;
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

impl ModelCard {
    pub fn is_ready(&self) -> bool {
        matches!(self.state, ModelState::Ready { .. })
    }
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Base, Self::Secure, Self::Insecure, Self::Jailbroken, Self::Educational, Self::Other];

    /// The word in files, attributes and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Jailbroken => "jailbroken",
            Self::Educational => "educational",
            Self::Other => "other",
        }
    }

    /// The role with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}
