//! Reads tensors from safetensors files and converts them, one by one, to where and how they will be used.
//!
//! Which tensors there must be, and their shapes, is known beforehand; anything else is refused by name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::LoadError;
use crate::config::Layout;
use crate::files::Files;
use crate::placement::{Place, precision_name};

/// How much of a model's weights has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub read_bytes: u64,
    pub total_bytes: u64,
}

/// Names and shapes of the tensors a model consists of.
pub type Expected = BTreeMap<String, Vec<i64>>;

/// A model's tensors by name, ready for use. All that were expected are there, in their shapes.
pub struct Weights {
    folder: PathBuf,
    tensors: HashMap<String, Tensor>,
}

/// What to read, and how to keep it.
pub struct Wanted<'a> {
    pub expected: &'a Expected,
    /// What may be missing.
    pub optional: &'a Expected,
    pub layout: Layout,
    pub place: Place,
}

impl Weights {
    pub fn read(
        files: &mut Files,
        names: &[String],
        wanted: &Wanted,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Weights, LoadError> {
        let mut meter = Meter::new(files, names, progress)?;
        let mut tensors = HashMap::new();
        for name in names {
            let bytes = files.read(name, &mut |n_bytes| meter.add(n_bytes))?;
            convert_all(&files.path(name), &bytes, wanted, &mut tensors)?;
        }
        match wanted.expected.keys().find(|tensor| !tensors.contains_key(*tensor)) {
            Some(tensor) => Err(missing(files, names, tensor)),
            None => Ok(Weights { folder: files.folder().to_owned(), tensors }),
        }
    }

    /// Hands out a tensor that was expected; each once.
    pub fn take(&mut self, name: &str) -> Tensor {
        self.tensors.remove(name).expect("reading ends only when every expected tensor is there")
    }

    pub fn take_optional(&mut self, name: &str) -> Option<Tensor> {
        self.tensors.remove(name)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn missing(files: &Files, names: &[String], tensor: &str) -> LoadError {
    let file = match names {
        [only] => files.path(only),
        _ => files.folder().to_owned(),
    };
    LoadError::MissingTensor { file, tensor: tensor.to_owned() }
}

/// Adds up what has been read and passes it on.
struct Meter<'a> {
    state: Progress,
    listener: &'a mut dyn FnMut(Progress),
}

impl<'a> Meter<'a> {
    fn new(files: &Files, names: &[String], listener: &'a mut dyn FnMut(Progress)) -> Result<Meter<'a>, LoadError> {
        let sizes: Vec<u64> = names.iter().map(|name| files.size_bytes(name)).collect::<Result<_, _>>()?;
        Ok(Meter { state: Progress { read_bytes: 0, total_bytes: sizes.iter().sum() }, listener })
    }

    fn add(&mut self, n_bytes: u64) {
        self.state.read_bytes += n_bytes;
        (self.listener)(self.state);
    }
}

fn convert_all(
    file: &Path,
    bytes: &[u8],
    wanted: &Wanted,
    tensors: &mut HashMap<String, Tensor>,
) -> Result<(), LoadError> {
    for (stored_name, view) in parse(file, bytes)?.iter() {
        let Some(name) = wanted.layout.name_of(stored_name) else { continue };
        let stored = Stored { file, name: stored_name, view };
        let shape = wanted.expected.get(&*name).or(wanted.optional.get(&*name));
        let tensor = stored.convert(shape.ok_or_else(|| stored.unexpected())?, wanted.place)?;
        if tensors.insert(name.into_owned(), tensor).is_some() {
            return Err(stored.repeated());
        }
    }
    Ok(())
}

fn parse<'a>(file: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, LoadError> {
    if let Some(format) = other_format(bytes) {
        return Err(LoadError::NotSafetensors { file: file.to_owned(), format });
    }
    SafeTensors::deserialize(bytes).map_err(|reason| LoadError::Damaged { file: file.to_owned(), reason })
}

/// Recognizes what is sometimes found under a wrong name. A safetensors file starts with the length of its header,
/// whose upper bytes are zero.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, b'}' | b'c' | b']' | b'(' | 0x8a | 0x95, ..] => Some("pickle"),
        [b'G', b'G', b'U', b'F', ..] => Some("GGUF"),
        _ => None,
    }
}

