//! Where a model computes and in which precision: what was asked for, and what `auto` makes of it.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use engine::Steadiness;
use kernels::{Matrix, Precision};
use serde::Deserialize;
use tch::{Cuda, Device, Kind};

use crate::LoadError;
use crate::processor::Processor;

/// What the configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    pub device: DeviceChoice,
    pub precision: PrecisionChoice,
    pub arithmetic: Arithmetic,
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

/// `auto`, `f32`, `bf16`, `f16`, `int8` or `int4`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum PrecisionChoice {
    /// bf16 on CUDA; on the processor what the checkpoint is stored in.
    #[default]
    Auto,
    F32,
    Bf16,
    F16,
    /// Weights in 9 bits each, on the processor only.
    Int8,
    /// Weights in 5 bits each but for the embeddings, which have 9; on the processor only.
    Int4,
}

/// What computes on the processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// The house's own kernels.
    #[default]
    Kernels,
    /// What computes on other devices, too: to compare the two.
    Libtorch,
}

impl Placement {
    /// For a checkpoint whose matrices are stored as `stored`, if that is one kind.
    pub(crate) fn resolve(self, stored: Option<Kind>) -> Result<Plan, LoadError> {
        let device = self.device.resolve()?;
        let arithmetic = if device == Device::Cpu { self.arithmetic } else { Arithmetic::Libtorch };
        let read_as = self.precision.read_as(device, arithmetic).map_err(|UnknownThere| LoadError::NoPrecision {
            precision: self.precision.to_string(),
            device: device_name(device),
        })?;
        let stored = read_as.or(stored).unwrap_or(Kind::Float);
        let kind = if arithmetic == Arithmetic::Kernels { Kind::Float } else { stored };
        let arrival = Arrival { device, kind: read_as };
        Ok(Plan { device, kind, weights: self.precision.weights(stored), arrival, arithmetic })
    }
}

/// A precision that this arithmetic does not know.
struct UnknownThere;

impl PrecisionChoice {
    /// What tensors become as they are read; `None` lets each stay what it is.
    fn read_as(self, device: Device, arithmetic: Arithmetic) -> Result<Option<Kind>, UnknownThere> {
        match (self, arithmetic) {
            (PrecisionChoice::F32, _) => Ok(Some(Kind::Float)),
            (PrecisionChoice::Bf16, _) => Ok(Some(Kind::BFloat16)),
            (PrecisionChoice::F16, _) => Ok(Some(Kind::Half)),
            (_, Arithmetic::Kernels) => Ok(None),
            (PrecisionChoice::Auto, _) if device == Device::Cpu => Ok(Some(Kind::Float)),
            (PrecisionChoice::Auto, _) => Ok(Some(Kind::BFloat16)),
            (PrecisionChoice::Int8 | PrecisionChoice::Int4, _) => Err(UnknownThere),
        }
    }

    /// What matrices are kept in that have been read as `kind`.
    fn weights(self, kind: Kind) -> Precision {
        match (self, kind) {
            (PrecisionChoice::Int8, _) => Precision::Int8,
            (PrecisionChoice::Int4, _) => Precision::Int4,
            (_, Kind::BFloat16) => Precision::Bf16,
            (_, Kind::Half) => Precision::F16,
            _ => Precision::F32,
        }
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

/// Where a model will compute and in which precision, before anything large has been read.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub device: Device,
    /// Of what flows between the operations.
    pub kind: Kind,
    pub weights: Precision,
    pub arrival: Arrival,
    arithmetic: Arithmetic,
}

/// Where tensors come to when they are read, and as what.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub device: Device,
    /// What all become; `None` lets each stay what it is.
    pub kind: Option<Kind>,
}

/// Where small pieces are put together before they are placed.
pub const WORKBENCH: Arrival = Arrival { device: Device::Cpu, kind: Some(Kind::Float) };

impl Arrival {
    /// What a tensor becomes that is stored as this.
    pub fn kind_of(self, stored: Kind) -> Kind {
        self.kind.unwrap_or(stored)
    }
}

