//! What can be wrong with a checkpoint or an adapter, said so that an operator knows which file to look at.

use std::io;
use std::path::PathBuf;

use tch::TchError;

/// Why a checkpoint or an adapter was not loaded. Nothing is half loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {}: {reason}", file.display())]
    Read { file: PathBuf, reason: io::Error },

    #[error("cannot understand {}: {reason}", file.display())]
    Parse { file: PathBuf, reason: serde_json::Error },

    /// Something the arithmetic here does not do; running without it would give another model's answers.
    #[error("{} asks for {option} {value}, which is not supported", file.display())]
    Unsupported { file: PathBuf, option: String, value: String },

    /// A number no model can have.
    #[error("{} makes no sense: {reason}", file.display())]
    Absurd { file: PathBuf, reason: String },

    #[error("cannot find {} in {}", wanted, folder.display())]
    NoWeights { folder: PathBuf, wanted: &'static str },

    #[error("{} is a {format} file: only safetensors are read, because they cannot run code", file.display())]
    NotSafetensors { file: PathBuf, format: &'static str },

    #[error("{} is damaged: {reason}", file.display())]
    Damaged { file: PathBuf, reason: safetensors::SafeTensorError },

    #[error("{} names {named:?}, which is not a safetensors file in the same folder", file.display())]
    OutsideFolder { file: PathBuf, named: String },

    #[error("cannot find tensor {tensor} in {}", file.display())]
    MissingTensor { file: PathBuf, tensor: String },

    /// A tensor the configuration has no place for: leaving it out would be another model.
    #[error("tensor {tensor} in {} has no place in this model", file.display())]
    UnexpectedTensor { file: PathBuf, tensor: String },

    #[error("cannot compute in {precision} on {device}: only the processor's own kernels can")]
    NoPrecision { precision: String, device: String },

    /// The files hold it twice, and say nothing of which one counts.
    #[error("tensor {tensor} in {} has come before", file.display())]
    RepeatedTensor { file: PathBuf, tensor: String },

    #[error("tensor {tensor} in {} has shape {shape:?}, but this model needs {expected:?}", file.display())]
    WrongShape { file: PathBuf, tensor: String, shape: Vec<i64>, expected: Vec<i64> },

    #[error("tensor {tensor} in {} is stored as {dtype}, but only F32, BF16 and F16 are read", file.display())]
    UnknownDtype { file: PathBuf, tensor: String, dtype: String },

    #[error("tensor {tensor} in {} holds a value that is not finite in {precision}", file.display())]
    NonFinite { file: PathBuf, tensor: String, precision: &'static str },

    #[error("tensor lm_head.weight in {} differs from the embeddings it is said to be tied to", folder.display())]
    NotTied { folder: PathBuf },

    #[error("cannot use device {device}: {reason}")]
    NoDevice { device: String, reason: &'static str },

    #[error("cannot hold {n_slots} sequences of {n_positions} positions: {reason}")]
    NoRoom { n_slots: u32, n_positions: u32, reason: String },

    #[error("{} of memory are needed, and {} are free", size(*needed_bytes), size(*free_bytes))]
    NoMemory { needed_bytes: u64, free_bytes: u64 },

    /// libtorch refused, most often for want of memory.
    #[error("cannot {doing}: {}", first_line(reason))]
    Torch { doing: String, reason: TchError },
}

/// libtorch's messages go on with a backtrace.
fn first_line(reason: &TchError) -> String {
    reason.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A size as people read it, in powers of ten: `988 MB`, `15.2 GB`.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit_bytes, _)| bytes >= *unit_bytes) {
        Some((unit_bytes, unit)) if bytes < 10 * unit_bytes || unit_bytes >= 1_000_000_000 => {
            format!("{}.{} {unit}", bytes / unit_bytes, bytes / (unit_bytes / 10) % 10)
        }
        Some((unit_bytes, unit)) => format!("{} {unit}", bytes / unit_bytes),
        None => format!("{bytes} bytes"),
    }
}
