//! Reading the files that come with a model: they may be missing, malformed, huge or made to hang whoever reads them.

use std::any::Any;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

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
    let mut bytes = Vec::new();
    file.take(size_bytes_max + 1).read_to_end(&mut bytes).map_err(|err| fail(&err))?;
    if bytes.len() as u64 > size_bytes_max {
        return Err(fail(&format_args!("it is larger than {size_bytes_max} bytes")));
    }
    Ok(Some(bytes))
}

/// What a JSON file says, or the default where there is no such file.
pub fn read_json<T: DeserializeOwned + Default>(path: &Path, size_bytes_max: u64) -> Result<T, LoadError> {
    let Some(bytes) = read(path, size_bytes_max)? else { return Ok(T::default()) };
    serde_json::from_slice(&bytes).map_err(|err| LoadError(format!("cannot read {}: {err}", path.display())))
}

/// Does the work on a thread of its own, and gives up on it when it panics or takes too long.
///
/// A thread cannot be ended from outside: one that takes too long is left to itself.
pub fn within<T: Send + 'static>(
    time_max: Duration,
    task: &str,
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let (sender, result) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("load".into());
    // Nobody listens any more when it took too long.
    let spawned = thread.spawn(move || drop(sender.send(work())));
    spawned.map_err(|err| LoadError(format!("cannot {task}: {err}")))?;
    match result.recv_timeout(time_max) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(LoadError(format!("cannot {task}: it took longer than {} s", time_max.as_secs())))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(LoadError(format!("cannot {task}: the reader panicked"))),
    }
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}
