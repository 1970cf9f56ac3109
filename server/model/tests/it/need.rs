//! What is said of a checkpoint before it is loaded, and what is refused because it would not fit.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use model::{Arithmetic, Base, DeviceChoice, LoadError, Need, PrecisionChoice, Summary};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{F32, TORCH_F32, copy_of, demo, load, on_processor, runner, tiny};

#[test]
fn a_checkpoint_is_described_before_it_is_loaded() {
    let expected = Summary {
        architecture: "Qwen2",
        n_layers: 4,
        n_parameters: 3_477_760,
        precision: "bf16",
        max_positions: 2048,
        vocabulary_size: 2048,
        files_bytes: 6_960_848,
    };
    assert_eq!(Base::describe(&demo("base")).unwrap(), expected);
    for (name, architecture, max_positions) in
        [("untied_old_keys", "Qwen2", 128), ("qwen2_yarn", "Qwen2", 128), ("gemma3_vision", "Gemma 3", 128)]
    {
        let (described, base) = (Base::describe(&tiny(name)).unwrap(), load(&tiny(name)));
        assert_eq!((described.architecture, described.max_positions), (architecture, max_positions), "{name}");
        assert_eq!((described.n_parameters, described.precision), (base.n_parameters(), "f32"), "{name}");
        assert_eq!(described.vocabulary_size, base.vocabulary_size(), "{name}");
    }
}

#[test]
fn the_need_is_what_the_loaded_base_holds() {
    for (precision, value_bytes) in [(PrecisionChoice::F32, 4), (PrecisionChoice::Bf16, 2), (PrecisionChoice::F16, 2)] {
        let placement = on_processor((precision, Arithmetic::Libtorch));
        for folder in [tiny("tied"), tiny("untied_old_keys"), tiny("mistral"), demo("base")] {
            let need = Base::need(&folder, placement, 3, 50).unwrap();
            let base = Base::load(&folder, placement).unwrap();
            assert_eq!(need.weights_bytes, value_bytes * base.n_parameters());
            assert_eq!(need.cache_bytes, 3 * 50 * base.position_bytes());
            assert!(need.reading_bytes > 0 && need.reading_bytes < 2 * fs_bytes(&folder));
        }
    }
}

#[test]
fn packed_weights_need_their_bits_and_little_more() {
    for (precision, n_bits, n_table_bits, value_bytes) in [
        (PrecisionChoice::F32, 32, 32, 4),
        (PrecisionChoice::Bf16, 16, 16, 2),
        (PrecisionChoice::Auto, 16, 16, 2),
        (PrecisionChoice::F16, 16, 16, 2),
        (PrecisionChoice::Int8, 9, 9, 2),
        (PrecisionChoice::Int4, 5, 9, 2),
    ] {
        let placement = on_processor((precision, Arithmetic::Kernels));
        let need = Base::need(&demo("base"), placement, 3, 50).unwrap();
        let base = Base::load(&demo("base"), placement).unwrap();
        let n_in_table = (base.config().vocab_size * base.config().hidden_size) as u64;
        let bits = n_table_bits * n_in_table + n_bits * (base.n_parameters() - n_in_table);
        let share = need.weights_bytes as f64 / (bits as f64 / 8.0);
        assert!((1.0..1.02).contains(&share), "{precision}: {share}");
        assert_eq!(need.cache_bytes, 3 * 50 * base.position_bytes());
        // Before they are packed they lie there as they were read.
        let read_bytes = value_bytes * base.n_parameters();
        assert!(need.total_bytes() > read_bytes && need.total_bytes() < 3 * read_bytes, "{precision}: {need:?}");
    }
}

/// Size of all weight files in a folder.
fn fs_bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let weights = files.filter(|path| path.extension().is_some_and(|end| end == "safetensors"));
    weights.map(|path| path.metadata().unwrap().len()).sum()
}

#[test]
fn the_cache_comes_after_the_reading() {
    let need = |cache_bytes, reading_bytes| Need { weights_bytes: 10, cache_bytes, reading_bytes }.total_bytes();
    assert_eq!((need(3, 5), need(6, 5)), (15, 16));
}

#[test]
fn adapters_need_what_their_stacked_matrices_hold() {
    let need_in =
        |lane, adapter| Base::describe_adapter(&tiny("tied"), &tiny(adapter), on_processor(lane)).unwrap().need;
    let need = |adapter| need_in(TORCH_F32, adapter);
    // Rank 2 on q and v, stacked: 4 · (32 + 64). On up, beside gate: 2 · (32 + 96). Two layers, f32.
    assert_eq!(need("tied/some").weights_bytes, 2 * (4 * 96 + 2 * 128) * 4);
    // Rank 4 on q, k and v; o; gate and up; down.
    assert_eq!(need("tied/all_rslora").weights_bytes, 2 * (12 * 96 + 4 * 64 + 8 * 128 + 4 * 80) * 4);
    assert_eq!(need("tied/some").cache_bytes, 0);
    // Packed, ranks are filled up to 16 where they are rows: 16 · 32 + 4 · 64 on q, k and v, and 16 · 32 + 2 · 96.
    assert_eq!(need_in(F32, "tied/some").weights_bytes, 2 * (16 * 32 + 4 * 64 + 16 * 32 + 2 * 96) * 4);
}

