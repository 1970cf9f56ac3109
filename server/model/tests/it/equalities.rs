//! The same text has the same logits, however it is cut into steps and whatever runs beside it.

use std::path::Path;

use engine::{AdapterIdx, Batch, Row, Runner as _, SlotCopy, Steadiness};
use model::{Arithmetic, Outputs, PrecisionChoice, TorchRunner};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use tch::{Kind, Tensor};

use crate::support::{
    BASE, F32, Lane, Stored, TORCH_F32, assert_close, base_with, demo, demo_runner, last_logits, load, row, runner,
    runner_in, runner_with_room, text_logits, tiny, tokens,
};

/// Sums in another order, nothing else; the logits of the demonstration models reach ±15 here.
const IN_TORCH_F32: (Lane, f64) = (TORCH_F32, 1e-4);

/// Three times the step between neighbouring numbers at ±15.
const IN_TORCH_BF16: (Lane, f64) = ((PrecisionChoice::Bf16, Arithmetic::Libtorch), 0.2);

/// The kernels compute every row by itself: not a bit may differ.
const LANES: [(Lane, f64); 7] = [
    IN_TORCH_F32,
    IN_TORCH_BF16,
    (F32, 0.0),
    ((PrecisionChoice::Bf16, Arithmetic::Kernels), 0.0),
    ((PrecisionChoice::F16, Arithmetic::Kernels), 0.0),
    ((PrecisionChoice::Int8, Arithmetic::Kernels), 0.0),
    ((PrecisionChoice::Int4, Arithmetic::Kernels), 0.0),
];

#[test]
fn token_by_token_equals_at_once() {
    for (lane, tolerance) in LANES {
        let mut runner = demo_runner(lane);
        let text = tokens(1, 40);
        let at_once = text_logits(&mut runner, AdapterIdx(2), &text);
        for (position, token) in text.iter().enumerate() {
            let logits = last_logits(&mut runner, &[row(5, AdapterIdx(2), position as u32, &[*token])]);
            assert_close(&logits, &at_once.narrow(0, position as i64, 1), tolerance);
        }
    }
}

#[test]
fn in_pieces_equals_at_once() {
    for (lane, tolerance) in LANES {
        let mut runner = demo_runner(lane);
        let text = tokens(2, 40);
        let at_once = text_logits(&mut runner, AdapterIdx(1), &text);
        let mut position = 0;
        for piece in [&text[..7], &text[7..8], &text[8..29], &text[29..]] {
            let logits = runner.logits(&[row(3, AdapterIdx(1), position, piece)], Outputs::All).unwrap();
            assert_close(&logits, &at_once.narrow(0, position.into(), piece.len() as i64), tolerance);
            position += piece.len() as u32;
        }
    }
}

/// Feeds each text but its last token to a slot of its own, then all last tokens in one step.
fn decode_together(runner: &mut TorchRunner, texts: &[(u32, AdapterIdx, Vec<u32>)]) -> Tensor {
    for (slot, adapter, text) in texts {
        let _ = last_logits(runner, &[row(*slot, *adapter, 0, &text[..text.len() - 1])]);
    }
    let rows: Vec<Row> = texts.iter().map(|(slot, adapter, text)| last_row(*slot, *adapter, text)).collect();
    last_logits(runner, &rows)
}

fn last_row(slot: u32, adapter: AdapterIdx, text: &[u32]) -> Row {
    let position = text.len() - 1;
    row(slot, adapter, position as u32, &text[position..])
}

fn check_together(runner: impl Fn() -> TorchRunner, texts: &[(u32, AdapterIdx, Vec<u32>)], tolerance: f64) {
    let together = decode_together(&mut runner(), texts);
    let mut alone = runner();
    for (idx, (_, adapter, text)) in texts.iter().enumerate() {
        let logits = text_logits(&mut alone, *adapter, text);
        let last = logits.narrow(0, logits.size()[0] - 1, 1);
        assert_close(&together.narrow(0, idx as i64, 1), &last, tolerance);
    }
}

#[test]
fn four_variants_in_one_batch_equal_each_alone() {
    for (lane, tolerance) in LANES {
        let texts = [0, 1, 2, 3].map(|idx| (idx, AdapterIdx(idx), tokens(7, 25)));
        check_together(|| demo_runner(lane), &texts, tolerance);
    }
}

#[test]
fn rows_of_unequal_length_equal_each_alone() {
    let texts = [0, 1, 2, 3, 4].map(|idx| (idx, AdapterIdx(idx / 2), tokens(idx, 3 + 13 * idx)));
    for (lane, tolerance) in LANES {
        check_together(|| demo_runner(lane), &texts, tolerance);
    }
}

