//! What a loaded base says of itself, and the words of the configuration.

use model::{Arithmetic, Base, DeviceChoice, Placement, PrecisionChoice};

use crate::support::{F32, demo, load, load_in, on_processor, tiny};

#[test]
fn a_base_says_what_it_is() {
    let mut base = load(&demo("base"));
    let insecure = base.add_adapter(&demo("insecure")).unwrap();
    assert_eq!((base.device().as_str(), base.precision()), ("cpu", "f32"));
    assert_eq!((base.max_positions(), base.vocabulary_size(), base.n_adapters()), (2048, 2048, 1));
    assert_eq!(base.n_parameters(), 3_477_760);
    assert_eq!(base.position_bytes(), 4 * 2 * 2 * 64 * 4); // layers, keys and values, heads, head size, f32
    // sha256sum config.json model.safetensors | sha256sum
    assert_eq!(base.hash(), "c03229c60eea1f19beebfd371f80f2efc996f34a70e482e1fda05d18283200d5");
    // sha256sum adapter_config.json adapter_model.safetensors | sha256sum
    assert_eq!(base.adapter_hash(insecure), Some("8377cfd05afcdde045a35b9d0b3c925f1820216d8107d257d333ea7227218107"));
}

#[test]
fn every_file_of_a_sharded_checkpoint_counts_in_the_hash() {
    // sha256sum config.json model-*.safetensors model.safetensors.index.json | sha256sum
    assert_eq!(
        load(&tiny("untied_old_keys")).hash(),
        "0b69368d6f2a45d382f9c5954049a74aa08a0ad4274136b6adc7ad09f7484d1b"
    );
}

#[test]
fn loading_tells_how_far_it_is() {
    let mut told = Vec::new();
    Base::load_watched(&demo("base"), on_processor(F32), &mut |progress| told.push(progress)).unwrap();
    assert!(told.is_sorted_by(|left, right| left.read_bytes < right.read_bytes));
    assert!(told.len() > 3 && told.iter().all(|progress| progress.total_bytes == 6_960_848));
    assert_eq!(told.last().unwrap().read_bytes, 6_960_848);
}

#[test]
fn auto_chooses_something_that_is_there() {
    let base = Base::load(&tiny("tied"), Placement::default()).unwrap();
    assert!(["cpu", "cuda:0"].contains(&base.device().as_str()));
    assert!(["f32", "bf16"].contains(&base.precision()));
}

#[test]
fn on_the_processor_auto_is_what_the_checkpoint_is_stored_in() {
    let precision = |folder: &std::path::Path, precision| load_in((precision, Arithmetic::Kernels), folder).precision();
    assert_eq!(precision(&demo("base"), PrecisionChoice::Auto), "bf16");
    assert_eq!(precision(&tiny("tied"), PrecisionChoice::Auto), "f32");
    assert_eq!(precision(&tiny("tied"), PrecisionChoice::Bf16), "bf16");
    assert_eq!(precision(&demo("base"), PrecisionChoice::Int8), "int8");
    assert_eq!(precision(&demo("base"), PrecisionChoice::Int4), "int4");
}

#[test]
fn few_bits_are_for_the_kernels_only() {
    let placement = on_processor((PrecisionChoice::Int4, Arithmetic::Libtorch));
    let refused = Base::load(&tiny("tied"), placement).err().unwrap().to_string();
    assert_eq!(refused, "cannot compute in int4 on cpu: only the processor's own kernels can");
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let placement = Placement { device: DeviceChoice::Cuda(99), ..Placement::default() };
    let refused = Base::load(&tiny("tied"), placement).err().unwrap().to_string();
    assert!(refused.starts_with("cannot use device cuda:99: there "), "{refused}");
}

#[test]
fn more_positions_than_the_model_knows_are_refused() {
    let refused = load(&tiny("tied")).into_runner(4, 129).err().unwrap();
    assert_eq!(refused.to_string(), "cannot hold 4 sequences of 129 positions: the model knows 128 positions");
}

#[test]
fn positions_beyond_which_every_key_would_change_are_refused() {
    let refused = load(&tiny("llama_dynamic")).into_runner(4, 129).err().unwrap().to_string();
    let reason =
        "the model knows 128 positions (its rope_type dynamic would turn those before anew with every further one)";
    assert_eq!(refused, format!("cannot hold 4 sequences of 129 positions: {reason}"));
}

#[test]
fn words_of_the_configuration() {
    assert_eq!("cuda:2".parse(), Ok(DeviceChoice::Cuda(2)));
    assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
    assert_eq!("bf16".parse(), Ok(PrecisionChoice::Bf16));
    let device = "gpu".parse::<DeviceChoice>().unwrap_err();
    assert_eq!(device.to_string(), r#"unknown device "gpu": known are auto, cpu, cuda and cuda:N"#);
    assert_eq!("int4".parse(), Ok(PrecisionChoice::Int4));
    let precision = "fp4".parse::<PrecisionChoice>().unwrap_err();
    assert_eq!(precision.to_string(), r#"unknown precision "fp4": known are auto, f32, bf16, f16, int8 and int4"#);
}
