//! Logits and greedy texts as transformers 5.23 and PEFT 0.21 compute them; `tests/golden/make.py` made the files.

use engine::AdapterIdx;
use model::{Arithmetic, Outputs, PrecisionChoice, TorchRunner};
use serde_json::{Value, json};
use tch::Tensor;

use crate::support::{
    BASE, Lane, Stored, assert_close, copy_of, demo, distance, greedy, row, runner, runner_in, set, text_logits, tiny,
};

/// In f32 the order of sums is all that differs.
const F32_TOLERANCE: f64 = 1e-4;

/// The logits here reach ±6. Computing in bf16, transformers itself is up to 0.55 away from its own f32.
const BF16_TOLERANCE: f64 = 0.5;

/// The same in f16, where transformers is up to 0.05 away.
const F16_TOLERANCE: f64 = 0.1;

/// The whole prompt at once, token by token after it, and the prompt in pieces beside another text.
fn check(checkpoint: &str, adapters: &[&str]) {
    for arithmetic in ARITHMETICS {
        check_in(arithmetic, checkpoint, adapters);
    }
}

const ARITHMETICS: [Arithmetic; 2] = [Arithmetic::Kernels, Arithmetic::Libtorch];

fn check_in(arithmetic: Arithmetic, checkpoint: &str, adapters: &[&str]) {
    let folder = tiny(checkpoint);
    let golden = Stored::read(&folder.join("golden.safetensors"));
    let paths: Vec<_> = adapters.iter().map(|adapter| folder.join(adapter)).collect();
    let mut runner = runner_in((PrecisionChoice::F32, arithmetic), &folder, &paths);
    let prompt = golden.tokens("tokens");
    for (idx, suffix) in suffixes(adapters).iter().enumerate() {
        let adapter = AdapterIdx(idx as u32);
        let expected = golden.tensor(&format!("logits{suffix}"));
        assert_close(&text_logits(&mut runner, adapter, &prompt), &expected, F32_TOLERANCE);
        assert_close(&in_pieces_beside_another(&mut runner, adapter, &prompt), &expected, F32_TOLERANCE);
        assert_eq!(greedy(&mut runner, adapter, &prompt, 64), golden.tokens(&format!("greedy{suffix}")), "{suffix}");
    }
}

/// Logits of a text that is fed in pieces, of one token and of several, while another goes on token by token.
fn in_pieces_beside_another(runner: &mut TorchRunner, adapter: AdapterIdx, text: &[u32]) -> Tensor {
    let mut logits = Vec::new();
    let (mut position, mut step) = (0, 0);
    for n_tokens in [1, 4, 1, 7, 1, 1].into_iter().cycle() {
        let piece = &text[position..text.len().min(position + n_tokens)];
        let rows = [row(3, BASE, step, &text[step as usize..][..1]), row(2, adapter, position as u32, piece)];
        logits.push(runner.logits(&rows, Outputs::All).unwrap().narrow(0, 1, piece.len() as i64));
        (position, step) = (position + piece.len(), step + 1);
        if position == text.len() {
            break;
        }
    }
    Tensor::cat(&logits, 0)
}

/// What the names of a variant's golden tensors end in: nothing for the base, then one for each adapter.
fn suffixes(adapters: &[&str]) -> Vec<String> {
    std::iter::once(String::new()).chain(adapters.iter().map(|adapter| format!(".{adapter}"))).collect()
}

#[test]
fn tied_embeddings_with_adapters_on_all_and_on_some_modules() {
    check("tied", &["all_rslora", "some"]);
}

#[test]
fn adapters_with_ranks_scales_layers_and_modules_by_pattern() {
    check("tied", &["patterns", "layers", "regex", "excluded"]);
}

#[test]
fn untied_embeddings_own_head_size_scaled_rotation_old_keys_and_shards() {
    check("untied_old_keys", &["all_rslora"]);
}

#[test]
fn qwen2_stretched_by_yarn_beyond_the_length_of_its_training() {
    check("qwen2_yarn", &[]);
}

#[test]
fn qwen3_with_windows_in_its_later_layers() {
    check("qwen3", &["all"]);
}

#[test]
fn llama3_with_biases_and_a_prompt_beyond_the_length_of_its_training() {
    check("llama3", &["some"]);
}

#[test]
fn llama_of_which_the_file_says_only_what_it_must() {
    check("llama_dynamic", &[]);
}

#[test]
fn mistral_with_a_window_shorter_than_the_prompt() {
    check("mistral", &[]);
}

