//! Which tensors a model's files hold and where, by their headers: checked before any weight is read.
//!
//! Which tensors there must be, and their shapes, is known beforehand; anything else is refused by name.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Deserialize;
use tch::Kind;

use crate::LoadError;
use crate::config::Layout;
use crate::files::Files;
use crate::header;

/// Names and shapes of the tensors a model consists of.
pub type Expected = BTreeMap<String, Vec<i64>>;

/// What to look for in files.
pub struct Wanted<'a> {
    pub expected: &'a Expected,
    /// What may be missing.
    pub optional: &'a Expected,
    pub layout: Layout,
}

/// The weight files of a model. All tensors that were expected are in them, once and in their shapes.
pub struct Listing {
    pub shards: Vec<Shard>,
}

/// One file of weights.
pub struct Shard {
    pub name: String,
    /// What stands before the data.
    pub head: Vec<u8>,
    /// In the order of their data, which stand without gaps up to the end.
    pub entries: Vec<Entry>,
}

/// A tensor in a file.
pub struct Entry {
    pub stored_name: String,
    pub n_bytes: usize,
    /// `None` for what is of no use for texts.
    pub tensor: Option<Listed>,
}

/// A tensor of the model.
pub struct Listed {
    pub name: String,
    pub shape: Vec<i64>,
    /// What it is stored as.
    pub kind: Kind,
}

impl Listing {
    /// Reads the headers of these files.
    pub fn read(files: &Files, names: &[String], wanted: &Wanted) -> Result<Listing, LoadError> {
        let mut found = HashSet::new();
        let shards = names.iter().map(|name| Shard::read(files, name, wanted, &mut found)).collect::<Result<_, _>>()?;
        match wanted.expected.keys().find(|tensor| !found.contains(*tensor)) {
            Some(tensor) => Err(missing(files, names, tensor)),
            None => Ok(Listing { shards }),
        }
    }

    /// Size of all files.
    pub fn size_bytes(&self) -> u64 {
        self.shards.iter().map(Shard::size_bytes).sum()
    }

    pub fn tensors(&self) -> impl Iterator<Item = &Listed> {
        self.shards.iter().flat_map(|shard| &shard.entries).filter_map(|entry| entry.tensor.as_ref())
    }

    /// Bytes of the largest tensor, as it is stored.
    pub fn largest_bytes(&self) -> u64 {
        let entries = self.shards.iter().flat_map(|shard| &shard.entries);
        entries.map(|entry| entry.n_bytes as u64).max().unwrap_or(0)
    }

    /// What the matrices are stored as, if that is one kind.
    pub fn kind_of_matrices(&self) -> Option<Kind> {
        let mut kinds = self.tensors().filter(|tensor| tensor.shape.len() == 2).map(|tensor| tensor.kind);
        let first = kinds.next()?;
        kinds.all(|kind| kind == first).then_some(first)
    }
}

impl Listed {
    pub fn n_values(&self) -> u64 {
        self.shape.iter().product::<i64>() as u64
    }
}

fn missing(files: &Files, names: &[String], tensor: &str) -> LoadError {
    let file = match names {
        [only] => files.path(only),
        _ => files.folder().to_owned(),
    };
    LoadError::MissingTensor { file, tensor: tensor.to_owned() }
}

impl Shard {
    /// `found` gathers the tensors of all files.
    fn read(files: &Files, name: &str, wanted: &Wanted, found: &mut HashSet<String>) -> Result<Shard, LoadError> {
        let (head, infos) = header::read(files, name)?;
        let file = files.path(name);
        let mut entries = Vec::with_capacity(infos.len());
        for (stored_name, info) in infos {
            let tensor = Found { file: &file, stored_name: &stored_name, info: &info }.listed(wanted)?;
            if let Some(tensor) = &tensor
                && !found.insert(tensor.name.clone())
            {
                return Err(LoadError::RepeatedTensor { file, tensor: stored_name });
            }
            let (start, end) = info.data_offsets;
            entries.push(Entry { stored_name, n_bytes: end - start, tensor });
        }
        Ok(Shard { name: name.to_owned(), head, entries })
    }

    fn size_bytes(&self) -> u64 {
        self.head.len() as u64 + self.entries.iter().map(|entry| entry.n_bytes as u64).sum::<u64>()
    }
}

