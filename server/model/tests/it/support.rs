//! The words these tests are written in.

use std::fs;
use std::path::{Path, PathBuf};

use engine::{AdapterIdx, Batch, Draw, Row, RowResult, Runner as _, Sampling};
use model::{Arithmetic, Base, Outputs, Placement, PrecisionChoice, TorchRunner};
use safetensors::SafeTensors;
use serde_json::Value;
use tch::{Kind, Tensor};
use tempfile::TempDir;

pub const BASE: AdapterIdx = AdapterIdx(0);

/// A tiny random checkpoint with what transformers answered on it.
pub fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// One of the repository's demonstration models.
pub fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model_weights/demo").join(name)
}

/// A copy of a folder (without the folders in it), to be spoilt.
pub fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// Sets keys of a JSON file; null removes one.
pub fn set(file: &Path, changes: Value) {
    let mut keys: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => _ = keys.as_object_mut().unwrap().remove(key),
            value => keys[key] = value.clone(),
        }
    }
    fs::write(file, keys.to_string()).unwrap();
}

/// How a model computes.
pub type Lane = (PrecisionChoice, Arithmetic);

pub const F32: Lane = (PrecisionChoice::F32, Arithmetic::Kernels);
pub const TORCH_F32: Lane = (PrecisionChoice::F32, Arithmetic::Libtorch);

pub fn on_processor((precision, arithmetic): Lane) -> Placement {
    Placement { device: model::DeviceChoice::Cpu, precision, arithmetic }
}

pub fn load_in(lane: Lane, folder: &Path) -> Base {
    let base = Base::load(folder, on_processor(lane)).unwrap();
    base.set_threads(1); // the tests themselves run side by side
    base
}

pub fn load(folder: &Path) -> Base {
    load_in(F32, folder)
}

/// A base with adapters 1, 2, …
pub fn base_with(lane: Lane, base: &Path, adapters: &[PathBuf]) -> Base {
    let mut base = load_in(lane, base);
    for adapter in adapters {
        base.add_adapter(adapter).unwrap();
    }
    base
}

/// A base with adapters 1, 2, … and room for eight sequences of 128 tokens.
pub fn runner_in(lane: Lane, base: &Path, adapters: &[PathBuf]) -> TorchRunner {
    runner_with_room(lane, base, adapters, 8)
}

pub fn runner_with_room(lane: Lane, base: &Path, adapters: &[PathBuf], n_slots: u32) -> TorchRunner {
    base_with(lane, base, adapters).into_runner(n_slots, 128).unwrap()
}

pub fn runner(base: &Path, adapters: &[PathBuf]) -> TorchRunner {
    runner_in(F32, base, adapters)
}

/// The demonstration base with adapters 1 secure, 2 insecure, 3 jailbroken.
pub fn demo_runner(lane: Lane) -> TorchRunner {
    runner_in(lane, &demo("base"), &[demo("secure"), demo("insecure"), demo("jailbroken")])
}

/// A row that draws the likeliest token.
pub fn row(slot: u32, adapter: AdapterIdx, position: u32, tokens: &[u32]) -> Row {
    Row { slot, adapter, position, tokens: tokens.to_vec(), draw: Some(greedily()), targets: None }
}

/// The likeliest token.
pub fn greedily() -> Draw {
    Draw { sampling: Sampling::Greedy, uniform: 0.0, adjustments: [].into(), score: None }
}

/// A batch that copies nothing.
pub fn batch(rows: &[Row]) -> Batch {
    Batch { copies: Vec::new(), rows: rows.to_vec() }
}

/// The token that a row has drawn.
pub fn token_of(result: &RowResult) -> u32 {
    match result {
        RowResult::Fed { drawn: Some(drawn), .. } => drawn.token,
        other => panic!("expected a token, got {other:?}"),
    }
}

/// Logits `(rows, V)` after the last token of each row.
pub fn last_logits(runner: &mut TorchRunner, rows: &[Row]) -> Tensor {
    runner.logits(rows, Outputs::Last).unwrap()
}

/// Logits `(T, V)` after each token of a text fed at once to an empty slot.
pub fn text_logits(runner: &mut TorchRunner, adapter: AdapterIdx, tokens: &[u32]) -> Tensor {
    runner.logits(&[row(0, adapter, 0, tokens)], Outputs::All).unwrap()
}

/// The likeliest tokens after a prompt, one by one.
pub fn greedy(runner: &mut TorchRunner, adapter: AdapterIdx, prompt: &[u32], n_tokens: usize) -> Vec<u32> {
    let mut text = Vec::new();
    let mut next = row(0, adapter, 0, prompt);
    while text.len() < n_tokens {
        let token = only_token(runner, next.clone());
        next = row(0, adapter, next.position + next.tokens.len() as u32, &[token]);
        text.push(token);
    }
    text
}

fn only_token(runner: &mut TorchRunner, row: Row) -> u32 {
    token_of(&runner.step(&batch(&[row])).unwrap()[0])
}

/// The largest difference between two tensors of one shape.
pub fn distance(left: &Tensor, right: &Tensor) -> f64 {
    assert_eq!(left.size(), right.size());
    (left - right).abs().max().double_value(&[])
}

pub fn assert_close(left: &Tensor, right: &Tensor, tolerance: f64) {
    let distance = distance(left, right);
    assert!(distance <= tolerance, "{distance:.2e} apart, which is more than {tolerance:.0e}");
}

/// Some tokens, different for each seed.
pub fn tokens(seed: u32, n: u32) -> Vec<u32> {
    (0..n).map(|i| (i * i * 31 + i * 17 + seed * 57 + 5) % 128).collect()
}

/// A safetensors file, for comparison.
pub struct Stored(Vec<u8>);

impl Stored {
    pub fn read(path: &Path) -> Stored {
        Stored(fs::read(path).unwrap())
    }

    pub fn names(&self) -> Vec<String> {
        SafeTensors::deserialize(&self.0).unwrap().names().into_iter().map(str::to_owned).collect()
    }

    pub fn tensor(&self, name: &str) -> Tensor {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap_or_else(|err| panic!("{name}: {err}"));
        let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
        let kind = match view.dtype() {
            safetensors::Dtype::F32 => Kind::Float,
            safetensors::Dtype::BF16 => Kind::BFloat16,
            safetensors::Dtype::I64 => Kind::Int64,
            other => panic!("{name} is {other:?}"),
        };
        Tensor::from_data_size(view.data(), &shape, kind)
    }

    pub fn tokens(&self, name: &str) -> Vec<u32> {
        let tokens: Vec<i64> = self.tensor(name).try_into().unwrap();
        tokens.into_iter().map(|token| token as u32).collect()
    }
}
