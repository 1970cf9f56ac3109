#![allow(clippy::unwrap_used, reason = "clippy's own exception stops at the helpers of tests")]

use serde_json::{Value, json};

use super::*;

fn parse(keys: &Value) -> Result<Config, LoadError> {
    Config::parse(keys.to_string().as_bytes(), Path::new("config.json"))
}

fn read(keys: Value) -> Config {
    parse(&keys).unwrap()
}

/// The length of the model's window and for each layer whether it looks through it: `8: .~~`.
fn windows(config: &Config) -> String {
    let layer = |reach: &Reach| if *reach == Reach::All { '.' } else { '~' };
    let layers: String = config.reaches.iter().map(layer).collect();
    format!("{}: {layers}", config.window().map_or("none".to_owned(), |window| window.to_string()))
}

#[test]
fn a_file_that_says_nothing_means_what_its_architecture_takes_for_it() {
    let check = |class: &str, sizes: [i64; 8], rms_norm_eps: f64, theta: f64| {
        let config = read(json!({ "architectures": [class] }));
        let found = [
            config.vocab_size,
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
            config.max_position_embeddings,
        ];
        assert_eq!((found, config.rms_norm_eps, config.rope.theta), (sizes, rms_norm_eps, theta), "{class}");
        assert_eq!(config.rope.scaling, RopeScaling::None);
    };
    check("Qwen2ForCausalLM", [151_936, 4096, 22_016, 32, 32, 32, 128, 32_768], 1e-6, 1e4);
    check("Qwen3ForCausalLM", [151_936, 4096, 22_016, 32, 32, 32, 128, 32_768], 1e-6, 1e4);
    check("LlamaForCausalLM", [32_000, 4096, 11_008, 32, 32, 32, 128, 2048], 1e-6, 1e4);
    check("MistralForCausalLM", [32_000, 4096, 14_336, 32, 32, 8, 128, 131_072], 1e-6, 1e4);
    check("Gemma2ForCausalLM", [256_000, 2304, 9216, 26, 8, 4, 256, 8192], 1e-6, 1e4);
    check("Gemma3ForCausalLM", [262_208, 2304, 9216, 26, 8, 4, 256, 131_072], 1e-6, 1e6);
}

#[test]
fn windows_by_the_rules_of_each_architecture() {
    let check = |keys: Value, expected: &str| assert_eq!(windows(&read(keys)), expected);
    check(json!({ "model_type": "qwen2", "num_hidden_layers": 4, "sliding_window": 8 }), "none: ....");
    check(
        json!({ "model_type": "qwen2", "num_hidden_layers": 4, "use_sliding_window": true, "max_window_layers": 1 }),
        "4096: .~~~",
    );
    check(
        json!({ "model_type": "qwen3", "num_hidden_layers": 30, "use_sliding_window": true, "sliding_window": 9 }),
        &format!("9: {}~~", ".".repeat(28)),
    );
    check(
        json!({
            "model_type": "qwen3", "num_hidden_layers": 3, "use_sliding_window": true, "sliding_window": 9,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        }),
        "9: ~.~",
    );
    check(json!({ "model_type": "llama", "num_hidden_layers": 2, "sliding_window": 9 }), "none: ..");
    check(json!({ "model_type": "mistral", "num_hidden_layers": 2 }), "4096: ~~");
    check(json!({ "model_type": "mistral", "num_hidden_layers": 2, "sliding_window": null }), "none: ..");
    check(json!({ "model_type": "gemma2", "num_hidden_layers": 4 }), "4096: ~.~.");
    check(json!({ "model_type": "gemma3_text", "num_hidden_layers": 7, "sliding_window": 512 }), "512: ~~~~~.~");
    check(json!({ "model_type": "gemma3_text", "num_hidden_layers": 4, "sliding_window_pattern": 2 }), "4096: ~.~.");
}

#[test]
fn layers_of_two_kinds_where_the_architecture_knows_one_are_refused() {
    let kinds = json!(["full_attention", "sliding_attention"]);
    let refusal = parse(&json!({ "model_type": "mistral", "num_hidden_layers": 2, "layer_types": kinds })).unwrap_err();
    assert!(matches!(&refusal, LoadError::Unsupported { option, .. } if option == "layer_types"), "{refusal}");
    let refusal = parse(&json!({ "model_type": "llama", "num_hidden_layers": 2, "layer_types": kinds })).unwrap_err();
    assert!(matches!(&refusal, LoadError::Unsupported { option, .. } if option == "layer_types"), "{refusal}");
}

