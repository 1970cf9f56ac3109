//! The arithmetic of a decoder with LoRA: ids in, ids out.
//!
//! There is one text of the decoder, on tensors of libtorch. On the processor its operations are those of the house's own
//! `kernels`, elsewhere libtorch's; each operation (`linear.rs`, `rotary.rs`, `attention.rs`, …) holds both.
//!
//! There is one decoder. What the families (Qwen2, Qwen3, Llama, Mistral, Gemma 2, Gemma 3) do differently are fields
//! of its [`Config`].
//! One [`Base`] holds the weights that all variants share and any number of adapters beside them, unmerged.
//! [`TorchRunner`] runs a step for the rows of all variants at once, so the base weights are read once for all.
//! Knows no text, no HTTP and no SQL.
//!
//! A model belongs to one thread, which hands the runner its batches. Wrong shapes are bugs and panic here; what comes
//! from outside (files, batches) is checked first and refused with a sentence.
//!
//! Shapes are written with these letters:
//!
//! | letter | counts |
//! |---|---|
//! | `B` | rows: sequences in a step |
//! | `N` | tokens of all rows of a step, laid end to end |
//! | `T` | new tokens of one row |
//! | `S` | cached positions |
//! | `H` | query heads |
//! | `K` | key/value heads |
//! | `G` | query heads that share one key/value head, `H / K` |
//! | `D` | head size |
//! | `C` | hidden size |
//! | `V` | vocabulary |
//! | `R` | LoRA rank |

mod base;
mod need;
mod runner;
mod wanted;

mod attention;
mod cache;
mod decoder;
mod layer;
mod linear;
mod lora;
mod packed;
mod processor;
mod products;
mod rotary;
mod sampler;
mod scorer;

mod config;
mod error;
mod files;
mod header;
mod listing;
mod memory;
mod names;
mod placement;
mod weights;

pub use base::Base;
pub use config::{Architecture, Config};
pub use error::LoadError;
pub use memory::free_bytes;
pub use need::{AdapterSummary, Need, Summary};
pub use packed::Outputs;
pub use placement::{Arithmetic, DeviceChoice, Placement, PrecisionChoice, UnknownChoice};
pub use runner::TorchRunner;
pub use weights::Progress;
