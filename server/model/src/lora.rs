//! LoRA adapters in PEFT layout, kept apart from the base so that rows of all variants share its weights.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use tch::{Kind, Tensor};

use crate::LoadError;
use crate::config::Config;
use crate::files::Files;
use crate::packed::Slice;
use crate::placement::Place;
use crate::weights::{Expected, WORKBENCH, Wanted, Weights, adapter_file};

/// One variant's difference from the base.
pub struct Adapter {
    layers: Vec<LayerAdapter>,
    hash: String,
}

/// A layer's differences, by the product they are added to.
#[derive(Default)]
struct LayerAdapter {
    qkv: Option<Delta>,
    o: Option<Delta>,
    gate_up: Option<Delta>,
    down: Option<Delta>,
}

/// `s · (x Aᵀ) Bᵀ` of all modules that share the input of one product.
///
/// Their A matrices are stacked, and their B matrices stand on a diagonal with zeros beside: two small products serve
/// q, k and v. The scale is already in B.
struct Delta {
    /// `(in, R)`
    a: Tensor,
    /// `(R, out)`
    b: Tensor,
}

/// The products of a layer that adapters add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Qkv,
    O,
    GateUp,
    Down,
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
            if let Some(delta) = self.adapters[slice.adapter].layers[self.layer].delta(product) {
                let own = |all: &Tensor| all.narrow(0, slice.start, slice.n_tokens);
                let _ = own(y).addmm_(&own(x).mm(&delta.a), &delta.b);
            }
        }
    }
}

impl LayerAdapter {
    fn delta(&self, product: Product) -> Option<&Delta> {
        match product {
            Product::Qkv => self.qkv.as_ref(),
            Product::O => self.o.as_ref(),
            Product::GateUp => self.gate_up.as_ref(),
            Product::Down => self.down.as_ref(),
        }
    }
}

impl Adapter {
    /// Reads `adapter_config.json` and `adapter_model.safetensors` for a base of this configuration.
    pub fn load(folder: &Path, config: &Config, place: Place) -> Result<Adapter, LoadError> {
        const CONFIG: &str = "adapter_config.json";
        let mut files = Files::of(folder);
        let bytes = files.read(CONFIG, &mut |_| {})?;
        let spec = Spec::parse(&bytes, &files.path(CONFIG))?;
        let modules = spec.modules(config);
        let expected = modules.iter().flat_map(|module| module.expected(spec.rank)).collect();
        let mut weights = read(&mut files, &expected)?;
        let layers = (0..config.num_hidden_layers)
            .map(|layer| Builder { spec: &spec, config, weights: &mut weights, layer, place }.layer())
            .collect::<Result<_, _>>()?;
        Ok(Adapter { layers, hash: files.hash() })
    }

    pub fn hash(&self) -> &str {
        &self.hash
    }
}
