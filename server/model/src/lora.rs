//! LoRA adapters in PEFT layout, kept apart from the base so that rows of all variants share its weights.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tch::Tensor;

use crate::LoadError;
use crate::config::Config;
use crate::files::Files;
use crate::listing::{Expected, Listing, Wanted, adapter_file};
use crate::need::Need;
use crate::packed::Slice;
use crate::placement::Place;
use crate::products::{Module, Product};
use crate::weights::{WORKBENCH, Weights};

/// One variant's difference from the base.
pub struct Adapter {
    layers: Vec<LayerAdapter>,
    hash: String,
}

/// A layer's differences, in the order of [`Product::ALL`].
type LayerAdapter = [Option<Delta>; 4];

/// `s · (x Aᵀ) Bᵀ` of all modules that stand in one product.
///
/// Their A matrices are stacked, and their B matrices stand on a diagonal with zeros beside: two small products serve
/// q, k and v together. The scale is already in B.
struct Delta {
    /// `(in, R)`
    a: Tensor,
    /// `(R, out)`
    b: Tensor,
}

/// What the adapters add in one layer of one step.
#[derive(Clone, Copy)]
pub struct LayerDeltas<'a> {
    pub adapters: &'a [Adapter],
    pub slices: &'a [Slice],
    pub layer: usize,
}

impl LayerDeltas<'_> {
    /// `y ← y + s · (x Aᵀ) Bᵀ`, each adapter for its own tokens: `x` `(N, in)`, `y` `(N, out)`.
    pub fn add(&self, product: Product, x: &Tensor, y: &mut Tensor) {
        for slice in self.slices {
            if let Some(delta) = &self.adapters[slice.adapter].layers[self.layer][product as usize] {
                let own = |all: &Tensor| all.narrow(0, slice.start, slice.n_tokens);
                let _ = own(y).addmm_(&own(x).mm(&delta.a), &delta.b);
            }
        }
    }
}

impl Adapter {
    /// Reads `adapter_config.json` and `adapter_model.safetensors` for a base of this configuration.
    pub fn load(folder: &Path, config: &Config, place: Place) -> Result<Adapter, LoadError> {
        let Opened { mut files, spec, listing } = Opened::read(folder, config)?;
        spec.need(&listing, config, place).check(place)?;
        let mut weights = Weights::read(&mut files, &listing, WORKBENCH, &mut |_| {})?;
        let layers = (0..config.num_hidden_layers)
            .map(|layer| Builder { spec: &spec, config, weights: &mut weights, layer, place }.layer())
            .collect::<Result<_, _>>()?;
        Ok(Adapter { layers, hash: files.hash() })
    }

    /// What [`Adapter::load`] will take.
    pub fn need(folder: &Path, config: &Config, place: Place) -> Result<Need, LoadError> {
        let Opened { spec, listing, .. } = Opened::read(folder, config)?;
        Ok(spec.need(&listing, config, place))
    }

    /// SHA-256 over the adapter's files, as [`Files::hash`] has it.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// An adapter whose configuration and header have been read.
struct Opened {
    files: Files,
    spec: Spec,
    listing: Listing,
}

impl Opened {
    fn read(folder: &Path, config: &Config) -> Result<Opened, LoadError> {
        const CONFIG: &str = "adapter_config.json";
        let mut files = Files::of(folder);
        let spec = Spec::parse(&files.read_text(CONFIG)?, &files.path(CONFIG), config)?;
        let names = [adapter_file(&files)?];
        let (expected, optional) = (spec.expected(config), Expected::new());
        let wanted = Wanted { expected: &expected, optional: &optional, layout: config.layout };
        let listing = Listing::read(&files, &names, &wanted)?;
        Ok(Opened { files, spec, listing })
    }
}

/// Puts one layer's pieces together.
struct Builder<'a> {
    spec: &'a Spec,
    config: &'a Config,
    weights: &'a mut Weights,
    layer: i64,
    place: Place,
}

