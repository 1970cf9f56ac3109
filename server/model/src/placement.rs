//! Where a model computes and in which precision: what was asked for, and what `auto` makes of it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tch::{Cuda, Device, Kind, Tensor};

use crate::LoadError;
use crate::config::Config;
use crate::products::Product;

/// What the configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    pub device: DeviceChoice,
    pub precision: PrecisionChoice,
}

/// `auto`, `cpu`, `cuda` or `cuda:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DeviceChoice {
    /// The first CUDA device where there is one, otherwise the processor.
    #[default]
    Auto,
    Cpu,
    Cuda(usize),
}

/// `auto`, `f32`, `bf16` or `f16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum PrecisionChoice {
    /// bf16 on CUDA; on the processor bf16 or f32, whichever computes this model faster there.
    #[default]
    Auto,
    F32,
    Bf16,
    F16,
}

/// Uses this many threads for each tensor operation of this thread and of those that begin to compute later.
///
/// On a busy machine fewer are faster: threads wait for each other in every product.
pub fn set_threads(n_threads: usize) {
    tch::set_num_threads(i32::try_from(n_threads).unwrap_or(i32::MAX).max(1));
}

impl Placement {
    pub(crate) fn resolve(self, config: &Config) -> Result<Place, LoadError> {
        let device = self.device.resolve()?;
        let kind = match self.precision {
            PrecisionChoice::F32 => Kind::Float,
            PrecisionChoice::Bf16 => Kind::BFloat16,
            PrecisionChoice::F16 => Kind::Half,
            PrecisionChoice::Auto if device.is_cuda() => Kind::BFloat16,
            PrecisionChoice::Auto => faster_on_processor(config),
        };
        Ok(Place { device, kind })
    }
}

impl DeviceChoice {
    pub(crate) fn resolve(self) -> Result<Device, LoadError> {
        match self {
            DeviceChoice::Auto => Ok(Device::cuda_if_available()),
            DeviceChoice::Cpu => Ok(Device::Cpu),
            DeviceChoice::Cuda(_) if !Cuda::is_available() => Err(self.absent("there is no CUDA device")),
            DeviceChoice::Cuda(idx) if idx as i64 >= Cuda::device_count() => {
                Err(self.absent("there are fewer devices"))
            }
            DeviceChoice::Cuda(idx) => Ok(Device::Cuda(idx)),
        }
    }

    /// What it comes to on this machine: `cpu` or `cuda:0`.
    pub fn name(self) -> String {
        match self {
            DeviceChoice::Auto if Cuda::is_available() => DeviceChoice::Cuda(0).to_string(),
            DeviceChoice::Auto => DeviceChoice::Cpu.to_string(),
            chosen => chosen.to_string(),
        }
    }

    fn absent(self, reason: &'static str) -> LoadError {
        LoadError::NoDevice { device: self.to_string(), reason }
    }
}

/// Where tensors lie and what they consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub device: Device,
    pub kind: Kind,
}

impl Place {
    pub fn options(self) -> (Kind, Device) {
        (self.kind, self.device)
    }

    /// What so many values take.
    pub fn held_bytes(self, n_values: u64) -> u64 {
        n_values.saturating_mul(self.kind.elt_size_in_bytes() as u64)
    }

    /// `cpu` or `cuda:0`.
    pub fn device_name(self) -> String {
        match self.device {
            Device::Cuda(idx) => format!("cuda:{idx}"),
            _ => "cpu".to_owned(),
        }
    }
}

/// `f32`, `bf16` or `f16`.
pub fn precision_name(kind: Kind) -> &'static str {
    match kind {
        Kind::BFloat16 => "bf16",
        Kind::Half => "f16",
        _ => "f32",
    }
}