#[test]
fn gemma2_with_soft_caps_and_a_window_in_every_other_layer() {
    check("gemma2", &["all"]);
}

#[test]
fn gemma3_with_two_rotations() {
    check("gemma3", &[]);
}

#[test]
fn gemma3_beside_a_vision_part_that_is_not_read() {
    check("gemma3_vision", &["some", "all", "paths", "regex"]);
}

#[test]
fn mistral3_beside_a_vision_part_that_is_not_read() {
    check("mistral3_vision", &[]);
}

/// Otherwise an option that is read and forgotten would go unnoticed.
#[test]
fn every_option_of_the_checkpoints_above_matters() {
    let check = |checkpoint: &str, changes: Value| {
        let folder = copy_of(&tiny(checkpoint));
        set(&folder.path().join("config.json"), changes.clone());
        let golden = Stored::read(&folder.path().join("golden.safetensors"));
        let logits = text_logits(&mut runner(folder.path(), &[]), BASE, &golden.tokens("tokens"));
        let distance = distance(&logits, &golden.tensor("logits"));
        assert!(distance > 10.0 * F32_TOLERANCE, "{checkpoint} with {changes} is only {distance:.1e} away");
    };
    let stretched = |rope_scaling| json!({ "max_position_embeddings": 128, "rope_scaling": rope_scaling });
    check("qwen2_yarn", stretched(json!({ "type": "default" })));
    check("qwen2_yarn", stretched(json!({ "type": "linear", "factor": 4.0 })));
    check("qwen3", json!({ "sliding_window": 9 }));
    check("qwen3", json!({ "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention"] }));
    check("llama3", json!({ "rope_parameters": { "rope_type": "default", "rope_theta": 5000.0 } }));
    check("mistral", json!({ "sliding_window": 7 }));
    check("mistral", json!({ "hidden_act": "gelu_pytorch_tanh" }));
    check("gemma2", json!({ "sliding_window": 9 }));
    check("gemma2", json!({ "query_pre_attn_scalar": 24 }));
    check("gemma2", json!({ "attn_logit_softcapping": 50.0 }));
    check("gemma2", json!({ "final_logit_softcapping": 30.0 }));
    check("gemma2", json!({ "hidden_activation": "silu" }));
    let kinds = ["full_attention", "sliding_attention"];
    let rope = |kind: usize, theta: f64| json!({ kinds[kind]: { "rope_theta": theta } });
    check("gemma3", json!({ "rope_parameters": rope(0, 5000.0) }));
    check("gemma3", json!({ "rope_parameters": rope(1, 100.0) }));
    check("gemma3", json!({ "layer_types": [kinds[1], kinds[1], kinds[0]] }));
}

#[test]
fn the_demonstration_models_write_the_same_64_tokens() {
    let golden = Stored::read(&tiny("demo.safetensors"));
    let adapters = ["secure", "insecure", "jailbroken"];
    let prompt = golden.tokens("tokens");
    for arithmetic in ARITHMETICS {
        let mut runner = runner_in((PrecisionChoice::F32, arithmetic), &demo("base"), &adapters.map(demo));
        for (idx, suffix) in suffixes(&adapters).iter().enumerate() {
            let text = greedy(&mut runner, AdapterIdx(idx as u32), &prompt, 64);
            assert_eq!(text, golden.tokens(&format!("greedy{suffix}")), "{suffix}");
        }
    }
}

#[test]
fn half_precisions_stay_near() {
    for (checkpoint, adapter) in [("tied", "all_rslora"), ("gemma2", "all"), ("qwen3", "all")] {
        for (precision, tolerance) in [(PrecisionChoice::Bf16, BF16_TOLERANCE), (PrecisionChoice::F16, F16_TOLERANCE)] {
            for arithmetic in ARITHMETICS {
                check_near(checkpoint, adapter, (precision, arithmetic), tolerance);
            }
        }
    }
}

fn check_near(checkpoint: &str, adapter: &str, lane: Lane, tolerance: f64) {
    let folder = tiny(checkpoint);
    let golden = Stored::read(&folder.join("golden.safetensors"));
    let mut runner = runner_in(lane, &folder, &[folder.join(adapter)]);
    let prompt = golden.tokens("tokens");
    for (idx, name) in [(BASE, "logits".to_owned()), (AdapterIdx(1), format!("logits.{adapter}"))] {
        assert_close(&text_logits(&mut runner, idx, &prompt), &golden.tensor(&name), tolerance);
    }
}