impl Builder<'_> {
    fn layer(&mut self) -> Result<LayerAdapter, LoadError> {
        let [qkv, o, gate_up, down] = Product::ALL.map(|product| self.delta(product));
        Ok([qkv?, o?, gate_up?, down?])
    }

    fn delta(&mut self, product: Product) -> Result<Option<Delta>, LoadError> {
        let modules = product.modules(self.config);
        let n_targets = modules.iter().filter(|module| self.spec.targets(module, self.layer)).count() as i64;
        if n_targets == 0 {
            return Ok(None);
        }
        let (n_outputs, n_inputs) = product.shape(self.config);
        let stacked = |n_columns| Tensor::zeros([n_targets * self.spec.rank, n_columns], WORKBENCH.options());
        let (a, b) = (stacked(n_inputs), stacked(n_outputs));
        self.fill(&modules, &a, &b);
        self.placed(&a, &b).map(Some)
    }

    /// Copies A below A into `a`, and the scaled transpose of each B onto the diagonal of `b`.
    fn fill(&mut self, modules: &[Module], a: &Tensor, b: &Tensor) {
        let Spec { rank, scale, .. } = *self.spec;
        let (mut row, mut column) = (0, 0);
        for module in modules {
            if self.spec.targets(module, self.layer) {
                let path = tensor_path(module, self.layer);
                a.narrow(0, row, rank).copy_(&self.weights.take(&format!("{path}.lora_A.weight")));
                let scaled = self.weights.take(&format!("{path}.lora_B.weight")).transpose(0, 1) * scale; // (R, out)
                b.narrow(0, row, rank).narrow(1, column, module.n_outputs).copy_(&scaled);
                row += rank;
            }
            column += module.n_outputs;
        }
    }

    fn placed(&self, a: &Tensor, b: &Tensor) -> Result<Delta, LoadError> {
        let place = |matrix: &Tensor| matrix.f_to_device_(self.place.device, self.place.kind, false, false);
        let delta = place(a).and_then(|a| Ok(Delta { a: a.transpose(0, 1), b: place(b)? }));
        delta.map_err(|reason| LoadError::Torch { doing: format!("place the adapter of layer {}", self.layer), reason })
    }
}

/// A module's name in an adapter's file.
fn tensor_path(module: &Module, layer: i64) -> String {
    format!("base_model.model.{}", module.path(layer))
}

/// What `adapter_config.json` asks for.
#[derive(Debug)]
struct Spec {
    rank: i64,
    /// `alpha / r`, or `alpha / √r` with `use_rslora`.
    scale: f64,
    targets: Targets,
}

#[derive(Debug)]
enum Targets {
    All,
    /// Ends of module names, at a dot.
    Suffixes(Vec<String>),
}

impl Spec {
    fn parse(bytes: &[u8], file: &Path, config: &Config) -> Result<Spec, LoadError> {
        let options =
            serde_json::from_slice(bytes).map_err(|reason| LoadError::Parse { file: file.to_owned(), reason })?;
        let options = Options { options, file: file.to_owned() };
        options.refuse_unknown()?;
        let (rank, alpha) = (options.rank()?, options.alpha()?);
        let divisor = if options.is_on("use_rslora") { (rank as f64).sqrt() } else { rank as f64 };
        let spec = Spec { rank, scale: alpha / divisor, targets: options.targets()? };
        options.refuse_targets_outside(&spec, config)?;
        Ok(spec)
    }

    fn targets(&self, module: &Module, layer: i64) -> bool {
        match &self.targets {
            Targets::All => true,
            Targets::Suffixes(suffixes) => suffixes.iter().any(|suffix| is_suffix(suffix, &module.path(layer))),
        }
    }

    /// The ranks of these modules, stacked.
    fn n_ranks(&self, modules: &[Module], layer: i64) -> i64 {
        modules.iter().filter(|module| self.targets(module, layer)).count() as i64 * self.rank
    }

    /// The tensors of the file are all there in f32 while the matrices are put together.
    fn need(&self, listing: &Listing, config: &Config, place: Place) -> Need {
        let layers = (0..config.num_hidden_layers)
            .flat_map(|layer| Product::ALL.map(|product| n_values(self, config, product, layer)));
        let weights_bytes = layers.map(|n_values| place.held_bytes(n_values)).sum();
        Need { weights_bytes, cache_bytes: 0, reading_bytes: listing.need(WORKBENCH).total_bytes() }
    }

