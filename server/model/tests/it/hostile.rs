//! Files that are damaged, mistaken or made to harm: each is refused with an error that names what is wrong with it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use model::{Arithmetic, Base, LoadError, PrecisionChoice};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::allocations::peak_of;
use crate::support::{F32, copy_of, load, on_processor, set, tiny};

fn copy_of_base() -> TempDir {
    copy_of(&tiny("tied"))
}

fn copy_of_adapter() -> TempDir {
    copy_of(&tiny("tied/all_rslora"))
}

fn refusal(folder: &Path) -> LoadError {
    modestly(|| Base::load(folder, on_processor(F32)).err()).expect("this should be refused")
}

fn adapter_refusal(folder: &Path) -> LoadError {
    let mut base = load(&tiny("tied"));
    modestly(|| base.add_adapter(folder).err()).expect("this should be refused")
}

/// However a file is made, to refuse it takes less than a second of computing and 64 MB.
fn modestly<T>(action: impl FnOnce() -> T) -> T {
    let before = computed();
    let (result, peak_bytes) = peak_of(action);
    let took = computed() - before;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert!(peak_bytes < 64_000_000, "it took {peak_bytes} bytes");
    result
}

/// Time that this thread has computed: on a busy machine the clock on the wall says nothing.
fn computed() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

struct Part {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// Rewrites a safetensors file with its tensors changed.
fn rewrite(file: &Path, change: impl Fn(&mut Vec<Part>)) {
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let part = |(name, view): (&str, TensorView)| Part {
        name: name.to_owned(),
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        data: view.data().to_vec(),
    };
    let mut parts: Vec<Part> = tensors.iter().map(part).collect();
    change(&mut parts);
    let views =
        parts.iter().map(|part| (&part.name, TensorView::new(part.dtype, part.shape.clone(), &part.data).unwrap()));
    serialize_to_file(views, None, file).unwrap();
}

fn part<'a>(parts: &'a mut [Part], name: &str) -> &'a mut Part {
    parts.iter_mut().find(|part| part.name == name).unwrap()
}

/// An adapter of finite numbers that overflow f32 when they are multiplied.
pub fn write_overflowing_adapter(folder: &Path) {
    let source = tiny("tied/all_rslora");
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    rewrite(&folder.join("adapter_model.safetensors"), |parts| {
        for part in parts.iter_mut().filter(|part| part.name.contains("q_proj") || part.name.contains("v_proj")) {
            part.data = 1e30_f32.to_le_bytes().repeat(part.data.len() / 4);
        }
    });
}

#[test]
fn a_folder_without_a_model() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(refusal(empty.path()), LoadError::Read { file, .. } if file.ends_with("config.json")));
    assert!(matches!(refusal(Path::new("/nowhere/at/all")), LoadError::Read { .. }));

    let folder = copy_of_base();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::remove_file(folder.path().join("golden.safetensors")).unwrap();
    assert!(matches!(refusal(folder.path()), LoadError::NoWeights { wanted: "model.safetensors", .. }));
}

#[test]
fn weights_cut_off_anywhere() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    for length in [0, 1, 7, 8, 9, 200, 2000, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        let refusal = refusal(folder.path());
        assert!(
            matches!(&refusal, LoadError::Damaged { file, .. } if file.ends_with("model.safetensors")),
            "{length}: {refusal}"
        );
    }
}

#[test]
fn weights_with_an_impossible_header() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    let overlapping = br#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let huge = br#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    for header in [&overlapping[..], &huge[..], b"{}garbage", b"[]", &[0xff; 40]] {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat();
        fs::write(&file, bytes).unwrap();
        assert!(matches!(refusal(folder.path()), LoadError::Damaged { .. }), "{:?}", String::from_utf8_lossy(header));
    }
    fs::write(&file, [0xff; 64]).unwrap();
    assert!(matches!(refusal(folder.path()), LoadError::Damaged { .. }));
}

