//! A layer's weights, packed for multiplication.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::format::{Bf16, F16, F32, Format, Int4, Int8, TILE, Tile, WIDTH};
use crate::half::{bf16_to_f32, f16_to_f32};
use crate::lanes::N_LANES;
use crate::pool::Pool;
use crate::share::Share;

/// How weights are kept. The arithmetic is in f32 for all of them, with one exception: processors with dot products of
/// bf16 pairs round rows to bf16 where they meet a matrix in bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    F32,
    Bf16,
    F16,
    /// Whole numbers in ±127 with one scale for 32 inputs of an output: 9 bits per weight.
    Int8,
    /// 16 even steps with one step and least value for 32 inputs of an output: 5 bits per weight.
    Int4,
}

impl Precision {
    pub const ALL: [Precision; 5] = [Precision::F32, Precision::Bf16, Precision::F16, Precision::Int8, Precision::Int4];
}

/// Weights `(out, in)` in panels of 16 outputs, and a bias.
pub struct Matrix {
    n_outputs: usize,
    n_inputs: usize,
    precision: Precision,
    panels: Buffer,
    panel_bytes: usize,
    /// One number per output, to whole panels.
    bias: Option<Vec<f32>>,
}

/// Weights `(out, in)` as a checkpoint has them, one output after the other.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub n_outputs: usize,
    pub values: Values<'a>,
}

/// Numbers as a checkpoint has them; those of 16 bits as their bits.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    F32(&'a [f32]),
    Bf16(&'a [u16]),
    F16(&'a [u16]),
}

impl Values<'_> {
    pub fn len(self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::Bf16(values) | Values::F16(values) => values.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn copy_to(self, range: Range<usize>, into: &mut [f32]) {
        match self {
            Values::F32(values) => into.copy_from_slice(&values[range]),
            Values::Bf16(values) => convert(&values[range], bf16_to_f32, into),
            Values::F16(values) => convert(&values[range], f16_to_f32, into),
        }
    }
}

fn convert(from: &[u16], one: fn(u16) -> f32, into: &mut [f32]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into = one(*from));
}

/// Calls a function that is generic over a [`Format`] with the one of a precision.
macro_rules! with_format {
    ($precision:expr, $format:ident => $body:expr) => {
        match $precision {
            Precision::F32 => {
                type $format = F32;
                $body
            }
            Precision::Bf16 => {
                type $format = Bf16;
                $body
            }
            Precision::F16 => {
                type $format = F16;
                $body
            }
            Precision::Int8 => {
                type $format = Int8;
                $body
            }
            Precision::Int4 => {
                type $format = Int4;
                $body
            }
        }
    };
}
pub(crate) use with_format;

impl Matrix {
    /// Packs matrices of one width, one below the other: products that share an input become one.
    ///
    /// Panics if a part is not `n_outputs · n_inputs` long.
    pub fn pack(pool: &Pool, parts: &[Rows], n_inputs: usize, precision: Precision) -> Matrix {
        for part in parts {
            assert_eq!(part.values.len(), part.n_outputs * n_inputs, "weights are outputs × inputs");
        }
        let n_outputs = parts.iter().map(|part| part.n_outputs).sum();
        with_format!(precision, F => pack::<F>(pool, &Stack { parts, n_inputs, n_outputs }, precision))
    }

    /// The same with a bias, one number per output.
    pub fn with_bias(mut self, bias: &[f32]) -> Matrix {
        assert_eq!(bias.len(), self.n_outputs, "there is one bias per output");
        let mut padded = bias.to_vec();
        padded.resize(self.n_panels() * WIDTH, 0.0);
        self.bias = Some(padded);
        self
    }

    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Memory that the weights take.
    pub fn n_bytes(&self) -> usize {
        self.panels.n_bytes() + self.bias.as_ref().map_or(0, |bias| 4 * bias.len())
    }

    /// Memory that a matrix without a bias takes, of any number of parts.
    pub fn n_bytes_of(n_outputs: u64, n_inputs: u64, precision: Precision) -> u64 {
        let panel_bytes = with_format!(precision, F => panel_bytes::<F>(n_inputs));
        n_outputs.div_ceil(WIDTH as u64).saturating_mul(panel_bytes)
    }

