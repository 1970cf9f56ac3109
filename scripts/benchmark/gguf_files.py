"""Writes a checkpoint and its adapters as GGUF, the files of llama.cpp, with the package `gguf` alone."""

import json
import pathlib

import gguf
import torch
from safetensors.torch import load_file

QUANTIZATIONS = {
    "bf16": gguf.GGMLQuantizationType.BF16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "q4_0": gguf.GGMLQuantizationType.Q4_0,
}
FILE_TYPES = {
    "bf16": gguf.LlamaFileType.MOSTLY_BF16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
}
# Written beside the numbers in f32, as the converter of llama.cpp does it.
ALWAYS_F32 = gguf.GGMLQuantizationType.F32


def base(folder: pathlib.Path, path: pathlib.Path, kind: str) -> pathlib.Path:
    """Every matrix in one kind. (K-quants want rows of 256 numbers, which 896 is no multiple of.)"""
    if path.exists():
        return path
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(path.with_suffix(".part"), "qwen2")
    add_config(writer, config, kind)
    add_vocabulary(writer, json.loads((folder / "tokenizer.json").read_text()), config)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config["num_hidden_layers"])
    for name, tensor in load_file(folder / "model.safetensors").items():
        add_tensor(writer, names.get_name(name, try_suffixes=(".weight", ".bias")), tensor, QUANTIZATIONS[kind])
    return finish(writer, path)


def adapter(folder: pathlib.Path, path: pathlib.Path, n_layers: int) -> pathlib.Path:
    if path.exists():
        return path
    config = json.loads((folder / "adapter_config.json").read_text())
    writer = gguf.GGUFWriter(path.with_suffix(".part"), "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", config["lora_alpha"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, n_layers)
    for name, tensor in load_file(folder / "adapter_model.safetensors").items():
        module, part = name.removeprefix("base_model.model.").rsplit(".lora_", 1)
        target = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        suffix = "lora_a" if part.startswith("A") else "lora_b"
        add_tensor(writer, f"{target}.{suffix}", tensor, QUANTIZATIONS["bf16"])
    return finish(writer, path)


def add_config(writer: gguf.GGUFWriter, config: dict, kind: str) -> None:
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])


def add_vocabulary(writer: gguf.GGUFWriter, tokenizer: dict, config: dict) -> None:
    """The model's own words; the ids that have none are told to be unused."""
    tokens = [f"[PAD{idx}]" for idx in range(config["vocab_size"])]
    types = [gguf.TokenType.UNUSED] * len(tokens)
    for token, idx in tokenizer["model"]["vocab"].items():
        tokens[idx], types[idx] = token, gguf.TokenType.NORMAL
    for special in tokenizer["added_tokens"]:
        tokens[special["id"]], types[special["id"]] = special["content"], gguf.TokenType.CONTROL
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_add_bos_token(False)


def add_tensor(writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor, kind: gguf.GGMLQuantizationType) -> None:
    if tensor.dim() == 1:
        kind = ALWAYS_F32
    writer.add_tensor(name, gguf.quants.quantize(tensor.float().numpy(), kind), raw_dtype=kind)


def finish(writer: gguf.GGUFWriter, path: pathlib.Path) -> pathlib.Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.with_suffix(".part").rename(path)
    return path
