//! Reads the files of one folder and remembers what they held, so that an answer can name the model that gave it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::LoadError;

/// Files are read and hashed in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// Configurations and indices are far smaller. As a tree of values a text can take thirty times its size.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The folder of a checkpoint or an adapter, and the digests of what was read from it.
pub struct Files {
    folder: PathBuf,
    /// Lines as `sha256sum` prints them: `<hex>  <name>`.
    digests: Vec<(String, String)>,
}

impl Files {
    pub fn of(folder: &Path) -> Files {
        Files { folder: folder.to_owned(), digests: Vec::new() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// A whole configuration or index.
    pub fn read_text(&mut self, name: &str) -> Result<Vec<u8>, LoadError> {
        let mut file = self.open(name)?;
        if file.size_bytes > TEXT_BYTES_MAX {
            let reason = format!("it has {} bytes, and {TEXT_BYTES_MAX} are more than enough for it", file.size_bytes);
            return Err(LoadError::Absurd { file: file.path, reason });
        }
        let mut bytes = Vec::new();
        file.read(&mut bytes, file.size_bytes as usize, &mut |_| {})?;
        self.close(file, name);
        Ok(bytes)
    }

    /// Opens a file to read it from its beginning to its end.
    pub fn open(&self, name: &str) -> Result<Opened, LoadError> {
        let path = self.path(name);
        match open(&path) {
            Ok((source, size_bytes)) => Ok(Opened { path, source, size_bytes, hasher: Sha256::new() }),
            Err(reason) => Err(LoadError::Read { file: path, reason }),
        }
    }

    /// Remembers what was read of a file.
    pub fn close(&mut self, file: Opened, name: &str) {
        self.digests.push((name.to_owned(), hex(&file.hasher.finalize())));
    }

    /// SHA-256 of the listing `sha256sum` prints for the files read, in the order of their names.
    ///
    /// `cd FOLDER; sha256sum config.json model.safetensors | sha256sum` gives the same.
    pub fn hash(mut self) -> String {
        self.digests.sort();
        let listing =
            self.digests.iter().fold(String::new(), |listing, (name, digest)| listing + &format!("{digest}  {name}\n"));
        hex(&Sha256::digest(listing.as_bytes()))
    }
}

/// To open what is no file, a pipe for instance, could take for ever.
fn open(path: &Path) -> io::Result<(File, u64)> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let source = File::open(path)?;
    let size_bytes = source.metadata()?.len();
    Ok((source, size_bytes))
}

/// A file that is being read and hashed. It is not mapped: one that shrinks would end the process.
pub struct Opened {
    pub path: PathBuf,
    pub size_bytes: u64,
    source: File,
    hasher: Sha256,
}

impl Opened {
    /// Puts the next `n_bytes` in place of what is in `bytes`; `progress` is told the size of each piece.
    pub fn read(
        &mut self,
        bytes: &mut Vec<u8>,
        n_bytes: usize,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), LoadError> {
        let failed = |reason| LoadError::Read { file: self.path.clone(), reason };
        bytes.clear();
        bytes.try_reserve_exact(n_bytes).map_err(|reason| failed(reason.into()))?;
        while bytes.len() < n_bytes {
            let start = bytes.len();
            let piece_bytes = PIECE_BYTES.min(n_bytes - start) as u64;
            let n_read = self.source.by_ref().take(piece_bytes).read_to_end(bytes).map_err(failed)?;
            if n_read == 0 {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            self.hasher.update(&bytes[start..]);
            progress(n_read as u64);
        }
        Ok(())
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