    /// The weights of one output: where the last layer is the transposed embedding, a token's embedding.
    pub fn row(&self, output: usize, into: &mut [f32]) {
        assert!(output < self.n_outputs, "output {output} of {}", self.n_outputs);
        assert_eq!(into.len(), self.n_inputs, "a row has one weight per input");
        let panel = self.panel_bytes(output / WIDTH);
        with_format!(self.precision, F => {
            for (input, weight) in into.iter_mut().enumerate() {
                let idx = input / F::GROUP;
                let group = &panel[idx * F::GROUP_BYTES..][..F::GROUP_BYTES];
                *weight = F::weight(group, input - idx * F::GROUP, output % WIDTH);
            }
        });
    }

    pub(crate) fn n_panels(&self) -> usize {
        self.n_outputs.div_ceil(WIDTH)
    }

    pub(crate) fn panel(&self, idx: usize) -> *const u8 {
        self.panel_bytes(idx).as_ptr()
    }

    /// Bytes from one panel to the next.
    pub(crate) fn panel_stride(&self) -> usize {
        self.panel_bytes
    }

    fn panel_bytes(&self, idx: usize) -> &[u8] {
        assert!(idx < self.n_panels(), "panel {idx} of {}", self.n_panels());
        // SAFETY: the buffer holds that many panels.
        unsafe { std::slice::from_raw_parts(self.panels.as_ptr().add(idx * self.panel_bytes), self.panel_bytes) }
    }

    /// 16 numbers for a panel's outputs.
    pub(crate) fn bias(&self, panel: usize) -> Option<*const f32> {
        self.bias.as_ref().map(|bias| bias[panel * WIDTH..][..2 * N_LANES].as_ptr())
    }
}

/// Matrices one below the other.
struct Stack<'a> {
    parts: &'a [Rows<'a>],
    n_inputs: usize,
    n_outputs: usize,
}

impl Stack<'_> {
    /// Weights of the inputs from `start` on for the outputs of a panel, zeros beyond the last.
    fn tile(&self, panel: usize, start: usize) -> Tile {
        let mut tile = [[0.0; TILE]; WIDTH];
        let n = TILE.min(self.n_inputs - start);
        for (i, weights) in tile.iter_mut().enumerate().take(self.n_outputs - (panel * WIDTH).min(self.n_outputs)) {
            let (part, output) = self.find(panel * WIDTH + i);
            let first = output * self.n_inputs + start;
            part.values.copy_to(first..first + n, &mut weights[..n]);
        }
        tile
    }

    fn find(&self, mut output: usize) -> (&Rows<'_>, usize) {
        for part in self.parts {
            if output < part.n_outputs {
                return (part, output);
            }
            output -= part.n_outputs;
        }
        unreachable!("the parts have as many outputs as their sum")
    }
}

fn panel_bytes<F: Format>(n_inputs: u64) -> u64 {
    n_inputs.div_ceil(F::GROUP as u64).saturating_mul(F::GROUP_BYTES as u64)
}

fn pack<F: Format>(pool: &Pool, stack: &Stack, precision: Precision) -> Matrix {
    let (n_outputs, n_inputs) = (stack.n_outputs, stack.n_inputs);
    let panel_bytes = panel_bytes::<F>(n_inputs as u64) as usize;
    let n_panels = n_outputs.div_ceil(WIDTH);
    let mut panels = Buffer::zeroed(n_panels * panel_bytes);
    let share = Share::new(panels.bytes_mut());
    pool.run(n_panels, |panel| {
        // SAFETY: every task writes to its own panel.
        let bytes = unsafe { share.part(panel * panel_bytes, panel_bytes) };
        pack_panel::<F>(stack, panel, bytes);
    });
    Matrix { n_outputs, n_inputs, precision, panels, panel_bytes, bias: None }
}

fn pack_panel<F: Format>(stack: &Stack, panel: usize, bytes: &mut [u8]) {
    for (idx, groups) in bytes.chunks_mut(TILE / F::GROUP * F::GROUP_BYTES).enumerate() {
        let tile = stack.tile(panel, idx * TILE);
        for (idx, group) in groups.chunks_mut(F::GROUP_BYTES).enumerate() {
            F::pack(&tile, idx * F::GROUP, group);
        }
    }
}

#[cfg(test)]
mod tests;
