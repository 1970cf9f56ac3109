//! What `adapter_config.json` asks for, understood as PEFT understands it.
//!
//! PEFT gains variants of LoRA with every release, each behind a key of its own: what is not known here must be off.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::targets::{Names, Patterns, Targets};
use crate::LoadError;
use crate::config::{Config, Layout};
use crate::listing::Expected;
use crate::names::PEFT;
use crate::products::{Module, Product};

/// The modules that an adapter changes, and how.
#[derive(Debug)]
pub struct Spec(HashMap<(i64, &'static str), Change>);

/// What an adapter has for one module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub rank: i64,
    /// `alpha / r`, or `alpha / √r` with `use_rslora`.
    pub scale: f64,
}

impl Spec {
    pub fn largest_rank(&self) -> i64 {
        self.0.values().map(|change| change.rank).max().unwrap_or(0)
    }

    /// Reads the bytes of `file`, which is only named in errors.
    pub fn parse(bytes: &[u8], file: &Path, config: &Config) -> Result<Spec, LoadError> {
        let failed = |reason| LoadError::Parse { file: file.to_owned(), reason };
        let options = serde_json::from_slice(bytes).map_err(failed)?;
        let ordered = serde_json::from_slice(bytes).map_err(failed)?;
        let options = Options { options, file: file.to_owned() };
        options.refuse_unknown()?;
        let reading = Reading { targets: options.targets()?, sizes: options.sizes(&ordered)?, config };
        reading.refuse_targets_outside(&options)?;
        let spec = reading.spec();
        if spec.0.is_empty() { Err(options.unsupported("target_modules")) } else { Ok(spec) }
    }

    pub fn of(&self, module: &Module, layer: i64) -> Option<Change> {
        self.0.get(&(layer, module.name)).copied()
    }

    /// The ranks of these modules, stacked.
    pub fn n_ranks(&self, modules: &[Module], layer: i64) -> i64 {
        modules.iter().filter_map(|module| self.of(module, layer)).map(|change| change.rank).sum()
    }

    /// The tensors that the adapter consists of.
    pub fn expected(&self, config: &Config) -> Expected {
        let mut expected = Expected::new();
        for (layer, module) in all_modules(config) {
            if let Some(Change { rank, .. }) = self.of(&module, layer) {
                let path = tensor_path(&module, layer);
                expected.insert(format!("{path}.lora_A.weight"), vec![rank, module.n_inputs]);
                expected.insert(format!("{path}.lora_B.weight"), vec![module.n_outputs, rank]);
            }
        }
        expected
    }
}

/// A module's name in an adapter's file.
pub fn tensor_path(module: &Module, layer: i64) -> String {
    format!("{PEFT}{}", module.path(layer))
}

fn all_modules(config: &Config) -> impl Iterator<Item = (i64, Module)> {
    let of_layer =
        |layer| Product::ALL.iter().flat_map(|product| product.modules(config)).map(move |module| (layer, module));
    (0..config.num_hidden_layers).flat_map(of_layer)
}

/// An adapter's options beside the base that they are about.
struct Reading<'a> {
    targets: Targets,
    sizes: Sizes,
    config: &'a Config,
}

impl Reading<'_> {
    fn spec(&self) -> Spec {
        let change = |(layer, module): (i64, Module)| {
            let paths = self.paths(&module, layer);
            self.targets.has(&paths).then(|| ((layer, module.name), self.sizes.of(&paths)))
        };
        Spec(all_modules(self.config).filter_map(change).collect())
    }

    /// The ways in which the options can name a module.
    fn paths(&self, module: &Module, layer: i64) -> Vec<String> {
        self.config.layout.paths_of(&module.path(layer))
    }

    /// Names that fit none of the seven linear layers, such as `lm_head` or `embed_tokens`. Beside a vision part they may be
    /// about that; if they are not, the file holds tensors that have no place.
    fn refuse_targets_outside(&self, options: &Options) -> Result<(), LoadError> {
        if self.config.layout == Layout::TextAndVision {
            return Ok(());
        }
        let fits = |name: &str| {
            all_modules(self.config).any(|(layer, module)| Names::fit_one(name, &self.paths(&module, layer)))
        };
        match self.targets.names().iter().find(|name| !fits(name)) {
            Some(other) => Err(options.unsupported_value("target_modules", other.clone())),
            None => Ok(()),
        }
    }
}

/// Ranks and scales: one for all modules, and others for those that fit a pattern.
struct Sizes {
    rank: i64,
    ranks: Patterns<i64>,
    alpha: f64,
    alphas: Patterns<f64>,
    divides_by_root: bool,
}

impl Sizes {
    fn of(&self, paths: &[String]) -> Change {
        let rank = self.ranks.of(paths).unwrap_or(self.rank);
        let alpha = self.alphas.of(paths).unwrap_or(self.alpha);
        let divisor = if self.divides_by_root { (rank as f64).sqrt() } else { rank as f64 };
        Change { rank, scale: alpha / divisor }
    }
}

/// The keys of `adapter_config.json`, as they stand.
pub struct Options {
    options: Map<String, Value>,
    file: PathBuf,
}

/// Keys whose entries stand in an order that matters: the first that fits counts.
#[derive(serde::Deserialize)]
struct Ordered {
    #[serde(default)]
    rank_pattern: Option<Entries>,
    #[serde(default)]
    alpha_pattern: Option<Entries>,
}

/// Keys that are read here.
const UNDERSTOOD: [&str; 11] = [
    "peft_type",
    "r",
    "lora_alpha",
    "use_rslora",
    "target_modules",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "init_lora_weights",
];

/// Keys that say where an adapter came from or how it was trained, and nothing about how to use it.
const WITHOUT_EFFECT: [&str; 12] = [
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "eva_config",
    "inference_mode",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
];