    fn expected(&self, config: &Config) -> Expected {
        let mut expected = Expected::new();
        for (layer, module) in all_modules(config).filter(|(layer, module)| self.targets(module, *layer)) {
            let path = tensor_path(&module, layer);
            expected.insert(format!("{path}.lora_A.weight"), vec![self.rank, module.n_inputs]);
            expected.insert(format!("{path}.lora_B.weight"), vec![module.n_outputs, self.rank]);
        }
        expected
    }
}

/// The values of the matrices of one layer's product, zeros included.
fn n_values(spec: &Spec, config: &Config, product: Product, layer: i64) -> u64 {
    let (n_outputs, n_inputs) = product.shape(config);
    let n_ranks = spec.n_ranks(&product.modules(config), layer);
    (n_ranks * (n_inputs + n_outputs)) as u64
}

fn all_modules(config: &Config) -> impl Iterator<Item = (i64, Module)> {
    let of_layer =
        |layer| Product::ALL.iter().flat_map(|product| product.modules(config)).map(move |module| (layer, module));
    (0..config.num_hidden_layers).flat_map(of_layer)
}

fn is_suffix(suffix: &str, path: &str) -> bool {
    path.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The keys of `adapter_config.json`, as they stand.
struct Options {
    options: Map<String, Value>,
    file: PathBuf,
}

/// Keys that are read here.
const UNDERSTOOD: [&str; 6] = ["peft_type", "r", "lora_alpha", "use_rslora", "target_modules", "init_lora_weights"];

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
    /// PEFT gains variants of LoRA with every release, each behind a key of its own: whatever is not known must be off.
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

    fn rank(&self) -> Result<i64, LoadError> {
        let rank = self.options.get("r").and_then(Value::as_i64);
        rank.filter(|rank| (1..=1 << 14).contains(rank)).ok_or_else(|| self.absurd("r"))
    }

    fn alpha(&self) -> Result<f64, LoadError> {
        let alpha = self.options.get("lora_alpha").and_then(Value::as_f64);
        alpha.filter(|alpha| alpha.is_finite()).ok_or_else(|| self.absurd("lora_alpha"))
    }

    fn is_on(&self, key: &str) -> bool {
        self.options.get(key).is_some_and(|value| !is_off(value))
    }

    /// A list of names or the word `all-linear`. A single name, which PEFT would take as a pattern for whole paths, is
    /// taken as a list of one; any other pattern is refused.
    fn targets(&self) -> Result<Targets, LoadError> {
        let refused = || self.unsupported("target_modules");
        match self.options.get("target_modules") {
            Some(Value::String(all)) if all == "all-linear" => Ok(Targets::All),
            Some(Value::String(name)) if is_name(name) => Ok(Targets::Suffixes(vec![name.clone()])),
            Some(Value::Array(names)) if !names.is_empty() => {
                let names: Option<Vec<_>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
                names.map(Targets::Suffixes).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }

    /// Names that fit none of the seven linear layers, such as `lm_head` or `embed_tokens`.
    fn refuse_targets_outside(&self, spec: &Spec, config: &Config) -> Result<(), LoadError> {
        let Targets::Suffixes(suffixes) = &spec.targets else { return Ok(()) };
        let fits = |suffix: &str| all_modules(config).any(|(layer, module)| is_suffix(suffix, &module.path(layer)));
        match suffixes.iter().find(|suffix| !fits(suffix)) {
            Some(other) => Err(self.unsupported_value("target_modules", other.clone())),
            None => Ok(()),
        }
    }

    fn unsupported(&self, key: &str) -> LoadError {
        self.unsupported_value(key, self.options.get(key).unwrap_or(&Value::Null).to_string())
    }

    fn unsupported_value(&self, key: &str, value: String) -> LoadError {
        LoadError::Unsupported { file: self.file.clone(), option: key.to_owned(), value }
    }

    fn absurd(&self, key: &str) -> LoadError {
        let value = self.options.get(key).unwrap_or(&Value::Null);
        LoadError::Absurd { file: self.file.clone(), reason: format!("{key} is {value}") }
    }
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

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
