//! Rotary position embedding: turns each pair of a head's values by an angle that grows with the position.

use std::f64::consts::TAU;

use tch::{Device, Kind, Tensor};

use crate::config::{Llama3, Rope, RopeScaling, Yarn};
use crate::layer::Heads;
use crate::placement::Place;
use crate::processor::{Processor, numbers};

/// The speeds at which the pairs of a head turn.
pub struct Rotary {
    /// `(D)`, radians per position: the first half of the head turns backwards, the second half forwards.
    ///
    /// `cos` is the same for both signs and `sin` is not, which spares `rotate_half` its negation.
    speeds: Tensor,
    /// How much longer the turned values become.
    growth: f64,
    place: Place,
}

impl Rotary {
    pub fn new(rope: Rope, head_dim: i64, place: &Place) -> Rotary {
        let forwards = scaled(plain_speeds(rope.theta, head_dim), rope, head_dim); // (D / 2)
        let speeds = Tensor::cat(&[-&forwards, forwards], 0).to_device(place.device); // (D)
        let growth = match rope.scaling {
            RopeScaling::Yarn(yarn) => yarn.attention_factor,
            _ => 1.0,
        };
        Rotary { speeds, growth, place: place.clone() }
    }

    /// The turns of tokens at these positions `(N)`: looked up once for all layers of a step.
    ///
    /// Computed in f32, because a bf16 angle would be off by whole turns, and rounded at the end.
    pub fn at(&self, positions: &Tensor) -> Turns {
        match &self.place.processor {
            Some(processor) => self.at_one_by_one(processor, positions),
            None => self.at_once(positions),
        }
    }

    /// libtorch takes a cosine by one of two ways, depending on where in a tensor it stands.
    fn at_one_by_one(&self, processor: &Processor, positions: &Tensor) -> Turns {
        let forwards = self.speeds.narrow(0, self.speeds.size()[0] / 2, self.speeds.size()[0] / 2).contiguous();
        let positions = Vec::<i64>::try_from(positions).expect("positions are a row of integers");
        let angles = || positions.iter().flat_map(|it| numbers(&forwards).iter().map(move |speed| *it as f32 * speed));
        let growth = self.growth as f32;
        let (cos, sin) = angles().map(|angle| (angle.cos() * growth, angle.sin() * growth)).unzip();
        Turns::Processor { processor: processor.clone(), cos, sin }
    }

    fn at_once(&self, positions: &Tensor) -> Turns {
        let angles = (positions.to_kind(Kind::Float).unsqueeze(1) * &self.speeds).unsqueeze(1); // (N, 1, D)
        let rounded = |x: Tensor| (x * self.growth).to_kind(self.place.kind);
        Turns::Torch { cos: rounded(angles.cos()), sin: rounded(angles.sin()) }
    }
}

/// How far the tokens of one step turn.
pub enum Turns {
    /// Cosines and signed sines `(N, 1, D)`.
    Torch { cos: Tensor, sin: Tensor },
    /// Cosines and sines of the forward half, `N · D / 2` of them.
    Processor { processor: Processor, cos: Vec<f32>, sin: Vec<f32> },
}

impl Turns {
    /// `x ← x · cos + rotate_half(x) · sin` in place for queries and keys, `(N, (H + 2K) · D)`.
    pub fn apply(&self, qkv: &mut Tensor, heads: Heads) {
        match self {
            Turns::Torch { cos, sin } => {
                let mut x = heads.split(qkv).narrow(1, 0, heads.n_query + heads.n_key);
                let halves_swapped = x.roll(heads.size / 2, 2);
                let _ = x.g_mul_(cos);
                let _ = x.addcmul_(&halves_swapped, sin);
            }
            Turns::Processor { processor, cos, sin } => {
                processor.turn(qkv, heads, kernels::rotary::Turns { cos, sin });
            }
        }
    }
}

/// `θ ^ (-2i / D)`, `(D / 2)`.
fn plain_speeds(theta: f64, head_dim: i64) -> Tensor {
    let exponents = Tensor::arange_start_step(0, head_dim, 2, (Kind::Float, Device::Cpu)) / head_dim as f64;
    Tensor::pow_scalar(theta, &exponents).reciprocal()
}

fn scaled(speeds: Tensor, rope: Rope, head_dim: i64) -> Tensor {
    match rope.scaling {
        RopeScaling::None | RopeScaling::Dynamic => speeds,
        RopeScaling::Linear { factor } => speeds / factor,
        RopeScaling::Llama3(llama3) => llama3.scaled(&speeds),
        RopeScaling::Yarn(yarn) => yarn.scaled(&speeds, rope.theta, head_dim),
    }
}

/// `speeds / factor` where `slowness` is 1, `speeds` where it is 0, all `(D / 2)`.
fn slowed(speeds: &Tensor, factor: f64, slowness: &Tensor) -> Tensor {
    speeds / factor * slowness + speeds * (1.0 - slowness)
}

impl Llama3 {
    /// The slope is over the turns that a pair makes within the original length.
    fn scaled(&self, speeds: &Tensor) -> Tensor {
        let n_turns = speeds * (self.original_positions / TAU);
        let fastness = (n_turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor);
        slowed(speeds, self.factor, &(1.0 - fastness.clamp(0.0, 1.0)))
    }
}

impl Yarn {
    /// The slope is over the pairs, from the last fast one to the first slow one.
    fn scaled(&self, speeds: &Tensor, theta: f64, head_dim: i64) -> Tensor {
        let pair_that_makes =
            |n_turns: f64| head_dim as f64 * (self.original_positions / (n_turns * TAU)).ln() / (2.0 * theta.ln());
        let (start, end) = (pair_that_makes(self.beta_fast), pair_that_makes(self.beta_slow));
        let (start, end) = if self.truncate { (start.floor(), end.ceil()) } else { (start, end) };
        let (start, end) = (start.max(0.0), end.min((head_dim - 1) as f64));
        let end = if start == end { end + 0.001 } else { end };
        let pairs = Tensor::arange(head_dim / 2, (Kind::Float, Device::Cpu));
        slowed(speeds, self.factor, &((pairs - start) / (end - start)).clamp(0.0, 1.0))
    }
}