/// Ways of starting a training that leave the base as it was. Others (PiSSA, OLoRA, CorDA, LoftQ) change it.
const HARMLESS_STARTS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

impl Options {
    fn refuse_unknown(&self) -> Result<(), LoadError> {
        if self.options.get("peft_type").and_then(Value::as_str) != Some("LORA") {
            return Err(self.unsupported("peft_type"));
        }
        if !self.starts_harmlessly() {
            return Err(self.unsupported("init_lora_weights"));
        }
        let known = |key: &str| UNDERSTOOD.contains(&key) || WITHOUT_EFFECT.contains(&key);
        match self.options.iter().find(|(key, value)| !known(key) && !is_off(value)) {
            Some((key, _)) => Err(self.unsupported(key)),
            None => Ok(()),
        }
    }

    fn starts_harmlessly(&self) -> bool {
        match self.options.get("init_lora_weights") {
            None | Some(Value::Null | Value::Bool(_)) => true,
            Some(value) => value.as_str().is_some_and(|start| HARMLESS_STARTS.contains(&start)),
        }
    }

    fn sizes(&self, ordered: &Ordered) -> Result<Sizes, LoadError> {
        Ok(Sizes {
            rank: self.options.get("r").and_then(as_rank).ok_or_else(|| self.absurd("r"))?,
            ranks: self.patterns("rank_pattern", &ordered.rank_pattern, as_rank)?,
            alpha: self.options.get("lora_alpha").and_then(as_alpha).ok_or_else(|| self.absurd("lora_alpha"))?,
            alphas: self.patterns("alpha_pattern", &ordered.alpha_pattern, as_alpha)?,
            divides_by_root: self.is_on("use_rslora"),
        })
    }

    fn patterns<T>(
        &self,
        key: &str,
        entries: &Option<Entries>,
        value: fn(&Value) -> Option<T>,
    ) -> Result<Patterns<T>, LoadError> {
        let mut patterns = Patterns::default();
        for (pattern, stored) in entries.iter().flat_map(|Entries(entries)| entries) {
            let value = value(stored).ok_or_else(|| self.absurd(key))?;
            patterns.add(pattern, value).map_err(|_| self.unsupported_value(key, pattern.clone()))?;
        }
        Ok(patterns)
    }

    fn targets(&self) -> Result<Targets, LoadError> {
        let chosen = self.modules("target_modules")?;
        let excluded = if self.is_on("exclude_modules") { Some(self.modules("exclude_modules")?) } else { None };
        let layers = self.layers()?;
        if layers.is_some() && chosen.names().is_empty() {
            return Err(self.unsupported("layers_to_transform"));
        }
        let layers_pattern = self.words("layers_pattern")?;
        if layers.is_none() && !layers_pattern.is_empty() {
            return Err(self.unsupported("layers_pattern"));
        }
        Targets::new(chosen, excluded, layers, &layers_pattern).map_err(|_| self.unsupported("layers_pattern"))
    }

    /// A list of names, a pattern for whole paths, or the word `all-linear`.
    fn modules(&self, key: &str) -> Result<Names, LoadError> {
        match self.options.get(key) {
            Some(Value::String(all)) if all.eq_ignore_ascii_case("all-linear") && key == "target_modules" => {
                Ok(Names::All)
            }
            Some(Value::String(pattern)) => Names::pattern(pattern).map_err(|_| self.unsupported(key)),
            Some(Value::Array(names)) if !names.is_empty() => self.words(key).map(Names::Ends),
            _ => Err(self.unsupported(key)),
        }
    }

    fn layers(&self) -> Result<Option<Vec<i64>>, LoadError> {
        const KEY: &str = "layers_to_transform";
        let refused = || self.unsupported(KEY);
        match self.options.get(KEY) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(layers)) if layers.is_empty() => Ok(None),
            Some(Value::Array(layers)) => {
                layers.iter().map(Value::as_i64).collect::<Option<_>>().map(Some).ok_or_else(refused)
            }
            Some(layer) => layer.as_i64().map(|layer| Some(vec![layer])).ok_or_else(refused),
        }
    }

    /// One word, a list of words, or nothing.
    fn words(&self, key: &str) -> Result<Vec<String>, LoadError> {
        let word = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| self.unsupported(key));
        match self.options.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(words)) => words.iter().map(word).collect(),
            Some(Value::String(only)) if only.is_empty() => Ok(Vec::new()),
            Some(only) => Ok(vec![word(only)?]),
        }
    }

    fn is_on(&self, key: &str) -> bool {
        self.options.get(key).is_some_and(|value| !is_off(value))
    }

    fn unsupported(&self, key: &str) -> LoadError {
        self.unsupported_value(key, self.options.get(key).unwrap_or(&Value::Null).to_string())
    }

    fn unsupported_value(&self, key: &str, value: String) -> LoadError {
        LoadError::Unsupported { file: self.file.clone(), option: key.to_owned(), value: shortened(value) }
    }

    fn absurd(&self, key: &str) -> LoadError {
        let value = self.options.get(key).unwrap_or(&Value::Null).to_string();
        LoadError::Absurd { file: self.file.clone(), reason: format!("{key} is {}", shortened(value)) }
    }
}

fn as_rank(value: &Value) -> Option<i64> {
    value.as_i64().filter(|rank| (1..=1 << 14).contains(rank))
}

fn as_alpha(value: &Value) -> Option<f64> {
    value.as_f64().filter(|alpha| alpha.is_finite())
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(word) => word == "none",
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Some values are lists of hundreds of names, and an error should stay a sentence.
fn shortened(value: String) -> String {
    const CHARS_MAX: usize = 200;
    match value.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value,
    }
}

/// An object's entries as they stand in the file; a map would sort them.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of patterns with a number for each")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
