//! Files that are damaged, mistaken or made to harm: each is refused with an error that names what is wrong with it.

use std::fs;
use std::path::Path;

use model::{Base, LoadError, PrecisionChoice};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{copy_of, load, on_processor, set, tiny};

fn copy_of_base() -> TempDir {
    copy_of(&tiny("tied"))
}

fn copy_of_adapter() -> TempDir {
    copy_of(&tiny("tied/all_rslora"))
}

fn refusal(folder: &Path) -> LoadError {
    Base::load(folder, on_processor(PrecisionChoice::F32)).err().expect("this should be refused")
}

fn adapter_refusal(folder: &Path) -> LoadError {
    load(&tiny("tied")).add_adapter(folder).expect_err("this should be refused")
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
    check(
        |parts| part(parts, NAME).data[20..24].copy_from_slice(&f32::NAN.to_le_bytes()),
        |refusal| match refusal {
            LoadError::NonFinite { tensor, .. } => Some(tensor),
            _ => None,
        },
    );
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
    let refusal = Base::load(folder.path(), on_processor(PrecisionChoice::F16)).err().unwrap();
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
    check(json!({ "layers_to_transform": [0] }));
    check(json!({ "layer_replication": [[0, 1]] }));
    check(json!({ "rank_pattern": { "q_proj": 2 } }));
    check(json!({ "alpha_pattern": { "q_proj": 2 } }));
    check(json!({ "exclude_modules": ["q_proj"] }));
    check(json!({ "init_lora_weights": "pissa" }));
    check(json!({ "use_something_invented_tomorrow": true }));
    check(json!({ "target_modules": ["q_proj", "lm_head"] }));
    check(json!({ "target_modules": ".*_proj" }));
    check(json!({ "target_modules": [] }));
    check(json!({ "target_modules": [1] }));
}

#[test]
fn adapters_that_make_no_sense() {
    let folder = copy_of_adapter();
    for changes in
        [json!({ "r": 0 }), json!({ "r": 4_000_000_000_u64 }), json!({ "r": "4" }), json!({ "lora_alpha": "x" })]
    {
        fs::copy(tiny("tied/all_rslora/adapter_config.json"), folder.path().join("adapter_config.json")).unwrap();
        set(&folder.path().join("adapter_config.json"), changes);
        assert!(matches!(adapter_refusal(folder.path()), LoadError::Absurd { .. }));
    }
    fs::copy(tiny("tied/all_rslora/adapter_config.json"), folder.path().join("adapter_config.json")).unwrap();
    set(&folder.path().join("adapter_config.json"), json!({ "r": 3 }));
    assert!(matches!(adapter_refusal(folder.path()), LoadError::WrongShape { .. }));
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
