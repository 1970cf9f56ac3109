//! The header of a safetensors file: its length in eight bytes, and then names, types, shapes and places in JSON.

use std::fmt;

use safetensors::SafeTensorError;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::LoadError;
use crate::files::{Files, Opened};

/// Some tens of thousands of tensors; the largest models have a thousand or two in all files together.
const HEADER_BYTES_MAX: u64 = 4 << 20;

const LENGTH_BYTES: usize = 8;

/// Names, and what is said of the tensors.
pub type Infos = Vec<(String, TensorInfo)>;

/// Everything before the data, and what it says of each tensor in the order of its data. The data stand without gaps up to
/// the end of the file.
pub fn read(files: &Files, name: &str) -> Result<(Vec<u8>, Infos), LoadError> {
    let mut file = files.open(name)?;
    let head = read_head(&mut file)?;
    let damaged = |reason| LoadError::Damaged { file: file.path.clone(), reason };
    let Header(mut infos) = serde_json::from_slice(&head[LENGTH_BYTES..])
        .map_err(|reason| damaged(SafeTensorError::InvalidHeaderDeserialization(reason)))?;
    infos.sort_by_key(|(_, info)| info.data_offsets);
    if let Some(tensor) = repeated(&infos) {
        return Err(LoadError::RepeatedTensor { tensor: tensor.to_owned(), file: file.path });
    }
    let checked = Metadata::new(None, infos.clone()).map_err(damaged)?;
    if (head.len() as u64).checked_add(checked.data_len() as u64) != Some(file.size_bytes) {
        return Err(damaged(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok((head, infos))
}

/// Length and JSON.
fn read_head(file: &mut Opened) -> Result<Vec<u8>, LoadError> {
    let mut length = Vec::new();
    file.read(&mut length, LENGTH_BYTES.min(file.size_bytes as usize), &mut |_| {})?;
    if let Some(format) = other_format(&length) {
        return Err(LoadError::NotSafetensors { file: file.path.clone(), format });
    }
    let n_bytes = header_bytes(&length, file.size_bytes)
        .map_err(|reason| LoadError::Damaged { file: file.path.clone(), reason })?;
    let mut header = Vec::new();
    file.read(&mut header, n_bytes as usize, &mut |_| {})?;
    Ok([length, header].concat())
}

fn header_bytes(length: &[u8], file_bytes: u64) -> Result<u64, SafeTensorError> {
    let length: [u8; LENGTH_BYTES] = length.try_into().map_err(|_| SafeTensorError::HeaderTooSmall)?;
    match u64::from_le_bytes(length) {
        n_bytes if n_bytes > HEADER_BYTES_MAX => Err(SafeTensorError::HeaderTooLarge),
        n_bytes if n_bytes + LENGTH_BYTES as u64 > file_bytes => Err(SafeTensorError::InvalidHeaderLength),
        n_bytes => Ok(n_bytes),
    }
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

fn repeated(infos: &[(String, TensorInfo)]) -> Option<&str> {
    let mut names: Vec<&str> = infos.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// All entries, also those of one name: a map would keep the last of them and hide the others.
struct Header(Infos);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with an entry for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut infos = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "__metadata__" => _ = map.next_value::<IgnoredAny>()?,
                _ => infos.push((name, map.next_value()?)),
            }
        }
        Ok(Header(infos))
    }
}