/// Writes a safetensors file with this header and so many bytes of data.
fn write_file(file: &Path, header: &str, n_bytes: usize) {
    fs::write(file, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; n_bytes]].concat()).unwrap();
}

#[test]
fn headers_made_to_harm() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    let check = |header: &str, n_bytes, expected: &str| {
        write_file(&file, header, n_bytes);
        let refusal = refusal(folder.path());
        assert!(matches!(refusal, LoadError::Damaged { .. }), "{refusal}");
        assert!(refusal.to_string().contains(expected), "{refusal}");
    };
    check("", 0, "EOF while parsing");
    check(&"[".repeat(100_000), 0, "invalid type");
    check(&format!("{{\"__metadata__\":{}", "[".repeat(100_000)), 0, "invalid JSON");
    check(&format!("{{\"a\":{}", "{\"a\":".repeat(100_000)), 0, "invalid JSON");
    check("\u{feff}{}", 0, "invalid JSON");
    let tensor = |name: &str, start: usize, end: usize| {
        format!(
            r#""{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            (end.max(start) - start.min(end)) / 4
        )
    };
    let two = |left: String, right: String| format!("{{{left},{right}}}");
    check(&two(tensor("a", 0, 4), tensor("b", 8, 12)), 12, "invalid offset"); // a hole
    check(&two(tensor("a", 4, 0), tensor("b", 4, 8)), 8, "invalid offset"); // reversed
    check(&two(tensor("a", 0, 4), tensor("b", 4, 800)), 8, "incomplete metadata"); // beyond the end
    check(&two(tensor("a", 0, 4), tensor("b", 4, 8)), 9, "incomplete metadata"); // before the end
    check(r#"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, 4, "unknown variant");
    check(r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "invalid value");
    check(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#, 4, "");
    check(r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,4]}}"#, 4, "overflow");
}