#[test]
fn rotations_in_old_and_new_keys() {
    let check = |old: Value, new: Value| {
        let (old, new) = (read(old), read(new));
        assert_eq!((old.rope, old.local_rope), (new.rope, new.local_rope));
        new
    };
    let linear = check(
        json!({ "model_type": "llama", "rope_theta": 5e5, "rope_scaling": { "type": "linear", "factor": 2 } }),
        json!({ "model_type": "llama", "rope_parameters": { "rope_type": "linear", "rope_theta": 5e5, "factor": 2.0 } }),
    );
    assert_eq!(linear.rope, Rope { theta: 5e5, scaling: RopeScaling::Linear { factor: 2.0 } });

    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    let mut llama3_new = llama3.clone();
    llama3_new["rope_theta"] = json!(5e5);
    check(
        json!({ "model_type": "llama", "rope_theta": 5e5, "rope_scaling": llama3 }),
        json!({ "model_type": "llama", "rope_parameters": llama3_new }),
    );

    let gemma3 = check(
        json!({
            "model_type": "gemma3_text", "rope_theta": 5e5, "rope_local_base_freq": 500.0,
            "rope_scaling": { "rope_type": "linear", "factor": 8.0 },
        }),
        json!({
            "model_type": "gemma3_text",
            "rope_parameters": {
                "full_attention": { "rope_type": "linear", "factor": 8.0, "rope_theta": 5e5 },
                "sliding_attention": { "rope_type": "default", "rope_theta": 500.0 },
            },
        }),
    );
    assert_eq!(gemma3.local_rope, Some(Rope { theta: 500.0, scaling: RopeScaling::None }));
    let silent = read(json!({ "model_type": "gemma3_text" }));
    assert_eq!((silent.rope.theta, silent.local_rope.unwrap().theta), (1e6, 1e4));
}

#[test]
fn yarn_lengthens_what_a_file_calls_the_longest_text() {
    let yarn = json!({ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32_768 });
    let config = read(json!({ "model_type": "qwen2", "max_position_embeddings": 32_768, "rope_scaling": yarn }));
    assert_eq!(config.n_positions(), 131_072);
    let RopeScaling::Yarn(yarn) = config.rope.scaling else { panic!("{:?}", config.rope) };
    assert!((yarn.attention_factor - 1.138_629_436).abs() < 1e-9);
}

#[test]
fn dynamic_scaling_stretches_nothing_within_the_length_of_the_training() {
    let dynamic = json!({ "type": "dynamic", "factor": 4.0 });
    let config = read(json!({ "model_type": "llama", "max_position_embeddings": 2048, "rope_scaling": dynamic }));
    assert_eq!((config.rope.scaling, config.n_positions()), (RopeScaling::Dynamic, 2048));
}

#[test]
fn parameters_of_another_rotation_are_refused() {
    let check = |keys: Value, expected: &str| {
        let refusal = parse(&keys).unwrap_err();
        assert_eq!(refusal.to_string(), format!("config.json asks for {expected}, which is not supported"));
    };
    let scaled = |scaling: Value| json!({ "model_type": "llama", "rope_scaling": scaling });
    check(scaled(json!({ "type": "linear", "factor": 2, "beta_fast": 32 })), "rope_scaling.beta_fast 32");
    check(scaled(json!({ "type": "su", "factor": 2 })), "rope_scaling.rope_type su");
    check(
        json!({ "model_type": "gemma3_text", "rope_parameters": { "rope_type": "default", "rope_theta": 1e4 } }),
        r#"rope_parameters.rope_theta 10000.0"#,
    );
    check(
        json!({ "model_type": "gemma3_text", "rope_scaling": { "type": "linear", "factor": 8.0 } }),
        r#"rope_scaling.type "linear""#,
    );
}

#[test]
fn the_text_part_of_a_model_that_looks_at_pictures() {
    let config = read(json!({
        "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": { "hidden_size": 2560, "intermediate_size": 10_240, "model_type": "gemma3_text",
            "num_hidden_layers": 34, "rope_scaling": { "factor": 8.0, "rope_type": "linear" }, "sliding_window": 1024 },
        "vision_config": { "hidden_size": 1152 },
    }));
    assert_eq!((config.layout, config.architecture), (Layout::TextAndVision, Architecture::Gemma3));
    assert_eq!((config.hidden_size, config.head_dim, config.vocab_size), (2560, 256, 262_208));
    assert_eq!((config.last_layer, config.attention_scale), (LastLayer::TiedUnlessStored, 1.0 / 16.0));

    let refusal = parse(&json!({
        "architectures": ["Mistral3ForConditionalGeneration"], "text_config": { "model_type": "ministral3" }
    }));
    let expected = "config.json asks for text_config.model_type ministral3, which is not supported";
    assert_eq!(refusal.unwrap_err().to_string(), expected);
}

#[test]
fn options_that_only_some_architectures_heed() {
    let of = |model_type: &str, key: &str, value: Value| parse(&json!({ "model_type": model_type, key: value }));
    assert_eq!(of("llama", "attention_bias", json!(true)).unwrap().attention_bias, AttentionBias::All);
    assert_eq!(of("mistral", "attention_bias", json!(true)).unwrap().attention_bias, AttentionBias::None);
    assert_eq!(of("qwen2", "attention_bias", json!(false)).unwrap().attention_bias, AttentionBias::Qkv);
    assert!(of("llama", "mlp_bias", json!(true)).unwrap().mlp_bias);
    assert!(!of("qwen3", "mlp_bias", json!(true)).unwrap().mlp_bias);
    assert_eq!(of("gemma2", "hidden_act", json!("silu")).unwrap().activation, Activation::GeluTanh);
    assert_eq!(of("gemma2", "attn_logit_softcapping", json!(null)).unwrap().attention_soft_cap, None);
    assert_eq!(of("gemma2", "final_logit_softcapping", json!(7)).unwrap().logit_soft_cap, Some(7.0));
    assert_eq!(of("gemma3_text", "hidden_size", json!(1152)).unwrap().logit_soft_cap, None);
    assert!(of("gemma3_text", "attn_logit_softcapping", json!(50.0)).is_err());
    assert!(of("gemma2", "query_pre_attn_scalar", json!(0)).is_err());
}
