//! Reads the files of one folder and remembers what they held, so that an answer can name the model that gave it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::LoadError;

/// Files are read and hashed in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

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

    pub fn size_bytes(&self, name: &str) -> Result<u64, LoadError> {
        let file = self.path(name);
        Ok(std::fs::metadata(&file).map_err(|reason| LoadError::Read { file, reason })?.len())
    }

    /// The whole file, in memory: a mapped file that shrinks would end the process.
    ///
    /// `progress` is told the size of each piece.
    pub fn read(&mut self, name: &str, progress: &mut dyn FnMut(u64)) -> Result<Vec<u8>, LoadError> {
        let file = self.path(name);
        let (bytes, digest) = read_hashed(&file, progress).map_err(|reason| LoadError::Read { file, reason })?;
        self.digests.push((name.to_owned(), digest));
        Ok(bytes)
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

fn read_hashed(file: &Path, progress: &mut dyn FnMut(u64)) -> std::io::Result<(Vec<u8>, String)> {
    let mut source = File::open(file)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(source.metadata()?.len()).unwrap_or(usize::MAX))?;
    let mut hasher = Sha256::new();
    loop {
        let start = bytes.len();
        let n_read = source.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
        if n_read == 0 {
            return Ok((bytes, hex(&hasher.finalize())));
        }
        hasher.update(&bytes[start..]);
        progress(n_read as u64);
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
