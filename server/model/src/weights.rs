//! Reads tensors from safetensors files and converts them, one by one, to where and how they will be used.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use tch::Tensor;

use crate::LoadError;
use crate::files::Files;
use crate::listing::{Entry, Listed, Listing, Shard};
use crate::placement::{Arrival, kind_name};

/// How much of a model's weights has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub read_bytes: u64,
    pub total_bytes: u64,
}

/// A model's tensors by name, ready for use. All that were expected are there, in their shapes.
pub struct Weights {
    folder: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// Reads what is listed, one tensor at a time: beside what is kept, only the largest needs room.
    pub fn read(
        files: &mut Files,
        listing: &Listing,
        arrival: Arrival,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Weights, LoadError> {
        let mut state = Progress { read_bytes: 0, total_bytes: listing.size_bytes() };
        let mut tell = |n_bytes| {
            state.read_bytes += n_bytes;
            progress(state);
        };
        let mut tensors = HashMap::new();
        for shard in &listing.shards {
            read_shard(files, shard, arrival, &mut tell, &mut tensors)?;
        }
        Ok(Weights { folder: files.folder().to_owned(), tensors })
    }

    /// Hands out a tensor that was expected; each once.
    pub fn take(&mut self, name: &str) -> Tensor {
        self.tensors.remove(name).expect("a listing has every expected tensor")
    }

    pub fn take_optional(&mut self, name: &str) -> Option<Tensor> {
        self.tensors.remove(name)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn read_shard(
    files: &mut Files,
    shard: &Shard,
    arrival: Arrival,
    tell: &mut dyn FnMut(u64),
    tensors: &mut HashMap<String, Tensor>,
) -> Result<(), LoadError> {
    let mut file = files.open(&shard.name)?;
    let mut bytes = Vec::new();
    file.read(&mut bytes, shard.head.len(), tell)?;
    if bytes != shard.head {
        let reason = io::Error::other("it has changed since it was looked at");
        return Err(LoadError::Read { file: file.path, reason });
    }
    for entry in &shard.entries {
        file.read(&mut bytes, entry.n_bytes, tell)?;
        if let Some(tensor) = &entry.tensor {
            let stored = Stored { file: &file.path, entry, tensor, bytes: &bytes };
            tensors.insert(tensor.name.clone(), stored.convert(arrival)?);
        }
    }
    files.close(file, &shard.name);
    Ok(())
}

/// One tensor as it lies in a file.
struct Stored<'a> {
    file: &'a Path,
    entry: &'a Entry,
    tensor: &'a Listed,
    bytes: &'a [u8],
}

impl Stored<'_> {
    fn convert(&self, arrival: Arrival) -> Result<Tensor, LoadError> {
        let Listed { shape, kind, .. } = self.tensor;
        let tensor = Tensor::f_from_data_size(self.bytes, shape, *kind)
            .and_then(|tensor| tensor.f_to_device_(arrival.device, arrival.kind_of(*kind), false, false))
            .map_err(|reason| LoadError::Torch { doing: format!("place {self}"), reason })?;
        self.check_finite(&tensor)?;
        Ok(tensor)
    }

    /// The least and the largest value are finite exactly if all are: either is NaN where any value is.
    fn check_finite(&self, tensor: &Tensor) -> Result<(), LoadError> {
        let (least, largest) = tensor.aminmax(None, false);
        if least.double_value(&[]).is_finite() && largest.double_value(&[]).is_finite() {
            return Ok(());
        }
        let (file, precision) = (self.file.to_owned(), kind_name(tensor.kind()));
        Err(LoadError::NonFinite { file, tensor: self.entry.stored_name.clone(), precision })
    }
}

impl std::fmt::Display for Stored<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tensor {} of {}", self.entry.stored_name, self.file.display())
    }
}
