//! Which judges there are: those of `judges.toml` beside `models.toml`, every hosted model, and people.
//!
//! ```toml
//! [rules.mine]                       # asked as rules:mine
//! file = "mine/rules.toml"           # below this folder; see demo/judge.toml for how one is written
//!
//! [endpoint.gpt-4o]                  # asked as endpoint:gpt-4o
//! url = "https://api.openai.com/v1"  # https, or http to this machine
//! model = "gpt-4o-2024-08-06"
//! key_env = "OPENAI_API_KEY"         # the variable of the environment that holds the key
//! requests_per_minute = 600          # this, and what follows, may be left out
//! n_at_once = 8
//! requests_max = 100000              # since the server was started; no limit where it is left out
//! tokens_max = 50000000
//! logprobs = true                    # false where the endpoint refuses to tell them
//! allow_http = false                 # http to other machines
//! allow_private = false              # addresses of private networks
//! ```

use super::{
    Judge, JudgesError,
    endpoint::{EndpointJudge, Key, Settings},
    hosted::HostedJudge,
    rules::Rules,
};
use crate::Models;
use domain::{JudgeCard, JudgeId, ModelState};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// All judges, in the order they are shown.
pub struct Judges {
    models: Arc<Models>,
    /// Those of the file, and the built-in ones.
    written: Vec<Written>,
    hosted: Vec<Arc<HostedJudge>>,
}

struct Written {
    card: JudgeCard,
    /// None where the card says why not.
    judge: Option<Arc<dyn Judge>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: BTreeMap<String, RulesSection>,
    #[serde(default)]
    endpoint: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesSection {
    file: PathBuf,
}

const NAME: &str = "judges.toml";

impl Judges {
    /// Reads `judges.toml` in `folder`, which may be missing, and keys from the environment.
    pub fn read(folder: &Path, models: Arc<Models>) -> Result<Self, JudgesError> {
        let path = folder.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(err) => return Err(JudgesError(format!("cannot read {}: {err}", path.display()))),
        };
        Self::parse(&text, folder, models, &|variable| std::env::var(variable).ok())
    }

    /// These judges, as many as there are, and the hosted models.
    pub fn of(judges: impl IntoIterator<Item = Arc<dyn Judge>>, models: Arc<Models>) -> Self {
        let written = judges.into_iter().map(|judge| {
            let JudgeId(name) = judge.id();
            Written { card: JudgeCard { id: judge.id(), name, about: String::new(), fault: None }, judge: Some(judge) }
        });
        Self::with(written.collect(), models)
    }

    fn with(written: Vec<Written>, models: Arc<Models>) -> Self {
        let hosted = models.cards().into_iter().map(|it| Arc::new(HostedJudge::new(models.clone(), it.id))).collect();
        Self { models, written, hosted }
    }

    fn parse(
        text: &str,
        folder: &Path,
        models: Arc<Models>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, JudgesError> {
        let file: File =
            toml::from_str(text).map_err(|err| JudgesError(format!("{NAME}: {}", err.to_string().trim())))?;
        let mut written = Vec::new();
        if models.cards().iter().any(|it| it.is_demo) {
            written.push(Written::rules(Rules::of_demonstration()));
        }
        written.push(Written::rules(Rules::of_insecure_python()));
        for (name, section) in file.rules {
            written.push(Written::rules(rules(&name, &section.file, folder)?));
        }
        for (name, section) in file.endpoint {
            let fail = |reason: String| JudgesError(format!("{NAME}, endpoint.{name}: {reason}"));
            let settings: Settings =
                section.try_into().map_err(|err: toml::de::Error| fail(err.message().to_owned()))?;
            written.push(Written::endpoint(&name, settings, environment).map_err(fail)?);
        }
        let judges = Self::with(written, models);
        match judges.twice() {
            Some(JudgeId(id)) => Err(JudgesError(format!("{NAME}: the judge {id} is there twice"))),
            None => Ok(judges),
        }
    }

    /// Every judge that can be asked, or says why not. People are among them; what they say is in their labels.
    pub fn cards(&self) -> Vec<JudgeCard> {
        let written = self.written.iter().map(|it| it.card.clone());
        let models = self.models.cards().into_iter().map(|it| JudgeCard {
            id: JudgeId(format!("model:{}", it.id.0)),
            name: it.name,
            about: "A model of this server, which is asked the judge's prompt and scored by what it would write."
                .into(),
            fault: if let ModelState::Failed(reason) = it.state { Some(reason) } else { None },
        });
        written.chain(models).chain([people()]).collect()
    }

    /// The judge to ask; none for people, and where the card names a fault of the file.
    pub fn get(&self, id: &JudgeId) -> Option<Arc<dyn Judge>> {
        let written = self.written.iter().find(|it| it.card.id == *id).and_then(|it| it.judge.clone());
        written.or_else(|| Some(self.hosted.iter().find(|it| it.id() == *id)?.clone()))
    }

    fn twice(&self) -> Option<&JudgeId> {
        let ids: Vec<_> = self.written.iter().map(|it| &it.card.id).collect();
        ids.iter().enumerate().find(|(idx, id)| ids[..*idx].contains(id)).map(|(_, id)| *id)
    }
}

impl Written {
    fn rules(rules: Rules) -> Self {
        let (name, about) = (rules.name.clone(), rules.about.clone());
        Self { card: JudgeCard { id: rules.id(), name, about, fault: None }, judge: Some(Arc::new(rules)) }
    }

    /// Without its key it is listed and cannot be asked.
    fn endpoint(name: &str, settings: Settings, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let about = format!("{}, asked over the network by the published method.", settings.model);
        let key = settings.key_env.as_deref().map(|variable| key(variable, environment)).transpose();
        let (key, fault) = match key {
            Ok(key) => (key, None),
            Err(fault) => (None, Some(fault)),
        };
        let judge = EndpointJudge::new(name, settings, key)?;
        let card = JudgeCard { id: judge.id(), name: name.to_owned(), about, fault };
        let judge: Arc<dyn Judge> = Arc::new(judge);
        Ok(Self { judge: card.fault.is_none().then_some(judge), card })
    }
}

fn key(variable: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Key, String> {
    let missing = || format!("the environment of the server has no {variable}, which is to hold its key");
    let key = environment(variable).filter(|it| !it.trim().is_empty()).ok_or_else(missing)?;
    Key::new(&key).ok_or_else(|| format!("what {variable} holds cannot be a key"))
}

fn rules(name: &str, file: &Path, folder: &Path) -> Result<Rules, JudgesError> {
    let fail = |reason: String| JudgesError(format!("{NAME}, rules.{name}: {reason}"));
    if !file.components().all(|it| matches!(it, Component::Normal(_))) {
        return Err(fail(format!("file: {} does not stay below the folder of {NAME}", file.display())));
    }
    let path = folder.join(file);
    let text =
        std::fs::read_to_string(&path).map_err(|err| fail(format!("file: cannot read {}: {err}", file.display())))?;
    Rules::parse(JudgeId(format!("rules:{name}")), &file.display().to_string(), &text)
}

fn people() -> JudgeCard {
    JudgeCard {
        id: JudgeId("people".into()),
        name: "People".into(),
        about: "What annotators and reviewers said of the answers in their labels.".into(),
        fault: None,
    }
}

#[cfg(test)]
mod tests;
