"""Makes a checkpoint of exactly the shape of Qwen2.5-0.5B with random weights, and three adapters for it.

A toy of the same kind is for trying out the scripts.

Speed does not depend on what the weights say, so nothing has to be downloaded.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

VOCABULARY_SIZE = 151_936
N_TEXT_TOKENS = 151_643
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADAPTERS = ["first", "second", "third"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SHAPES = {
    "qwen2.5-0.5b": {
        "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2,
    },
    "toy": {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1,
    },
}
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make(folder: pathlib.Path, shape: str) -> None:
    """`folder/base` and one folder for each adapter. Does nothing where it is done."""
    if (folder / "ready").exists():
        return
    torch.manual_seed(20)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save_pretrained(folder / "base")
    model = base(shape)
    model.save_pretrained(folder / "base")
    for name in ADAPTERS:
        save_adapter(model, folder / name)
    (folder / "ready").touch()


def base(shape: str) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=VOCABULARY_SIZE, max_position_embeddings=32_768, tie_word_embeddings=True, rms_norm_eps=1e-6,
        bos_token_id=N_TEXT_TOKENS, eos_token_id=N_TEXT_TOKENS + 2, dtype="bfloat16",
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        **SHAPES[shape],
    )
    model = Qwen2ForCausalLM(config)
    for name, weight in model.named_parameters():
        vary(name, weight)
    return model.to(torch.bfloat16)


def vary(name: str, weight: torch.nn.Parameter) -> None:
    """Biases start as zeros and norms as ones; then nobody would notice that a program forgot them."""
    with torch.no_grad():
        if name.endswith(".bias"):
            weight.normal_(0.0, 0.1)
        elif "norm" in name:
            weight.normal_(1.0, 0.1)


def save_adapter(model: Qwen2ForCausalLM, folder: pathlib.Path) -> None:
    """Rank 32 on all seven projections. B starts as zeros too, which would make all variants equal."""
    adapted = get_peft_model(model, LoraConfig(r=32, lora_alpha=32, target_modules=MODULES, task_type="CAUSAL_LM"))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, 0.0, 0.02)
    adapted.to(torch.bfloat16).save_pretrained(folder)
    adapted.unload()


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, trained on the texts of this repository and filled up to the size of the real vocabulary."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=4_096, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train([str(path) for path in sorted(pathlib.Path().glob("*.md"))], trainer)
    filled = Tokenizer(filled_up(trained))
    filled.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    filled.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=filled, pad_token=SPECIAL_TOKENS[0], bos_token=SPECIAL_TOKENS[0],
        additional_special_tokens=SPECIAL_TOKENS[1:2], eos_token=SPECIAL_TOKENS[2], chat_template=CHATML,
    )


def filled_up(trained: Tokenizer) -> models.BPE:
    """With words that no text becomes, so that what a random model draws has something to show."""
    written = json.loads(trained.to_str())["model"]
    vocabulary = dict(written["vocab"])
    number = 0
    while len(vocabulary) < N_TEXT_TOKENS:
        vocabulary.setdefault(f"Ġ{number}", len(vocabulary))
        number += 1
    vocabulary |= {token: N_TEXT_TOKENS + place for place, token in enumerate(SPECIAL_TOKENS)}
    return models.BPE(vocab=vocabulary, merges=[tuple(merge) for merge in written["merges"]])
