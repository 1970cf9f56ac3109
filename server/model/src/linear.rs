//! A matrix of weights, wherever it is multiplied.

use kernels::Precision;
use tch::Tensor;

use crate::placement::Place;
use crate::processor::PackedMatrix;

/// A matrix `(out, in)` and its bias.
#[derive(Debug)]
pub enum Linear {
    Torch { weight: Tensor, bias: Option<Tensor> },
    Packed(PackedMatrix),
}

impl Linear {
    /// Puts matrices of one width below each other. The processor keeps them in `precision`; elsewhere they stay as
    /// they are.
    pub fn stack(
        parts: &[Tensor],
        bias: Option<Tensor>,
        precision: Precision,
        place: &Place,
    ) -> Result<Linear, tch::TchError> {
        match &place.processor {
            Some(processor) => Ok(Linear::Packed(processor.pack(parts, bias.as_ref(), precision))),
            None => Ok(Linear::Torch { weight: Tensor::f_cat(parts, 0)?, bias }),
        }
    }

    /// `y = x Wᵀ + b`, `(N, in)` → `(N, out)`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        match self {
            Linear::Torch { weight, bias } => x.linear(weight, bias.as_ref()),
            Linear::Packed(matrix) => matrix.multiply(x),
        }
    }

    /// `y ← y + x Wᵀ`, `x` `(N, in)`, `y` `(N, out)`, without the bias.
    pub fn add_to(&self, x: &Tensor, y: &mut Tensor) {
        match self {
            Linear::Torch { weight, .. } => {
                let _ = y.addmm_(x, &weight.transpose(0, 1));
            }
            Linear::Packed(matrix) => matrix.multiply_add(x, y),
        }
    }

    /// Rows of the matrix, ids `(N)` → `(N, in)`.
    pub fn look_up(&self, ids: &Tensor) -> Tensor {
        match self {
            Linear::Torch { weight, .. } => weight.index_select(0, ids),
            Linear::Packed(matrix) => matrix.look_up(ids),
        }
    }

    /// The same matrix, held twice and stored once.
    pub fn share(&self) -> Linear {
        match self {
            Linear::Torch { weight, bias } => {
                Linear::Torch { weight: weight.shallow_clone(), bias: bias.as_ref().map(Tensor::shallow_clone) }
            }
            Linear::Packed(matrix) => Linear::Packed(matrix.clone()),
        }
    }
}