/// The time of 32 tokens decides, measured in turns on matrices of this model's shapes, in a few milliseconds.
///
/// 32 tokens are a piece of a prompt or a batch of answers. With so many the processor's instructions decide: with
/// bf16 ones it is two or three times as fast in bf16, without them about ten times slower. With one token alone both
/// wait for memory.
///
/// Answers depend on the precision to the last digit, so a machine should decide alike each time, however busy: the
/// fastest of several runs on one thread counts, and bf16, half the memory, stays unless f32 is faster by a third.
fn faster_on_processor(config: &Config) -> Kind {
    const ROUNDS: usize = 5;
    const MARGIN: f64 = 4.0 / 3.0;
    let n_threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let (f32_trial, bf16_trial) = (Trial::new(config, Kind::Float), Trial::new(config, Kind::BFloat16));
    let (f32_times, bf16_times): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| (f32_trial.run(), bf16_trial.run())).unzip();
    tch::set_num_threads(n_threads);
    let (f32_time, bf16_time) = (fastest(&f32_times), fastest(&bf16_times));
    tracing::debug!(
        f32_us = f32_time.as_micros(),
        bf16_us = bf16_time.as_micros(),
        "measured which precision is faster"
    );
    if f32_time.as_secs_f64() * MARGIN < bf16_time.as_secs_f64() { Kind::Float } else { Kind::BFloat16 }
}

fn fastest(times: &[Duration]) -> Duration {
    times.iter().copied().min().unwrap_or_default()
}

/// The products of a step, as far as half a million weights go.
struct Trial {
    /// Inputs `(32, in)` and weights `(out, in)`.
    products: Vec<(Tensor, Tensor)>,
}

impl Trial {
    fn new(config: &Config, kind: Kind) -> Trial {
        const N_TOKENS: i64 = 32;
        let mut n_left: i64 = 1 << 19;
        let filled = |n_rows, n_columns| Tensor::full([n_rows, n_columns], 0.5, (kind, Device::Cpu));
        let mut products = Vec::new();
        for (n_outputs, n_inputs) in step_products(config) {
            let n_outputs = n_outputs.min(n_left / n_inputs);
            if n_outputs == 0 {
                break;
            }
            products.push((filled(N_TOKENS, n_inputs), filled(n_outputs, n_inputs)));
            n_left -= n_outputs * n_inputs;
        }
        Trial { products }
    }

    fn run(&self) -> Duration {
        let started = Instant::now();
        for (x, weight) in &self.products {
            let _ = x.linear(weight, None::<Tensor>);
        }
        started.elapsed()
    }
}

/// `(out, in)` of every product, in the order of a step.
fn step_products(config: &Config) -> impl Iterator<Item = (i64, i64)> + use<> {
    let layer = Product::ALL.map(|product| product.shape(config));
    let n_layers = usize::try_from(config.num_hidden_layers).expect("a checked configuration has few layers");
    std::iter::repeat_n(layer, n_layers).flatten().chain([(config.vocab_size, config.hidden_size)])
}

/// A word that names no device or no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word:?}: known are {known}")]
pub struct UnknownChoice {
    what: &'static str,
    word: String,
    known: &'static str,
}

impl FromStr for DeviceChoice {
    type Err = UnknownChoice;

    fn from_str(word: &str) -> Result<DeviceChoice, UnknownChoice> {
        let unknown = || UnknownChoice { what: "device", word: word.to_owned(), known: "auto, cpu, cuda and cuda:N" };
        match word {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => match word.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(idx)) => Ok(DeviceChoice::Cuda(idx)),
                _ => Err(unknown()),
            },
        }
    }
}

impl FromStr for PrecisionChoice {
    type Err = UnknownChoice;

    fn from_str(word: &str) -> Result<PrecisionChoice, UnknownChoice> {
        match word {
            "auto" => Ok(PrecisionChoice::Auto),
            "f32" => Ok(PrecisionChoice::F32),
            "bf16" => Ok(PrecisionChoice::Bf16),
            "f16" => Ok(PrecisionChoice::F16),
            _ => Err(UnknownChoice { what: "precision", word: word.to_owned(), known: "auto, f32, bf16 and f16" }),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = UnknownChoice;

    fn try_from(word: String) -> Result<DeviceChoice, UnknownChoice> {
        word.parse()
    }
}

impl TryFrom<String> for PrecisionChoice {
    type Error = UnknownChoice;

    fn try_from(word: String) -> Result<PrecisionChoice, UnknownChoice> {
        word.parse()
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => write!(f, "auto"),
            DeviceChoice::Cpu => write!(f, "cpu"),
            DeviceChoice::Cuda(idx) => write!(f, "cuda:{idx}"),
        }
    }
}
