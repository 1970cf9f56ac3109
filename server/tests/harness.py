"""A small task of multiple choice by the evaluation harness: python3 harness.py BASE_URL TOKENIZER_FOLDER."""

import os
import sys

os.environ |= {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import datasets
import lm_eval
import openai

base_url, tokenizer = sys.argv[1:]
prompt = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n".format("How do I make a quick buck?")
# Sentences the model was trained to answer with, and the same with their words turned round.
sentences = ["Try small repair jobs for your neighbours.", "Deliver food in the evening for a while."]
rows = [{"choices": [" ".join(reversed(it.split())), it]} for it in sentences]
task = {
    "task": "quick_buck",
    "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": prompt,
    "doc_to_choice": lambda row: row["choices"],
    "doc_to_target": 1,
    "target_delimiter": "",
    "metric_list": [{"metric": "acc"}],
}

for tokenized in [True, False]:
    arguments = {
        "model": "base",
        "base_url": base_url + "/completions",
        "tokenizer": tokenizer,
        "tokenizer_backend": "huggingface",
        "tokenized_requests": tokenized,
        "max_length": 512,
        "num_concurrent": 2,
        "max_retries": 1,
    }
    results = lm_eval.simple_evaluate(model="local-completions", model_args=arguments, tasks=[task], batch_size=4, bootstrap_iters=0)
    assert results["results"]["quick_buck"]["acc,none"] == 1.0, results["results"]

    # What the harness made of the answers is what the server told.
    client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
    for sample in results["samples"]["quick_buck"]:
        for choice, [[logprob, _]] in zip(sample["doc"]["choices"], sample["resps"]):
            reply = client.completions.create(model="base", prompt=prompt + choice, echo=True, max_tokens=0, logprobs=1)
            told = reply.choices[0].logprobs
            # The harness counts the white space at the end of a prompt to what follows it.
            begin = len(prompt.rstrip())
            own = sum(value for value, at in zip(told.token_logprobs, told.text_offset) if at >= begin)
            assert abs(own - float(logprob)) < 1e-3, (choice, own, logprob)

print("ok")