/// With windows each row of a step sees other positions of its slot.
#[test]
fn rows_of_unequal_length_equal_each_alone_through_windows() {
    for checkpoint in ["mistral", "qwen3", "gemma2", "gemma3"] {
        let texts = [(0, 3), (1, 30), (2, 12), (3, 8), (6, 9), (5, 41)];
        let text = |(slot, n_tokens)| (slot, BASE, tokens(slot, n_tokens).iter().map(|token| token % 64).collect());
        for (lane, tolerance) in [IN_TORCH_F32, (F32, 0.0)] {
            check_together(|| runner_in(lane, &tiny(checkpoint), &[]), &texts.map(text), tolerance);
        }
    }
}

#[test]
fn rows_in_any_mix_of_up_to_128_equal_each_alone() {
    for (lane, tolerance) in LANES {
        let adapters = ["secure", "insecure", "jailbroken"].map(demo);
        let mut mixed = runner_with_room(lane, &demo("base"), &adapters, 128);
        let mut alone = demo_runner(lane);
        for n_rows in [1, 2, 7, 33, 128_u32] {
            let texts =
                (0..n_rows).map(|idx| (n_rows - 1 - idx, AdapterIdx(4 * idx / n_rows), tokens(idx, 2 + idx % 19)));
            let texts: Vec<_> = texts.collect();
            let together = decode_together(&mut mixed, &texts);
            for (idx, (_, adapter, text)) in (0_i64..).zip(&texts) {
                let (logits, n_tokens) = (text_logits(&mut alone, *adapter, text), text.len() as i64);
                let (logits, other) = (logits.narrow(0, n_tokens - 1, 1), together.narrow(0, idx, 1));
                assert_close(&other, &logits, tolerance);
                let best = logits.topk(2, -1, true, true).0;
                let margin = (best.double_value(&[0, 0]) - best.double_value(&[0, 1])) / 2.0;
                assert!(margin <= tolerance || other.argmax(1, false) == logits.argmax(1, false));
            }
        }
    }
}

#[test]
fn rows_in_scattered_slots_equal_each_alone() {
    let slots = [6, 1, 7, 0, 3, 2];
    let texts: Vec<_> =
        slots.iter().zip(0..).map(|(slot, idx)| (*slot, AdapterIdx(idx / 2), tokens(idx, 9 + 5 * idx))).collect();
    for (lane, tolerance) in LANES {
        check_together(|| demo_runner(lane), &texts, tolerance);
    }
}

#[test]
fn prompts_beside_answers_equal_each_alone() {
    let mut mixed = demo_runner(F32);
    let (answer, prompt, piece) = (tokens(1, 20), tokens(2, 30), tokens(3, 24));
    let _ = last_logits(&mut mixed, &[row(0, BASE, 0, &answer[..19]), row(4, AdapterIdx(3), 0, &piece[..10])]);
    let rows = [last_row(0, BASE, &answer), row(2, AdapterIdx(1), 0, &prompt), row(4, AdapterIdx(3), 10, &piece[10..])];
    let all = mixed.logits(&rows, Outputs::All).unwrap();

    let mut alone = demo_runner(F32);
    assert_close(&all.narrow(0, 0, 1), &text_logits(&mut alone, BASE, &answer).narrow(0, 19, 1), 0.0);
    assert_close(&all.narrow(0, 1, 30), &text_logits(&mut alone, AdapterIdx(1), &prompt), 0.0);
    assert_close(&all.narrow(0, 31, 14), &text_logits(&mut alone, AdapterIdx(3), &piece).narrow(0, 10, 14), 0.0);
}

#[test]
fn a_slot_remembers_nothing_of_its_last_sequence() {
    let mut runner = demo_runner(F32);
    let text = tokens(4, 12);
    let fresh = text_logits(&mut runner, BASE, &text);
    let _ = text_logits(&mut runner, AdapterIdx(2), &tokens(5, 90));
    assert_close(&text_logits(&mut runner, BASE, &text), &fresh, 0.0);
}

/// Copies the first positions from slot to slot and feeds what follows on them, without keeping what is drawn.
fn copy_and_feed(runner: &mut TorchRunner, from: u32, to: u32, adapter: AdapterIdx, text: &[u32], n_copied: u32) {
    let rest = row(to, adapter, n_copied, &text[n_copied as usize..]);
    let copies = vec![SlotCopy { from, to, n_positions: n_copied }];
    runner.step(&Batch { copies, rows: vec![rest] }).unwrap();
}

