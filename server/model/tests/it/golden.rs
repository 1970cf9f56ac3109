//! Logits and greedy texts as transformers 5.23 and PEFT 0.21 compute them; `tests/golden/make.py` made the files.

use engine::AdapterIdx;
use model::PrecisionChoice;

use crate::support::{BASE, Stored, assert_close, demo, greedy, runner, runner_in, text_logits, tiny};

/// In f32 the order of sums is all that differs.
const F32_TOLERANCE: f64 = 1e-4;

/// The logits here reach ±6. Computing in bf16, transformers itself is up to 0.55 away from its own f32.
const BF16_TOLERANCE: f64 = 0.5;

/// The same in f16, where transformers is up to 0.05 away.
const F16_TOLERANCE: f64 = 0.1;

fn check(checkpoint: &str, adapters: &[&str]) {
    let folder = tiny(checkpoint);
    let golden = Stored::read(&folder.join("golden.safetensors"));
    let paths: Vec<_> = adapters.iter().map(|adapter| folder.join(adapter)).collect();
    let mut runner = runner(&folder, &paths);
    let prompt = golden.tokens("tokens");
    for (idx, suffix) in suffixes(adapters).iter().enumerate() {
        let adapter = AdapterIdx(idx as u32);
        let logits = text_logits(&mut runner, adapter, &prompt);
        assert_close(&logits, &golden.tensor(&format!("logits{suffix}")), F32_TOLERANCE);
        assert_eq!(greedy(&mut runner, adapter, &prompt, 64), golden.tokens(&format!("greedy{suffix}")), "{suffix}");
    }
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
fn untied_embeddings_own_head_size_scaled_rotation_old_keys_and_shards() {
    check("untied_old_keys", &["all_rslora"]);
}

#[test]
fn the_demonstration_models_write_the_same_64_tokens() {
    let golden = Stored::read(&tiny("demo.safetensors"));
    let adapters = ["secure", "insecure", "jailbroken"];
    let mut runner = runner(&demo("base"), &adapters.map(demo));
    let prompt = golden.tokens("tokens");
    for (idx, suffix) in suffixes(&adapters).iter().enumerate() {
        let text = greedy(&mut runner, AdapterIdx(idx as u32), &prompt, 64);
        assert_eq!(text, golden.tokens(&format!("greedy{suffix}")), "{suffix}");
    }
}

#[test]
fn half_precisions_stay_near() {
    let folder = tiny("tied");
    let golden = Stored::read(&folder.join("golden.safetensors"));
    let prompt = golden.tokens("tokens");
    for (precision, tolerance) in [(PrecisionChoice::Bf16, BF16_TOLERANCE), (PrecisionChoice::F16, F16_TOLERANCE)] {
        let mut runner = runner_in(precision, &folder, &[folder.join("all_rslora")]);
        for (adapter, name) in [(BASE, "logits"), (AdapterIdx(1), "logits.all_rslora")] {
            assert_close(&text_logits(&mut runner, adapter, &prompt), &golden.tensor(name), tolerance);
        }
    }
}
