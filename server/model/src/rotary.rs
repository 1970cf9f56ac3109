//! Rotary position embedding: turns each pair of a head's values by an angle that grows with the position.

use tch::{Device, Kind, Tensor};

use crate::config::{Rope, RopeScaling};
use crate::placement::Place;

/// The speeds at which the pairs of a head turn.
pub struct Rotary {
    /// `(D)`, radians per position: the first half of the head turns backwards, the second half forwards.
    ///
    /// `cos` is the same for both signs and `sin` is not, which spares `rotate_half` its negation.
    speeds: Tensor,
    place: Place,
}

impl Rotary {
    pub fn new(rope: Rope, head_dim: i64, place: Place) -> Rotary {
        let stretch = match rope.scaling {
            RopeScaling::None => 1.0,
            RopeScaling::Linear { factor } => factor,
        };
        let exponents = Tensor::arange_start_step(0, head_dim, 2, (Kind::Float, Device::Cpu)) / head_dim as f64;
        let forwards = Tensor::pow_scalar(rope.theta, &exponents).reciprocal() / stretch; // (D / 2)
        let speeds = Tensor::cat(&[-&forwards, forwards], 0).to_device(place.device); // (D)
        Rotary { speeds, place }
    }

    /// The turns of tokens at these positions `(N)`: looked up once for all layers of a step.
    ///
    /// Computed in f32, because a bf16 angle would be off by whole turns, and rounded at the end.
    pub fn at(&self, positions: &Tensor) -> Turns {
        let angles = (positions.to_kind(Kind::Float).unsqueeze(1) * &self.speeds).unsqueeze(1); // (N, 1, D)
        Turns { cos: angles.cos().to_kind(self.place.kind), sin: angles.sin().to_kind(self.place.kind) }
    }
}

/// Cosines and signed sines `(N, 1, D)` of the tokens of one step.
pub struct Turns {
    cos: Tensor,
    sin: Tensor,
}

impl Turns {
    /// `x ← x · cos + rotate_half(x) · sin` in place, `x` `(N, heads, D)`.
    pub fn apply(&self, x: &mut Tensor) {
        let halves_swapped = x.roll(x.size()[2] / 2, 2);
        let _ = x.g_mul_(&self.cos);
        let _ = x.addcmul_(&halves_swapped, &self.sin);
    }
}