/// One tensor as it lies in a file.
struct Stored<'a> {
    file: &'a Path,
    name: &'a str,
    view: TensorView<'a>,
}

impl Stored<'_> {
    fn convert(&self, expected: &[i64], place: Place) -> Result<Tensor, LoadError> {
        let kind = self.kind()?;
        self.check_shape(expected)?;
        let tensor = Tensor::f_from_data_size(self.view.data(), expected, kind)
            .and_then(|tensor| tensor.f_to_device_(place.device, place.kind, false, false))
            .map_err(|reason| LoadError::Torch { doing: format!("place {self}"), reason })?;
        self.check_finite(&tensor)?;
        Ok(tensor)
    }

    fn unexpected(&self) -> LoadError {
        LoadError::UnexpectedTensor { file: self.file.to_owned(), tensor: self.name.to_owned() }
    }

    fn repeated(&self) -> LoadError {
        LoadError::RepeatedTensor { file: self.file.to_owned(), tensor: self.name.to_owned() }
    }

    fn kind(&self) -> Result<Kind, LoadError> {
        match self.view.dtype() {
            Dtype::F32 => Ok(Kind::Float),
            Dtype::BF16 => Ok(Kind::BFloat16),
            Dtype::F16 => Ok(Kind::Half),
            other => Err(LoadError::UnknownDtype {
                file: self.file.to_owned(),
                tensor: self.name.to_owned(),
                dtype: format!("{other:?}"),
            }),
        }
    }

    fn check_shape(&self, expected: &[i64]) -> Result<(), LoadError> {
        let shape: Vec<i64> = self.view.shape().iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect();
        if shape == expected {
            return Ok(());
        }
        let (file, tensor) = (self.file.to_owned(), self.name.to_owned());
        Err(LoadError::WrongShape { file, tensor, shape, expected: expected.to_vec() })
    }

    /// A sum in double precision is finite exactly if every value is: none of these types can overflow it.
    fn check_finite(&self, tensor: &Tensor) -> Result<(), LoadError> {
        if tensor.sum(Kind::Double).double_value(&[]).is_finite() {
            return Ok(());
        }
        let (file, precision) = (self.file.to_owned(), precision_name(tensor.kind()));
        Err(LoadError::NonFinite { file, tensor: self.name.to_owned(), precision })
    }
}

impl std::fmt::Display for Stored<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tensor {} of {}", self.name, self.file.display())
    }
}

/// The weight files of a checkpoint: one file, or the shards its index names.
pub fn checkpoint_files(files: &mut Files, layout: Layout, expected: &Expected) -> Result<Vec<String>, LoadError> {
    const SINGLE: &str = "model.safetensors";
    const INDEX: &str = "model.safetensors.index.json";
    if files.has(SINGLE) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    if files.has(INDEX) {
        return shards(files, INDEX, layout, expected);
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

fn shards(files: &mut Files, index: &str, layout: Layout, expected: &Expected) -> Result<Vec<String>, LoadError> {
    let file = files.path(index);
    let bytes = files.read(index, &mut |_| {})?;
    let Index { weight_map } =
        serde_json::from_slice(&bytes).map_err(|reason| LoadError::Parse { file: file.clone(), reason })?;
    if let Some(named) = weight_map.values().find(|named| !is_file_beside(named)) {
        return Err(LoadError::OutsideFolder { file, named: named.clone() });
    }
    // Said before gigabytes are read for nothing.
    let there: HashSet<_> = weight_map.keys().filter_map(|stored| layout.name_of(stored)).collect();
    if let Some(tensor) = expected.keys().find(|tensor| !there.contains(tensor.as_str())) {
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
    let mut paths: Vec<_> =
        std::fs::read_dir(files.folder()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    match paths.into_iter().find_map(|path| format_of(&path).map(|(_, format)| (path.clone(), *format))) {
        Some((file, format)) => LoadError::NotSafetensors { file, format },
        None => LoadError::NoWeights { folder: files.folder().to_owned(), wanted },
    }
}

/// Where small pieces are put together before they are placed.
pub const WORKBENCH: Place = Place { device: Device::Cpu, kind: Kind::Float };