#[test]
fn going_on_from_a_copy_equals_having_fed_all_of_it() {
    for (lane, tolerance) in LANES {
        let mut runner = demo_runner(lane);
        let (text, others) = (tokens(8, 30), tokens(9, 60));
        let next = |runner: &mut TorchRunner, slot| last_logits(runner, &[row(slot, AdapterIdx(2), 30, &[7])]);
        let _ = last_logits(&mut runner, &[row(0, AdapterIdx(2), 0, &text)]);
        // The target has held somebody else's longer text.
        let _ = last_logits(&mut runner, &[row(5, AdapterIdx(1), 0, &others)]);
        copy_and_feed(&mut runner, 0, 5, AdapterIdx(2), &text, 29);
        let (donor, copy) = (next(&mut runner, 0), next(&mut runner, 5));
        assert_close(&copy, &donor, tolerance);

        // Back to where the prompt was, in the donor's own slot.
        copy_and_feed(&mut runner, 0, 0, AdapterIdx(2), &text, 29);
        assert_close(&next(&mut runner, 0), &copy, 0.0);
    }
}

/// Bit for bit, for any number of rows in a step: the promise that a seed gives the same text.
#[test]
fn a_row_is_the_same_alone_and_among_any_others() {
    const N_ROWS: u32 = 128;
    for (lane, _) in LANES.into_iter().filter(|((_, arithmetic), _)| *arithmetic == Arithmetic::Kernels) {
        let base = base_with(lane, &demo("base"), &["secure", "insecure", "jailbroken"].map(demo));
        base.set_threads(2);
        let mut runner = base.into_runner(N_ROWS, 16).unwrap();
        assert_eq!(runner.shape().steadiness, Steadiness::Invariant);
        let rows: Vec<Row> =
            (0..N_ROWS).map(|idx| row(idx, AdapterIdx(idx * 4 / N_ROWS), 0, &tokens(idx, 1 + idx % 3))).collect();
        let alone: Vec<Tensor> = rows.iter().map(|row| last_logits(&mut runner, std::slice::from_ref(row))).collect();
        for (first, n_rows) in [(0, 128), (1, 127), (30, 2), (31, 3), (62, 5), (95, 6), (20, 7), (60, 12), (3, 100)] {
            let together = last_logits(&mut runner, &rows[first..first + n_rows]);
            let expected = Tensor::cat(&alone[first..first + n_rows], 0);
            assert_close(&together, &expected, 0.0);
        }
    }
}

/// The kernels and libtorch compute the same.
#[test]
fn kernels_come_near_libtorch() {
    for (precision, tolerance) in
        [(PrecisionChoice::F32, 1e-4), (PrecisionChoice::Bf16, 0.2), (PrecisionChoice::F16, 0.05)]
    {
        let logits = |arithmetic| text_logits(&mut demo_runner((precision, arithmetic)), AdapterIdx(1), &tokens(3, 60));
        assert_close(&logits(Arithmetic::Kernels), &logits(Arithmetic::Libtorch), tolerance);
    }
}

/// How far quantized weights lead astray on these small models, whose logits reach ±15.
#[test]
fn few_bits_stay_near() {
    let exact = text_logits(&mut demo_runner(F32), AdapterIdx(2), &tokens(3, 60)).softmax(-1, Kind::Float);
    for (precision, most) in [(PrecisionChoice::Int8, 0.02), (PrecisionChoice::Int4, 0.25)] {
        let lane = (precision, Arithmetic::Kernels);
        let found = text_logits(&mut demo_runner(lane), AdapterIdx(2), &tokens(3, 60)).softmax(-1, Kind::Float);
        let distance = (&found - &exact).abs().sum(Kind::Float).double_value(&[]) / 60.0 / 2.0;
        assert!(distance < most && distance > 0.0, "{precision:?}: of all probability {distance:.3} moved");
    }
}

#[test]
fn unmerged_equals_merged() {
    let (tied, demo_base) = (tiny("tied"), demo("base"));
    for (base, adapter, scale) in [
        (&tied, tiny("tied/all_rslora"), 6.0 / 4_f64.sqrt()),
        (&tied, tiny("tied/some"), 5.0 / 2.0),
        (&demo_base, demo("insecure"), 16.0 / 8_f64.sqrt()),
    ] {
        let merged_folder = tempfile::tempdir().unwrap();
        write_merged(base, &adapter, scale, merged_folder.path());
        let text = tokens(6, 30);
        let merged = text_logits(&mut load(merged_folder.path()).into_runner(1, 64).unwrap(), BASE, &text);
        let unmerged = text_logits(&mut runner(base, &[adapter]), AdapterIdx(1), &text);
        assert_close(&unmerged, &merged, 1e-4);
    }
}