#[test]
fn headers_larger_than_any_model_has() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    for length in [100_000_001, u64::MAX, 5 << 20] {
        fs::write(&file, [&length.to_le_bytes()[..], &[b' '; 64]].concat()).unwrap();
        assert!(matches!(refusal(folder.path()), LoadError::Damaged { .. }), "{length}");
    }
    // A million tensors of nothing each, and as many as a header may have room for.
    let many = |n: usize| {
        let entries = (0..n).map(|idx| format!(r#""{idx}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
        format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
    };
    write_file(&file, &many(1_000_000), 0);
    assert!(matches!(refusal(folder.path()), LoadError::Damaged { .. }));
    write_file(&file, &many(70_000), 0);
    assert!(matches!(refusal(folder.path()), LoadError::UnexpectedTensor { .. }));
    let dimensions = vec!["0"; 2_000_000].join(",");
    write_file(&file, &format!(r#"{{"a":{{"dtype":"F32","shape":[{dimensions}],"data_offsets":[0,0]}}}}"#), 0);
    assert!(matches!(refusal(folder.path()), LoadError::UnexpectedTensor { .. }));
}

#[test]
fn a_tensor_that_stands_twice_in_one_header() {
    let folder = copy_of_base();
    let tensor = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let other = r#""a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}"#;
    for header in [format!("{{{tensor},{tensor}}}"), format!("{{{tensor},{other}}}")] {
        write_file(&folder.path().join("model.safetensors"), &header, 4);
        let refusal = refusal(folder.path());
        assert!(matches!(&refusal, LoadError::RepeatedTensor { tensor, .. } if tensor == "a"), "{refusal}");
    }
}

#[test]
fn a_tensor_that_stands_in_two_files() {
    const NAME: &str = "model.norm.weight";
    let folder = copy_of(&tiny("untied_old_keys"));
    let shard = |idx: u32| folder.path().join(format!("model-0000{idx}-of-00003.safetensors"));
    let has_it = |idx: &u32| SafeTensors::deserialize(&fs::read(shard(*idx)).unwrap()).unwrap().tensor(NAME).is_ok();
    let without = (1..=3).find(|idx| !has_it(idx)).unwrap();
    rewrite(&shard(without), |parts| {
        let extra = Part { name: NAME.to_owned(), dtype: Dtype::F32, shape: vec![32], data: vec![0; 128] };
        parts.push(extra);
    });
    let refusal = refusal(folder.path());
    assert!(matches!(&refusal, LoadError::RepeatedTensor { tensor, .. } if tensor == NAME), "{refusal}");
}

#[test]
fn files_that_are_no_files() {
    let folder = copy_of(&tiny("untied_old_keys"));
    let shard = folder.path().join("model-00001-of-00003.safetensors");
    let check = |kind: &str| {
        let refusal = refusal(folder.path());
        assert!(matches!(&refusal, LoadError::Read { file, .. } if *file == shard), "{kind}: {refusal}");
        fs::remove_file(&shard).or_else(|_| fs::remove_dir(&shard)).unwrap();
    };
    fs::remove_file(&shard).unwrap();
    std::os::unix::fs::symlink(&shard, &shard).unwrap();
    check("a link to itself");
    fs::create_dir(&shard).unwrap();
    check("a folder");
    // Whoever opens it waits for somebody who writes.
    assert!(std::process::Command::new("mkfifo").arg(&shard).status().unwrap().success());
    check("a pipe");
    std::os::unix::fs::symlink("/dev/zero", &shard).unwrap();
    check("a device");
}

#[test]
fn weights_in_another_format() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    for (start, named) in [
        (&b"PK\x03\x04data"[..], "pickle"),
        (b"\x80\x02}q\x00X", "pickle"),
        (b"\x80\x04\x95\x10\0\0\0\0", "pickle"),
        (b"GGUF\x03\0\0\0", "GGUF"),
    ] {
        fs::write(&file, start).unwrap();
        assert!(matches!(refusal(folder.path()), LoadError::NotSafetensors { format, .. } if format == named));
    }
    fs::remove_file(&file).unwrap();
    for (name, named) in [("pytorch_model.bin", "pickle"), ("model.pt", "pickle"), ("weights.gguf", "GGUF")] {
        let other = folder.path().join(name);
        fs::write(&other, "anything").unwrap();
        let refusal = refusal(folder.path());
        assert!(
            matches!(&refusal, LoadError::NotSafetensors { file, format } if file.ends_with(name) && *format == named),
            "{refusal}"
        );
        fs::remove_file(other).unwrap();
    }
}

#[test]
fn a_tensor_that_is_wrong() {
    const NAME: &str = "model.layers.1.mlp.up_proj.weight";
    let check = |change: fn(&mut Vec<Part>), expected: fn(&LoadError) -> Option<&String>| {
        let folder = copy_of_base();
        rewrite(&folder.path().join("model.safetensors"), change);
        let refusal = refusal(folder.path());
        assert_eq!(expected(&refusal).map(String::as_str), Some(NAME), "{refusal}");
        assert!(refusal.to_string().contains("model.safetensors"), "{refusal}");
    };
    check(
        |parts| parts.retain(|part| part.name != NAME),
        |refusal| match refusal {
            LoadError::MissingTensor { tensor, .. } => Some(tensor),
            _ => None,
        },
    );
    check(
        |parts| part(parts, NAME).shape.reverse(),
        |refusal| match refusal {
            LoadError::WrongShape { tensor, .. } => Some(tensor),
            _ => None,
        },
    );
    check(
        |parts| part(parts, NAME).dtype = Dtype::I32,
        |refusal| match refusal {
            LoadError::UnknownDtype { tensor, .. } => Some(tensor),
            _ => None,
        },
    );
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let folder = copy_of_base();
        let file = folder.path().join("model.safetensors");
        rewrite(&file, |parts| part(parts, NAME).data[20..24].copy_from_slice(&value.to_le_bytes()));
        for precision in [PrecisionChoice::F32, PrecisionChoice::Bf16, PrecisionChoice::F16] {
            let refusal = Base::load(folder.path(), on_processor((precision, Arithmetic::Kernels))).err().unwrap();
            assert!(matches!(&refusal, LoadError::NonFinite { tensor, .. } if tensor == NAME), "{value}: {refusal}");
        }
    }
}

#[test]
fn a_tensor_too_many() {
    let folder = copy_of_base();
    rewrite(&folder.path().join("model.safetensors"), |parts| {
        let extra = Part {
            name: "model.layers.0.self_attn.q_norm.weight".to_owned(),
            dtype: Dtype::F32,
            shape: vec![1],
            data: vec![0; 4],
        };
        parts.push(extra);
    });
    let refusal = refusal(folder.path());
    assert!(
        matches!(&refusal, LoadError::UnexpectedTensor { tensor, .. } if tensor.ends_with("q_norm.weight")),
        "{refusal}"
    );
}

#[test]
fn a_value_too_large_for_the_precision() {
    let folder = copy_of_base();
    rewrite(&folder.path().join("model.safetensors"), |parts| {
        part(parts, "model.norm.weight").data[..4].copy_from_slice(&1e6_f32.to_le_bytes());
    });
    let refusal = Base::load(folder.path(), on_processor((PrecisionChoice::F16, Arithmetic::Kernels))).err().unwrap();
    assert!(
        matches!(&refusal, LoadError::NonFinite { tensor, precision: "f16", .. } if tensor == "model.norm.weight"),
        "{refusal}"
    );
}

#[test]
fn tied_weights_stored_twice_must_agree() {
    let folder = copy_of_base();
    let file = folder.path().join("model.safetensors");
    rewrite(&file, |parts| {
        let embeddings = part(parts, "model.embed_tokens.weight");
        let head = Part {
            name: "lm_head.weight".to_owned(),
            dtype: Dtype::F32,
            shape: embeddings.shape.clone(),
            data: embeddings.data.clone(),
        };
        parts.push(head);
    });
    load(folder.path());
    rewrite(&file, |parts| part(parts, "lm_head.weight").data[0] ^= 1);
    assert!(matches!(refusal(folder.path()), LoadError::NotTied { .. }));
}

#[test]
fn an_index_that_leaves_the_folder() {
    let elsewhere = copy_of(&tiny("untied_old_keys"));
    for named in
        ["../x.safetensors", "/etc/x.safetensors", "sub/x.safetensors", "./x.safetensors", "..", "", "weights.bin"]
    {
        let index = elsewhere.path().join("model.safetensors.index.json");
        set(&index, json!({ "weight_map": { "model.norm.weight": named } }));
        let refusal = refusal(elsewhere.path());
        assert!(matches!(&refusal, LoadError::OutsideFolder { named: found, .. } if found == named), "{refusal}");
    }
}

#[test]
fn an_index_that_is_not_complete() {
    let folder = copy_of(&tiny("untied_old_keys"));
    let index = folder.path().join("model.safetensors.index.json");
    fs::remove_file(folder.path().join("model-00002-of-00003.safetensors")).unwrap();
    assert!(
        matches!(refusal(folder.path()), LoadError::Read { file, .. } if file.ends_with("model-00002-of-00003.safetensors"))
    );

    set(&index, json!({ "weight_map": { "model.norm.weight": "model-00001-of-00003.safetensors" } }));
    assert!(matches!(refusal(folder.path()), LoadError::MissingTensor { tensor, .. } if tensor == "lm_head.weight"));

    fs::write(&index, "{").unwrap();
    assert!(matches!(refusal(folder.path()), LoadError::Parse { file, .. } if file == index));
}

#[test]
fn configurations_that_are_not_supported() {
    let check = |changes: Value, expected: &str| {
        let folder = copy_of_base();
        set(&folder.path().join("config.json"), changes);
        let refusal = refusal(folder.path());
        assert!(matches!(refusal, LoadError::Unsupported { .. }), "{refusal}");
        assert!(refusal.to_string().contains(expected), "{refusal}");
    };
    check(json!({ "architectures": ["MambaForCausalLM"] }), "architecture MambaForCausalLM");
    check(json!({ "architectures": null, "model_type": "gpt2" }), "architecture gpt2");
    check(json!({ "architectures": null, "model_type": null }), "architecture (none named)");
    check(json!({ "hidden_act": "gelu" }), "hidden_act gelu");
    check(json!({ "layer_types": ["full_attention", "chunked_attention"] }), "layer_types chunked_attention");
    check(json!({ "rope_parameters": { "rope_type": "longrope", "rope_theta": 1e4 } }), "rope_type longrope");
    check(
        json!({ "rope_parameters": { "rope_theta": 1e4, "partial_rotary_factor": 0.5 } }),
        "rope_parameters.partial_rotary_factor 0.5",
    );
    check(json!({ "rope_parameters": { "full_attention": { "rope_theta": 1e4 } } }), "rope_parameters.full_attention");
    check(json!({ "quantization_config": { "quant_method": "gptq" } }), "gptq");
    check(json!({ "use_mrope": true }), "use_mrope true");
    check(json!({ "use_bidirectional_attention": true }), "use_bidirectional_attention true");
    check(json!({ "partial_rotary_factor": 0.25 }), "partial_rotary_factor 0.25");
}

#[test]
fn sliding_windows_that_no_layer_uses_are_no_obstacle() {
    let folder = copy_of_base();
    let changes =
        json!({ "layer_types": null, "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 2 });
    set(&folder.path().join("config.json"), changes);
    load(folder.path());
}

#[test]
fn configurations_that_make_no_sense() {
    let check = |changes: Value, expected: &str| {
        let folder = copy_of_base();
        set(&folder.path().join("config.json"), changes);
        let refusal = refusal(folder.path());
        assert!(matches!(refusal, LoadError::Absurd { .. }), "{refusal}");
        assert!(refusal.to_string().ends_with(expected), "{refusal}");
    };
    check(json!({ "num_attention_heads": 0 }), "hidden_size 32 cannot be divided among 0 attention heads");
    check(json!({ "num_attention_heads": 5 }), "hidden_size 32 cannot be divided among 5 attention heads");
    check(json!({ "num_attention_heads": -4 }), "hidden_size 32 cannot be divided among -4 attention heads");
    check(json!({ "num_key_value_heads": 3 }), "4 attention heads cannot share 3 key/value heads");
    check(json!({ "num_key_value_heads": 0 }), "num_key_value_heads is 0, but must be between 1 and 4");
    check(
        json!({ "num_hidden_layers": 1_000_000_000 }),
        "num_hidden_layers is 1000000000, but must be between 1 and 1024",
    );
    check(json!({ "vocab_size": i64::MAX }), "vocab_size is 9223372036854775807, but must be between 1 and 16777216");
    check(json!({ "hidden_size": 0 }), "hidden_size is 0, but must be between 1 and 131072");
    check(json!({ "head_dim": 7 }), "head_dim 7 cannot be halved for the rotation");
    check(json!({ "rms_norm_eps": 0.0 }), "rms_norm_eps is 0, but must be above 0 and finite");
    check(json!({ "rope_parameters": { "rope_theta": -1.0 } }), "rope_theta is -1, but must be above 0 and finite");
    check(json!({ "rope_parameters": { "rope_theta": "NaN" } }), "rope_theta \"NaN\" is not a number");
    check(json!({ "rope_parameters": { "rope_type": "linear" } }), "the rope_type linear comes without a factor");
    check(
        json!({ "rope_parameters": { "rope_type": "yarn", "factor": -2.0 } }),
        "factor is -2, but must be above 0 and finite",
    );
    check(json!({ "layer_types": ["full_attention"] }), "layer_types names 1 layers of 2");
    check(
        json!({ "layer_types": ["full_attention", "sliding_attention"] }),
        "some layers look through a window, but there is no sliding_window",
    );
    check(
        json!({ "use_sliding_window": true, "sliding_window": 0 }),
        "sliding_window is 0, but must be between 1 and 16777216",
    );
    check(json!({ "architectures": "Qwen2ForCausalLM" }), "architectures \"Qwen2ForCausalLM\" is not a list of names");
    check(json!({ "hidden_size": "32" }), "hidden_size \"32\" is not a whole number");
    check(json!({ "architectures": ["Gemma3ForConditionalGeneration"] }), "there is no text_config");
}

/// The fixtures of all architectures; the sizes of those with a vision part stand one level lower.
const ALL: [(&str, bool); 9] = [
    ("tied", false),
    ("qwen3", false),
    ("llama3", false),
    ("llama_dynamic", false),
    ("mistral", false),
    ("gemma2", false),
    ("gemma3", false),
    ("gemma3_vision", true),
    ("mistral3_vision", true),
];

const SIZES: [&str; 8] = [
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
];

/// A configuration with one key changed, in a folder whose weights stay as they were.
fn with(folder: &Path, is_below: bool, key: &str, value: &Value) {
    let file = folder.join("config.json");
    let mut keys: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let text = if is_below { &mut keys["text_config"] } else { &mut keys };
    text[key] = value.clone();
    fs::write(file, keys.to_string()).unwrap();
}

#[test]
fn sizes_that_no_model_of_any_architecture_has() {
    for (name, is_below) in ALL {
        let folder = copy_of(&tiny(name));
        let config = fs::read(folder.path().join("config.json")).unwrap();
        for key in SIZES {
            for value in [
                json!(0),
                json!(-1),
                json!(1_000_000_000),
                json!(i64::MAX),
                json!(1e300),
                json!(1.5),
                json!("8"),
                json!([]),
            ] {
                with(folder.path(), is_below, key, &value);
                let refusal = refusal(folder.path());
                assert!(matches!(refusal, LoadError::Absurd { .. }), "{name}: {key} {value}: {refusal}");
                fs::write(folder.path().join("config.json"), &config).unwrap();
            }
        }
    }
}

/// What is allowed may be another model than the one in the file.
#[test]
fn sizes_unlike_those_of_the_weights() {
    for (name, is_below) in ALL {
        let folder = copy_of(&tiny(name));
        let config = fs::read(folder.path().join("config.json")).unwrap();
        let largest =
            [("vocab_size", 1 << 24), ("hidden_size", 1 << 12), ("intermediate_size", 1 << 20), ("head_dim", 1 << 10)];
        for (key, value) in largest {
            with(folder.path(), is_below, key, &json!(value));
            let refusal = refusal(folder.path());
            assert!(matches!(refusal, LoadError::WrongShape { .. }), "{name}: {key} {value}: {refusal}");
            fs::write(folder.path().join("config.json"), &config).unwrap();
        }
        with(folder.path(), is_below, "layer_types", &Value::Null);
        with(folder.path(), is_below, "num_hidden_layers", &json!(1024));
        assert!(matches!(refusal(folder.path()), LoadError::MissingTensor { .. }), "{name}");
    }
}

#[test]
fn configurations_that_are_deep_or_long() {
    let folder = copy_of_base();
    let file = folder.path().join("config.json");
    fs::write(&file, "{\"a\":".repeat(100_000)).unwrap();
    assert!(matches!(refusal(folder.path()), LoadError::Parse { .. }));
    fs::write(&file, format!("{{\"a\":[{}0]}}", "[],".repeat(300_000))).unwrap();
    assert!(matches!(refusal(folder.path()), LoadError::Unsupported { .. }));
    fs::write(&file, " ".repeat(2 << 20)).unwrap();
    let refusal = refusal(folder.path());
    assert!(
        refusal.to_string().ends_with("it has 2097152 bytes, and 1048576 are more than enough for it"),
        "{refusal}"
    );
}

#[test]
fn code_that_a_configuration_names_is_not_run_and_no_obstacle() {
    let folder = copy_of_base();
    set(&folder.path().join("config.json"), json!({ "auto_map": { "AutoModelForCausalLM": "modeling.Own" } }));
    load(folder.path());
}

#[test]
fn configurations_that_are_not_json_of_the_right_kind() {
    for text in ["", "[]", "{\"vocab_size\": NaN}", "{\"vocab_size\": 1e400}", "\u{feff}{}"] {
        let folder = copy_of_base();
        fs::write(folder.path().join("config.json"), text).unwrap();
        assert!(matches!(refusal(folder.path()), LoadError::Parse { file, .. } if file.ends_with("config.json")));
    }
}

#[test]
fn an_adapter_of_another_base_leaves_the_base_as_it_was() {
    let mut base = load(&tiny("untied_old_keys"));
    let refusal = base.add_adapter(&tiny("tied/all_rslora")).unwrap_err();
    let LoadError::WrongShape { file, tensor, .. } = &refusal else { panic!("{refusal}") };
    assert!(file.ends_with("adapter_model.safetensors") && tensor.contains("lora_"), "{refusal}");
    assert_eq!(base.n_adapters(), 0);
    assert_eq!(base.add_adapter(&tiny("untied_old_keys/all_rslora")).unwrap().0, 1);
}

#[test]
fn an_adapter_with_a_layer_missing_or_too_many() {
    let folder = copy_of_adapter();
    rewrite(&folder.path().join("adapter_model.safetensors"), |parts| {
        parts.retain(|part| !part.name.contains("layers.1.mlp"))
    });
    let refusal = adapter_refusal(folder.path());
    assert!(
        matches!(&refusal, LoadError::MissingTensor { tensor, .. } if tensor.contains("layers.1.mlp")),
        "{refusal}"
    );

    let folder = copy_of_adapter();
    set(&folder.path().join("adapter_config.json"), json!({ "target_modules": ["q_proj"] }));
    assert!(matches!(adapter_refusal(folder.path()), LoadError::UnexpectedTensor { .. }));
}

#[test]
fn adapters_that_are_not_safetensors() {
    let folder = copy_of_adapter();
    fs::rename(folder.path().join("adapter_model.safetensors"), folder.path().join("adapter_model.bin")).unwrap();
    assert!(matches!(adapter_refusal(folder.path()), LoadError::NotSafetensors { format: "pickle", .. }));
    fs::remove_file(folder.path().join("adapter_model.bin")).unwrap();
    assert!(matches!(adapter_refusal(folder.path()), LoadError::NoWeights { wanted: "adapter_model.safetensors", .. }));
}

#[test]
fn adapters_that_are_more_than_lora() {
    let check = |changes: Value| {
        let folder = copy_of_adapter();
        set(&folder.path().join("adapter_config.json"), changes.clone());
        let refusal = adapter_refusal(folder.path());
        let name = changes.as_object().unwrap().keys().next().unwrap();
        assert!(matches!(&refusal, LoadError::Unsupported { option, .. } if option == name), "{refusal}");
    };
    check(json!({ "peft_type": "IA3" }));
    check(json!({ "use_dora": true }));
    check(json!({ "bias": "all" }));
    check(json!({ "lora_bias": true }));
    check(json!({ "modules_to_save": ["lm_head"] }));
    check(json!({ "fan_in_fan_out": true }));
    check(json!({ "layer_replication": [[0, 1]] }));
    check(json!({ "layers_to_transform": ["0"] }));
    check(json!({ "layers_to_transform": 0, "target_modules": "all-linear" }));
    check(json!({ "layers_pattern": "layers" }));
    check(json!({ "layers_pattern": "(", "layers_to_transform": 0 }));
    check(json!({ "rank_pattern": { "(": 2 } }));
    check(json!({ "alpha_pattern": { "q_proj(?=x)": 2 } }));
    check(json!({ "exclude_modules": "(" }));
    check(json!({ "init_lora_weights": "pissa" }));
    check(json!({ "use_something_invented_tomorrow": true }));
    check(json!({ "target_modules": ["q_proj", "lm_head"] }));
    check(json!({ "target_modules": "q_proj" })); // a pattern for whole paths, which fits none
    check(json!({ "target_modules": "(?!.*vision).*q_proj" }));
    check(json!({ "target_modules": "(((((a{100}){100}){100}){100}){100})" }));
    check(json!({ "target_modules": [] }));
    check(json!({ "target_modules": [1] }));
}

#[test]
fn adapters_that_make_no_sense() {
    let folder = copy_of_adapter();
    for changes in [
        json!({ "r": 0 }),
        json!({ "r": 1_000_000 }),
        json!({ "r": 4_000_000_000_u64 }),
        json!({ "r": "4" }),
        json!({ "lora_alpha": "x" }),
        json!({ "lora_alpha": "NaN" }),
        json!({ "rank_pattern": { "q_proj": 0 } }),
        json!({ "rank_pattern": { "q_proj": 1_000_000 } }),
        json!({ "alpha_pattern": { "q_proj": "x" } }),
    ] {
        fs::copy(tiny("tied/all_rslora/adapter_config.json"), folder.path().join("adapter_config.json")).unwrap();
        set(&folder.path().join("adapter_config.json"), changes);
        assert!(matches!(adapter_refusal(folder.path()), LoadError::Absurd { .. }));
    }
    fs::copy(tiny("tied/all_rslora/adapter_config.json"), folder.path().join("adapter_config.json")).unwrap();
    for changes in [json!({ "r": 3 }), json!({ "rank_pattern": { "q_proj": 16384 } })] {
        set(&folder.path().join("adapter_config.json"), changes);
        assert!(matches!(adapter_refusal(folder.path()), LoadError::WrongShape { .. }));
    }
}

#[test]
fn adapter_configurations_that_are_deep_long_or_not_json() {
    let folder = copy_of_adapter();
    let file = folder.path().join("adapter_config.json");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        adapter_refusal(folder.path())
    };
    assert!(matches!(check("{\"lora_alpha\": NaN}"), LoadError::Parse { .. }));
    assert!(matches!(check("{\"rank_pattern\": [1]}"), LoadError::Parse { .. }));
    assert!(matches!(check(&"{\"a\":".repeat(100_000)), LoadError::Parse { .. }));
    assert!(matches!(check(&" ".repeat(2 << 20)), LoadError::Absurd { .. }));
    let refusal = check(&format!("{{\"peft_type\": {:?}}}", "x".repeat(500_000)));
    assert!(matches!(refusal, LoadError::Unsupported { .. }) && refusal.to_string().len() < 1000);
    let names = (0..20_000).map(|idx| format!("\"name_{idx}\"")).collect::<Vec<_>>().join(",");
    let many = format!(r#"{{"peft_type":"LORA","r":1,"lora_alpha":1,"target_modules":["q_proj",{names}]}}"#);
    assert!(matches!(check(&many), LoadError::Unsupported { .. }));
}

#[test]
fn ways_to_name_the_target_modules() {
    let names = json!([
        "model.layers.0.self_attn.q_proj",
        "layers.1.self_attn.q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "mlp.up_proj",
        "down_proj"
    ]);
    for targets in [json!("all-linear"), names] {
        let folder = copy_of_adapter();
        set(&folder.path().join("adapter_config.json"), json!({ "target_modules": targets }));
        load(&tiny("tied")).add_adapter(folder.path()).unwrap();
    }
}
