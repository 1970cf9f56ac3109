//! LoRA adapters in PEFT layout, kept apart from the base so that rows of all variants share its weights.

mod spec;
mod targets;

use std::path::Path;

use tch::Tensor;
use tch::kind::FLOAT_CPU;

use crate::LoadError;
use crate::config::Config;
use crate::files::Files;
use crate::linear::Linear;
use crate::listing::{Expected, Listed, Listing, Wanted, adapter_file};
use crate::need::{AdapterSummary, Need};
use crate::packed::Slice;
use crate::placement::{Place, Plan, WORKBENCH};
use crate::products::{Module, Product};
use crate::weights::Weights;
use spec::{Change, Spec, tensor_path};

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
    /// `(R, in)`
    a: Linear,
    /// `(out, R)`
    b: Linear,
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
                delta.b.add_to(&delta.a.forward(&own(x)), &mut own(y));
            }
        }
    }
}

impl Adapter {
    /// Reads `adapter_config.json` and `adapter_model.safetensors` for a base of this configuration.
    pub fn load(folder: &Path, config: &Config, place: &Place) -> Result<Adapter, LoadError> {
        let Opened { mut files, spec, listing } = Opened::read(folder, config)?;
        need(&spec, &listing, config, place.plan).check(place.plan)?;
        let mut weights = Weights::read(&mut files, &listing, WORKBENCH, &mut |_| {})?;
        let layers = (0..config.num_hidden_layers)
            .map(|layer| Builder { spec: &spec, config, weights: &mut weights, layer, place }.layer())
            .collect::<Result<_, _>>()?;
        Ok(Adapter { layers, hash: files.hash() })
    }

    /// What [`Adapter::load`] will find and take.
    pub fn describe(folder: &Path, config: &Config, plan: Plan) -> Result<AdapterSummary, LoadError> {
        let Opened { spec, listing, .. } = Opened::read(folder, config)?;
        Ok(AdapterSummary {
            rank: spec.largest_rank() as u32,
            n_parameters: listing.tensors().map(Listed::n_values).sum(),
            need: need(&spec, &listing, config, plan),
        })
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
    place: &'a Place,
}

impl Builder<'_> {
    fn layer(&mut self) -> Result<LayerAdapter, LoadError> {
        let [qkv, o, gate_up, down] = Product::ALL.map(|product| self.delta(product));
        Ok([qkv?, o?, gate_up?, down?])
    }

    fn delta(&mut self, product: Product) -> Result<Option<Delta>, LoadError> {
        let modules = product.modules(self.config);
        let n_ranks = self.spec.n_ranks(&modules, self.layer);
        if n_ranks == 0 {
            return Ok(None);
        }
        let (n_outputs, n_inputs) = product.shape(self.config);
        let zeros = |shape: [i64; 2]| Tensor::zeros(shape, FLOAT_CPU);
        let (a, b) = (zeros([n_ranks, n_inputs]), zeros([n_outputs, n_ranks]));
        self.fill(&modules, &a, &b);
        self.placed(&a, &b).map(Some)
    }

    /// Copies A below A into `a`, and each B, scaled, onto the diagonal of `b`.
    fn fill(&mut self, modules: &[Module], a: &Tensor, b: &Tensor) {
        let (mut first_rank, mut output) = (0, 0);
        for module in modules {
            if let Some(Change { rank, scale }) = self.spec.of(module, self.layer) {
                let path = tensor_path(module, self.layer);
                a.narrow(0, first_rank, rank).copy_(&self.weights.take(&format!("{path}.lora_A.weight")));
                let scaled = self.weights.take(&format!("{path}.lora_B.weight")) * scale; // (out, R)
                b.narrow(0, output, module.n_outputs).narrow(1, first_rank, rank).copy_(&scaled);
                first_rank += rank;
            }
            output += module.n_outputs;
        }
    }

    fn placed(&self, a: &Tensor, b: &Tensor) -> Result<Delta, LoadError> {
        let (device, kind) = (self.place.device, self.place.rounding());
        let place = |matrix: &Tensor| {
            let matrix = matrix.f_to_device_(device, kind, false, false)?;
            Linear::stack(&[matrix], None, self.place.delta_precision(), self.place)
        };
        let delta = place(a).and_then(|a| Ok(Delta { a, b: place(b)? }));
        delta.map_err(|reason| LoadError::Torch { doing: format!("place the adapter of layer {}", self.layer), reason })
    }
}

/// The tensors of the file are all there in f32 while the matrices are put together.
fn need(spec: &Spec, listing: &Listing, config: &Config, plan: Plan) -> Need {
    let deltas = (0..config.num_hidden_layers).flat_map(|layer| Product::ALL.map(|product| (product, layer)));
    let weights_bytes = deltas.map(|(product, layer)| held_bytes(spec, config, plan, (product, layer))).sum();
    let reading_bytes = listing.arrived_bytes(WORKBENCH) + listing.largest_bytes_read();
    Need { weights_bytes, cache_bytes: 0, reading_bytes }
}

/// What the matrices of one layer's product take, zeros included.
fn held_bytes(spec: &Spec, config: &Config, plan: Plan, (product, layer): (Product, i64)) -> u64 {
    let (n_outputs, n_inputs) = product.shape(config);
    let n_ranks = spec.n_ranks(&product.modules(config), layer);
    let held = |shape: [i64; 2]| plan.held_bytes(&shape, plan.delta_precision());
    held([n_ranks, n_inputs]) + held([n_outputs, n_ranks])
}