/// One tensor as a header describes it.
struct Found<'a> {
    file: &'a Path,
    stored_name: &'a str,
    info: &'a TensorInfo,
}

impl Found<'_> {
    fn listed(&self, wanted: &Wanted) -> Result<Option<Listed>, LoadError> {
        let Some(name) = wanted.layout.name_of(self.stored_name) else { return Ok(None) };
        let expected = wanted.expected.get(&*name).or(wanted.optional.get(&*name));
        let shape = self.checked_shape(expected.ok_or_else(|| self.unexpected())?)?;
        Ok(Some(Listed { name: name.into_owned(), shape, kind: self.kind()? }))
    }

    fn unexpected(&self) -> LoadError {
        LoadError::UnexpectedTensor { file: self.file.to_owned(), tensor: self.stored_name.to_owned() }
    }

    fn kind(&self) -> Result<Kind, LoadError> {
        match self.info.dtype {
            Dtype::F32 => Ok(Kind::Float),
            Dtype::BF16 => Ok(Kind::BFloat16),
            Dtype::F16 => Ok(Kind::Half),
            other => Err(LoadError::UnknownDtype {
                file: self.file.to_owned(),
                tensor: self.stored_name.to_owned(),
                dtype: format!("{other:?}"),
            }),
        }
    }

    fn checked_shape(&self, expected: &[i64]) -> Result<Vec<i64>, LoadError> {
        let size = |size: &usize| i64::try_from(*size).unwrap_or(i64::MAX);
        let shape: Vec<i64> = self.info.shape.iter().map(size).collect();
        if shape == expected {
            return Ok(shape);
        }
        let (file, tensor) = (self.file.to_owned(), self.stored_name.to_owned());
        Err(LoadError::WrongShape { file, tensor, shape, expected: expected.to_vec() })
    }
}

/// The weight files of a checkpoint: one file, or the shards its index names.
pub fn checkpoint_files(files: &mut Files, wanted: &Wanted) -> Result<Vec<String>, LoadError> {
    const SINGLE: &str = "model.safetensors";
    const INDEX: &str = "model.safetensors.index.json";
    if files.has(SINGLE) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    if files.has(INDEX) {
        return shards(files, INDEX, wanted);
    }
    Err(no_weights(files, SINGLE))
}

/// The weight file of an adapter.
pub fn adapter_file(files: &Files) -> Result<String, LoadError> {
    const SINGLE: &str = "adapter_model.safetensors";
    if files.has(SINGLE) { Ok(SINGLE.to_owned()) } else { Err(no_weights(files, SINGLE)) }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn shards(files: &mut Files, index: &str, wanted: &Wanted) -> Result<Vec<String>, LoadError> {
    let file = files.path(index);
    let bytes = files.read_text(index)?;
    let Index { weight_map } =
        serde_json::from_slice(&bytes).map_err(|reason| LoadError::Parse { file: file.clone(), reason })?;
    if let Some(named) = weight_map.values().find(|named| !is_file_beside(named)) {
        return Err(LoadError::OutsideFolder { file, named: named.clone() });
    }
    let there: HashSet<_> = weight_map.keys().filter_map(|stored| wanted.layout.name_of(stored)).collect();
    if let Some(tensor) = wanted.expected.keys().find(|tensor| !there.contains(tensor.as_str())) {
        return Err(LoadError::MissingTensor { file, tensor: tensor.clone() });
    }
    let mut names: Vec<String> = weight_map.into_values().collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn is_file_beside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_bare = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    is_bare && name.ends_with(".safetensors")
}

/// Says what lies in the folder instead, where it is a format that is not read.
fn no_weights(files: &Files, wanted: &'static str) -> LoadError {
    const OTHERS: [(&str, &str); 7] = [
        ("bin", "pickle"),
        ("pt", "pickle"),
        ("pth", "pickle"),
        ("ckpt", "pickle"),
        ("pkl", "pickle"),
        ("gguf", "GGUF"),
        ("h5", "HDF5"),
    ];
    let format_of = |path: &Path| OTHERS.iter().find(|(end, _)| path.extension().is_some_and(|other| other == *end));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(files.folder()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    match paths.into_iter().find_map(|path| format_of(&path).map(|(_, format)| (path.clone(), *format))) {
        Some((file, format)) => LoadError::NotSafetensors { file, format },
        None => LoadError::NoWeights { folder: files.folder().to_owned(), wanted },
    }
}
