//! Reading the files that come with a model: they may be missing, malformed or huge.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

/// A file of a model could not be used; a sentence names it and says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// The file's bytes, or `None` where there is no such file. Never reads more than `size_bytes_max`.
pub fn read(path: &Path, size_bytes_max: u64) -> Result<Option<Vec<u8>>, LoadError> {
    let fail = |reason: &dyn std::fmt::Display| LoadError(format!("cannot read {}: {reason}", path.display()));
    let file = match File::open(path) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|err| fail(&err))?,
    };
    // The size is asked for first and kept to afterwards, because a file can grow and a pipe has no size.
    let size_bytes = file.metadata().map_err(|err| fail(&err))?.len();
    let mut bytes = Vec::new();
    if size_bytes <= size_bytes_max {
        file.take(size_bytes_max + 1).read_to_end(&mut bytes).map_err(|err| fail(&err))?;
    }
    if size_bytes.max(bytes.len() as u64) > size_bytes_max {
        return Err(fail(&format_args!("it is larger than {size_bytes_max} bytes")));
    }
    Ok(Some(bytes))
}

/// What a JSON file says, or the default where there is no such file.
pub fn read_json<T: DeserializeOwned + Default>(path: &Path, size_bytes_max: u64) -> Result<T, LoadError> {
    let Some(bytes) = read(path, size_bytes_max)? else { return Ok(T::default()) };
    serde_json::from_slice(&bytes).map_err(|err| LoadError(format!("cannot read {}: {err}", path.display())))
}
