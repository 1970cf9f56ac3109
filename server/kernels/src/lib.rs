//! The arithmetic of a decoder on the processor: slices of numbers in, slices of numbers out.
//!
//! **A row's result does not depend on its company.** Every output is summed up in one fixed order, whatever other rows
//! stand in the step, however many threads work on it and however a text was cut into pieces. So what is computed in a
//! batch is, bit for bit, what is computed alone.
//!
//! [`Matrix`] holds packed weights in one of five precisions and multiplies rows by them; [`norm`], [`rotary`],
//! [`activation`] and [`attention`] are the rest of a layer; [`sample`] and [`likelihood`] read the logits. All of them
//! run on a [`Pool`] of threads, which also knows what [`Instructions`] the processor has.
//!
//! Numbers between the operations are f32. Knows nothing of models, files, or the rest of the house.

#![expect(
    clippy::needless_range_loop,
    reason = "in kernels an iterator's closure that is not inlined would be compiled without the instructions"
)]

mod matrix;
mod pool;

pub mod activation;
pub mod attention;
pub mod likelihood;
pub mod norm;
pub mod rotary;
pub mod sample;

mod dot;
mod format;
mod lanes;
mod multiply;

mod buffer;
mod half;
mod instructions;
mod share;
mod split;
#[cfg(test)]
mod testing;

pub use half::{bf16_from_f32, bf16_to_f32, f16_from_f32, f16_to_f32};
pub use instructions::Instructions;
pub use matrix::{Matrix, Precision, Rows, Values};
pub use pool::Pool;