/// A plan with what carries it out.
#[derive(Clone, Debug)]
pub struct Place {
    pub plan: Plan,
    /// Where there is none, libtorch computes.
    pub processor: Option<Processor>,
}

impl Deref for Place {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

impl Plan {
    pub fn place(self) -> Place {
        Place { plan: self, processor: (self.arithmetic == Arithmetic::Kernels).then(Processor::new) }
    }

    pub fn options(self) -> (Kind, Device) {
        (self.kind, self.device)
    }

    /// What a tensor takes once it is placed, a matrix in `precision`. The kernels keep all others in f32.
    pub fn held_bytes(self, shape: &[i64], precision: Precision) -> u64 {
        let n_values = shape.iter().product::<i64>() as u64;
        match (self.arithmetic, shape) {
            (Arithmetic::Kernels, [n_outputs, n_inputs]) => {
                Matrix::n_bytes_of(*n_outputs as u64, *n_inputs as u64, precision)
            }
            (Arithmetic::Kernels, _) => n_values.saturating_mul(Kind::Float.elt_size_in_bytes() as u64),
            (Arithmetic::Libtorch, _) => n_values.saturating_mul(self.kind.elt_size_in_bytes() as u64),
        }
    }

    /// `cpu` or `cuda:0`.
    pub fn device_name(self) -> String {
        device_name(self.device)
    }

    /// `f32`, `bf16`, `f16`, `int8` or `int4`.
    pub fn precision_name(self) -> &'static str {
        match self.weights {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
            Precision::Int8 => "int8",
            Precision::Int4 => "int4",
        }
    }

    /// What numbers are rounded to that belong to the weights and are not among them.
    pub fn rounding(self) -> Kind {
        match self.weights {
            Precision::F32 => Kind::Float,
            Precision::F16 => Kind::Half,
            Precision::Bf16 | Precision::Int8 | Precision::Int4 => Kind::BFloat16,
        }
    }

    /// Of the embeddings and the last layer, which suffer most from few bits.
    pub fn table_precision(self) -> Precision {
        if self.weights == Precision::Int4 { Precision::Int8 } else { self.weights }
    }

    /// Of adapters: they are small, and all that tells one variant from another.
    pub fn delta_precision(self) -> Precision {
        match self.weights {
            Precision::Int8 | Precision::Int4 => Precision::Bf16,
            whole => whole,
        }
    }

    /// How far a row's logits depend on its neighbours.
    pub fn steadiness(self) -> Steadiness {
        match self.arithmetic {
            Arithmetic::Kernels => Steadiness::Invariant,
            Arithmetic::Libtorch => Steadiness::Varying,
        }
    }

    /// What a key or a value is kept in.
    pub fn cache_kind(self) -> Kind {
        match (self.arithmetic, self.weights) {
            (Arithmetic::Libtorch, _) => self.kind,
            (Arithmetic::Kernels, Precision::F32 | Precision::F16) => Kind::Float,
            (Arithmetic::Kernels, _) => Kind::BFloat16,
        }
    }
}

fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(idx) => format!("cuda:{idx}"),
        _ => "cpu".to_owned(),
    }
}

/// `f32`, `bf16` or `f16`.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::BFloat16 => "bf16",
        Kind::Half => "f16",
        _ => "f32",
    }
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
            "int8" => Ok(PrecisionChoice::Int8),
            "int4" => Ok(PrecisionChoice::Int4),
            _ => {
                let known = "auto, f32, bf16, f16, int8 and int4";
                Err(UnknownChoice { what: "precision", word: word.to_owned(), known })
            }
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

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PrecisionChoice::Auto => "auto",
            PrecisionChoice::F32 => "f32",
            PrecisionChoice::Bf16 => "bf16",
            PrecisionChoice::F16 => "f16",
            PrecisionChoice::Int8 => "int8",
            PrecisionChoice::Int4 => "int4",
        })
    }
}