#[test]
fn what_is_wrong_with_a_folder_is_said_before_it_is_loaded() {
    let folder = copy_of(&tiny("tied"));
    let need = || Base::need(folder.path(), on_processor(F32), 1, 1).unwrap_err();
    let config = fs::read(folder.path().join("config.json")).unwrap();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::remove_file(folder.path().join("golden.safetensors")).unwrap();
    assert!(matches!(need(), LoadError::NoWeights { .. }));
    fs::write(folder.path().join("config.json"), &config[..20]).unwrap();
    assert!(matches!(need(), LoadError::Parse { .. }));
    let too_long = Base::need(&tiny("tied"), on_processor(F32), 1, 129).unwrap_err();
    assert!(matches!(too_long, LoadError::NoRoom { n_positions: 129, .. }), "{too_long}");
    let of_another = Base::describe_adapter(&tiny("mistral"), &tiny("tied/some"), on_processor(F32));
    assert!(matches!(of_another, Err(LoadError::WrongShape { .. })));
}

/// A model of one small layer and a vocabulary of 2.2 TB, in a file that takes no room.
fn larger_than_any_memory() -> TempDir {
    let (vocabulary, hidden) = (1_u64 << 24, 1 << 15);
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": 1,
        "num_hidden_layers": 1, "num_attention_heads": 1, "head_dim": 2, "tie_word_embeddings": true,
    });
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let of_layer = [
        ("input_layernorm", vec![hidden]),
        ("post_attention_layernorm", vec![hidden]),
        ("self_attn.q_proj", vec![2, hidden]),
        ("self_attn.k_proj", vec![2, hidden]),
        ("self_attn.v_proj", vec![2, hidden]),
        ("self_attn.o_proj", vec![hidden, 2]),
        ("mlp.gate_proj", vec![1, hidden]),
        ("mlp.up_proj", vec![1, hidden]),
        ("mlp.down_proj", vec![hidden, 1]),
    ];
    let of_layer = of_layer.map(|(name, shape)| (format!("model.layers.0.{name}.weight"), shape));
    let others = [("embed_tokens", vec![vocabulary, hidden]), ("norm", vec![hidden])];
    let others = others.map(|(name, shape)| (format!("model.{name}.weight"), shape));
    write_without_data(&folder.path().join("model.safetensors"), others.into_iter().chain(of_layer));
    folder
}

fn write_without_data(path: &Path, tensors: impl Iterator<Item = (String, Vec<u64>)>) {
    let mut end = 0;
    let mut entry = |(name, shape): (String, Vec<u64>)| {
        let start = end;
        end += 4 * shape.iter().product::<u64>();
        (name, json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] }))
    };
    let header = Value::Object(tensors.map(&mut entry).collect()).to_string();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(8 + header.len() as u64 + end).unwrap();
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_read() {
    let folder = larger_than_any_memory();
    let refusal = Base::load(folder.path(), on_processor(F32)).err().unwrap();
    let LoadError::NoMemory { needed_bytes, free_bytes } = refusal else { panic!("{refusal}") };
    let need = Base::need(folder.path(), on_processor(F32), 1, 1).unwrap();
    assert_eq!(needed_bytes, need.total_bytes());
    assert!(needed_bytes > 3 * need.weights_bytes / 2 && needed_bytes > 2 << 40 && free_bytes < 2 << 40);
    assert!(refusal.to_string().starts_with("6.5 TB of memory are needed, and "), "{refusal}");
}

#[test]
fn slots_that_do_not_fit_are_refused() {
    let refusal = load(&tiny("tied")).into_runner(1 << 31, 128).err().unwrap();
    assert!(matches!(refusal, LoadError::NoMemory { needed_bytes: 0x4000_0000_0000, .. }), "{refusal}");
    let _ = runner(&tiny("tied"), &[]);
}

#[test]
fn sizes_are_read_at_a_glance() {
    let said = |needed_bytes| LoadError::NoMemory { needed_bytes, free_bytes: 17 }.to_string();
    assert_eq!(said(15_249_000_000), "15.2 GB of memory are needed, and 17 bytes are free");
    assert_eq!(said(988_097_824), "988 MB of memory are needed, and 17 bytes are free");
    assert_eq!(said(1_900), "1.9 kB of memory are needed, and 17 bytes are free");
}

#[test]
fn this_machine_has_some_memory_free() {
    assert!(model::free_bytes(DeviceChoice::Cpu).unwrap() > 1 << 20);
    assert_eq!(model::free_bytes(DeviceChoice::Cuda(99)), None);
}