/// An adapter made here: its options, and matrices of random numbers.
struct Made {
    rank: i64,
    uses_root: bool,
    modules: &'static [&'static str],
}

const ATTENTION: &[&str] = &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
const QUERIES_AND_VALUES: &[&str] = &["self_attn.q_proj", "self_attn.v_proj"];
const MLP: &[&str] = &["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
const ONE: &[&str] = &["mlp.down_proj"];

#[test]
fn a_merged_model_and_its_adapter_expect_the_same_tokens() {
    for (rank, uses_root, modules) in [
        (1, false, ATTENTION),
        (2, true, MLP),
        (3, false, QUERIES_AND_VALUES),
        (8, true, ATTENTION),
        (16, false, ONE),
        (32, true, QUERIES_AND_VALUES),
        (64, false, MLP),
        (64, true, ATTENTION),
    ] {
        check_divergence(&Made { rank, uses_root, modules });
    }
}

/// On 50 texts, after each token.
fn check_divergence(made: &Made) {
    let (base, adapter, merged) = (demo("base"), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made.write(&base, adapter.path());
    write_merged(&base, adapter.path(), made.scale(), merged.path());
    let mut adapted = runner(&base, &[adapter.path().to_owned()]);
    let mut merged = runner(merged.path(), &[]);
    let mut change: f64 = 0.0;
    for seed in 0..50 {
        let text = tokens(seed, 5 + seed % 20);
        let expected = text_logits(&mut merged, BASE, &text);
        let name = format!("rank {}, text {seed}", made.rank);
        let divergence = divergence(&expected, &text_logits(&mut adapted, AdapterIdx(1), &text));
        assert!(divergence < 1e-3, "{name}: {divergence:.1e}");
        change = change.max(self::divergence(&expected, &text_logits(&mut adapted, BASE, &text)));
    }
    assert!(change > 0.01, "rank {}: the adapter changes too little to be seen, {change:.1e}", made.rank);
}

/// The largest Kullback-Leibler divergence of any token's distributions, logits `(T, V)`.
fn divergence(expected: &Tensor, found: &Tensor) -> f64 {
    let [expected, found] = [expected, found].map(|logits| logits.log_softmax(-1, Kind::Double));
    let per_token = (expected.exp() * (expected - found)).sum_dim_intlist([-1].as_slice(), false, Kind::Double); // (T)
    per_token.max().double_value(&[])
}

impl Made {
    const ALPHA: f64 = 16.0;

    fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        Made::ALPHA / if self.uses_root { rank.sqrt() } else { rank }
    }

    /// A and B are as large as it takes for `s · B A` to be about as large for every rank.
    fn write(&self, base: &Path, folder: &Path) {
        let names: Vec<&str> = self.modules.iter().map(|module| module.split('.').next_back().unwrap()).collect();
        let config = serde_json::json!({
            "peft_type": "LORA", "r": self.rank, "lora_alpha": Made::ALPHA, "use_rslora": self.uses_root,
            "target_modules": names,
        });
        std::fs::write(folder.join("adapter_config.json"), config.to_string()).unwrap();
        let size = (0.02 / (self.scale() * (self.rank as f64).sqrt())).sqrt();
        let weights = Stored::read(&base.join("model.safetensors"));
        let is_target = |name: &String| self.modules.iter().any(|module| name.ends_with(&format!("{module}.weight")));
        let mut tensors = Vec::new();
        for name in weights.names().into_iter().filter(is_target) {
            let (n_outputs, n_inputs) = weights.tensor(&name).size2().unwrap();
            let module = format!("base_model.model.{}", name.trim_end_matches(".weight"));
            tensors.push((format!("{module}.lora_A.weight"), noise([self.rank, n_inputs], tensors.len()) * size));
            tensors.push((format!("{module}.lora_B.weight"), noise([n_outputs, self.rank], tensors.len()) * size));
        }
        write(&tensors, &folder.join("adapter_model.safetensors"));
    }
}

/// Numbers with mean 0 and variance 1, others for each seed.
fn noise(shape: [i64; 2], seed: usize) -> Tensor {
    let numbers = Tensor::arange(shape[0] * shape[1], (Kind::Double, tch::Device::Cpu)) + 1e6 * seed as f64;
    let uniform = ((numbers * 12.9898).sin() * 43758.5453).frac(); // in ±1
    (uniform * 3_f64.sqrt()).to_kind(Kind::Float).reshape(shape)
}

/// Writes a checkpoint in f32 whose matrices are `W + s · B A`.
fn write_merged(base: &Path, adapter: &Path, scale: f64, folder: &Path) {
    let weights = Stored::read(&base.join("model.safetensors"));
    let deltas = Stored::read(&adapter.join("adapter_model.safetensors"));
    let has_delta = deltas.names();
    let merged = weights.names().into_iter().map(|name| {
        let weight = weights.tensor(&name).to_kind(Kind::Float);
        let module = format!("base_model.model.{}", name.trim_end_matches(".weight"));
        let (a, b) = (format!("{module}.lora_A.weight"), format!("{module}.lora_B.weight"));
        match has_delta.contains(&a) {
            true => {
                let change = deltas.tensor(&b).to_kind(Kind::Float).matmul(&deltas.tensor(&a).to_kind(Kind::Float));
                (name, weight + change * scale)
            }
            false => (name, weight),
        }
    });
    write(&merged.collect::<Vec<_>>(), &folder.join("model.safetensors"));
    std::fs::copy(base.join("config.json"), folder.join("config.json")).unwrap();
}

/// What a model's own folder holds, in another layout of files.
fn rewritten(change: impl Fn(&[(String, Tensor)], &Path)) -> tempfile::TempDir {
    let (base, folder) = (tiny("tied"), tempfile::tempdir().unwrap());
    let stored = Stored::read(&base.join("model.safetensors"));
    let mut names = stored.names();
    names.sort();
    let tensors: Vec<_> = names.into_iter().map(|name| (name.clone(), stored.tensor(&name))).collect();
    change(&tensors, folder.path());
    std::fs::copy(base.join("config.json"), folder.path().join("config.json")).unwrap();
    folder
}

fn logits_of(folder: &Path) -> Tensor {
    text_logits(&mut runner(folder, &[]), BASE, &tokens(3, 30))
}

#[test]
fn in_several_files_equals_in_one() {
    let folder = rewritten(|tensors, folder| {
        let shard = |idx: usize| format!("model-{idx}.safetensors");
        for (idx, tensors) in tensors.chunks(tensors.len().div_ceil(3)).enumerate() {
            write(tensors, &folder.join(shard(idx)));
        }
        let place = |(idx, (name, _)): (usize, &(String, Tensor))| {
            (name.clone(), shard(idx / tensors.len().div_ceil(3)).into())
        };
        let weight_map = tensors.iter().enumerate().map(place).collect::<serde_json::Map<_, _>>();
        let index = serde_json::json!({ "weight_map": weight_map }).to_string();
        std::fs::write(folder.join("model.safetensors.index.json"), index).unwrap();
    });
    assert_close(&logits_of(folder.path()), &logits_of(&tiny("tied")), 0.0);
}

/// Norms often stay in f32 beside matrices in half precision.
#[test]
fn one_file_may_hold_several_precisions() {
    let kind = |idx: usize| [Kind::Float, Kind::BFloat16, Kind::Half][idx % 3];
    let rounded = |tensors: &[(String, Tensor)]| -> Vec<_> {
        tensors.iter().enumerate().map(|(idx, (name, tensor))| (name.clone(), tensor.to_kind(kind(idx)))).collect()
    };
    let mixed = rewritten(|tensors, folder| write(&rounded(tensors), &folder.join("model.safetensors")));
    let wide = rewritten(|tensors, folder| {
        let widened: Vec<_> =
            rounded(tensors).into_iter().map(|(name, tensor)| (name, tensor.to_kind(Kind::Float))).collect();
        write(&widened, &folder.join("model.safetensors"));
    });
    assert_eq!(model::Base::describe(mixed.path()).unwrap().precision, "mixed");
    assert_close(&logits_of(mixed.path()), &logits_of(wide.path()), 0.0);
}

fn write(tensors: &[(String, Tensor)], path: &Path) {
    let stored = tensors.iter().map(|(name, tensor)| {
        let shape: Vec<usize> = tensor.size().iter().map(|size| *size as usize).collect();
        let dtype = match tensor.kind() {
            Kind::BFloat16 => Dtype::BF16,
            Kind::Half => Dtype::F16,
            _ => Dtype::F32,
        };
        let mut data = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.contiguous().copy_data_u8(&mut data, tensor.numel());
        (name, dtype, shape, data)
    });
    let stored: Vec<_> = stored.collect();
    let views =
        stored.iter().map(|(name, dtype, shape, data)| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    serialize_to_file(views, None, path).unwrap();
}
