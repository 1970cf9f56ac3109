"""The lanes with transformers and peft, on the same libtorch as this program.

`python peer_transformers.py JOB`: one process for one precision; see main.py for what a job, in JSON, says.
"""

import json
import pathlib
import sys
import time

import checkpoint
import gate
import lanes
import measure
import peft
import torch
import transformers
from transformers import AutoModelForCausalLM, StoppingCriteria

# Adapters of the rows of a lane with variants, as PEFT calls them.
VARIANTS = ["__base__", *checkpoint.ADAPTERS]


class Peer:
    def __init__(self, folder: pathlib.Path, precision: str):
        dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[precision]
        self.base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=dtype).eval()
        self.base.generation_config.eos_token_id = None  # Every answer has the same length.
        self.folder, self.dtype, self.adapted = folder, dtype, None

    def with_adapters(self) -> peft.PeftModel:
        """Loaded last: once they are there, a base without them is no longer to be had."""
        if self.adapted is None:
            first, *others = checkpoint.ADAPTERS
            self.adapted = peft.PeftModel.from_pretrained(self.base, self.folder / first, adapter_name=first)
            for name in others:
                self.adapted.load_adapter(self.folder / name, adapter_name=name)
            self.adapted.to(self.dtype).eval()
        return self.adapted

    def run(self, lane: lanes.Lane, number: int) -> dict:
        if lane.unit == "scored tokens/s":
            return self.score(lane, number)
        rows = torch.tensor(lanes.prompts(lane, number, checkpoint.VOCABULARY_SIZE))
        return self.answer(lane, rows)

    def answer(self, lane: lanes.Lane, rows: torch.Tensor) -> dict:
        model, options = self.base, {}
        if lane.has_variants:
            model, options = self.with_adapters(), {"adapter_names": VARIANTS}
        elif lane.shares_prompt:
            rows, options = rows[:1], {"num_return_sequences": lane.n_rows}
        watch = Watch()
        model.generate(
            input_ids=rows, attention_mask=torch.ones_like(rows), max_new_tokens=lane.new_tokens, do_sample=True,
            temperature=1.0, top_k=0, top_p=1.0, stopping_criteria=[watch], pad_token_id=0, **options,
        )
        return lane.run(watch.times[-1] - watch.begun, watch.times[0] - watch.begun)

    def score(self, lane: lanes.Lane, number: int) -> dict:
        prompts = torch.tensor(lanes.prompts(lane, number, checkpoint.VOCABULARY_SIZE))
        answer = lambda row: lanes.prompt(number, row + 1, lane.new_tokens, checkpoint.VOCABULARY_SIZE)
        answers = [answer(row) for row in range(lane.n_rows)]
        begun = time.perf_counter()
        logprobs(self.base, torch.cat([prompts, torch.tensor(answers)], dim=1), lane.new_tokens)
        seconds = time.perf_counter() - begun
        return lane.run(seconds, seconds)


class Watch(StoppingCriteria):
    """Stops nothing; notes when each token is there."""

    def __init__(self):
        self.begun, self.times = time.perf_counter(), []

    def __call__(self, input_ids, scores, **kwargs):
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def logprobs(model, texts: torch.Tensor, n_last: int) -> torch.Tensor:
    """Of the last tokens of each text, `(texts, n_last)`."""
    logits = model(texts, logits_to_keep=n_last + 1, use_cache=False).logits[:, :-1]
    return logits.float().log_softmax(-1).gather(2, texts[:, -n_last:, None]).squeeze(2)


def main(job: dict) -> None:
    torch.set_num_threads(job["threads"])
    transformers.utils.logging.disable_progress_bar()
    begun = time.monotonic()
    peer = Peer(pathlib.Path(job["model"]), job["precision"])
    result = {
        "program": "transformers", "precision": job["precision"], "load_seconds": time.monotonic() - begun,
        "version": f"transformers {transformers.__version__}, peft {peft.__version__}, torch {torch.__version__}",
    }
    with torch.no_grad():
        if job["gate"]:
            result["gate"] = gate.answers_of_transformers(peer.base, json.loads(pathlib.Path(job["gate"]).read_text()))
        # With adapters loaded the bare base is slower, so those lanes come last.
        wanted = lanes.named(job["lanes"], job["shorten"])
        result["lanes"] = []
        for has_variants in (False, True):
            some = [lane for lane in wanted if lane.has_variants == has_variants]
            result["lanes"] += measure.measure(some, job, peer.run, peer.run)
    measure.write(pathlib.Path(job["out"]), result)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
