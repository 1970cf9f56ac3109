"""The lanes with llama.cpp: its own batched benchmark, and its server where adapters are wanted.

The batched benchmark draws no tokens (it feeds random ones), so its figures are a little better than an answer's.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import checkpoint
import gguf_files
import lanes
import measure

# What `llama-batched-bench` can do: one model, answers of one length.
BATCHED = ["one-stream", "rows-4", "rows-8", "rows-16", "rows-32", "samples-100", "first-token-one"]
SERVED = ["four-variants", "first-token-four"]
START_SECONDS = 120


def run(job: dict, programs: pathlib.Path) -> None:
    path = gguf_file(job, job["precision"])
    result = {"program": "llama.cpp", "precision": job["precision"], "version": version(programs)}
    if job["gate"]:
        questions = json.loads(pathlib.Path(job["gate"]).read_text())
        with Server(job, programs, n_slots=8) as server:
            result["gate"] = server.answer_gate(questions)
    batched = lanes.named([name for name in job["lanes"] if name in BATCHED], job["shorten"])
    bench = lambda lane, _: run_batched(job, programs, path, lane)
    result["lanes"] = measure.measure(batched, job, bench)  # It warms itself up.
    served = lanes.named([name for name in job["lanes"] if name in SERVED], job["shorten"])
    if served:
        with Server(job, programs, n_slots=4) as server:
            result["lanes"] += measure.measure(served, job, server.run, server.run)
    measure.write(pathlib.Path(job["out"]), result)


def gguf_file(job: dict, kind: str) -> pathlib.Path:
    model, folder = pathlib.Path(job["model"]), pathlib.Path(job["gguf"])
    folder.mkdir(parents=True, exist_ok=True)
    return gguf_files.base(model / "base", folder / f"{kind}.gguf", kind)


def adapter_files(job: dict) -> list[pathlib.Path]:
    model, folder = pathlib.Path(job["model"]), pathlib.Path(job["gguf"])
    n_layers = json.loads((model / "base/config.json").read_text())["num_hidden_layers"]
    return [gguf_files.adapter(model / name, folder / f"{name}.gguf", n_layers) for name in checkpoint.ADAPTERS]


def version(programs: pathlib.Path) -> str:
    return f"that of {programs.parent.parent.name}"  # The folder's name is that of the source package.


def run_batched(job: dict, programs: pathlib.Path, path: pathlib.Path, lane: lanes.Lane) -> dict:
    n_steps = lane.new_tokens - 1  # The first new token comes with the prompt.
    n_positions = lane.n_rows * (lanes.PROMPT_TOKENS + n_steps) + 256
    command = [
        programs / "llama-batched-bench", "-m", path, "-t", job["threads"], "-tb", job["threads"], "-c", n_positions,
        "-npp", lanes.PROMPT_TOKENS, "-ntg", max(1, n_steps), "-npl", lane.n_rows, "--output-format", "jsonl",
        *(["-pps"] if lane.shares_prompt else []),
    ]
    log = pathlib.Path(job["out"]).with_suffix(".log")
    with log.open("w") as complaints:
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=complaints, text=True)
        said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if status != 0 or not lines:
        raise RuntimeError(f"llama-batched-bench ended with {status}; see {log}")
    decode_seconds = lines[-1]["t_tg"] if n_steps > 0 else 0.0
    run = lane.run(lines[-1]["t_pp"] + decode_seconds, lines[-1]["t_pp"])
    return run | {"peak_bytes": usage.ru_maxrss * 1024}


class Server(contextlib.AbstractContextManager):
    """`llama-server` with the adapters, none of them applied unless a request asks for it."""

    def __init__(self, job: dict, programs: pathlib.Path, n_slots: int):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        n_positions = n_slots * 512
        command = [
            programs / "llama-server", "-m", gguf_file(job, job["precision"]), "--host", "127.0.0.1",
            "--port", self.address.rsplit(":", 1)[1], "-t", job["threads"], "-tb", job["threads"], "-np", n_slots,
            "-c", n_positions, "--lora", ",".join(str(path) for path in adapter_files(job)),
            "--lora-init-without-apply", "--no-webui",
        ]
        self.log = pathlib.Path(job["out"]).with_suffix(".server.log").open("w")
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.log, stderr=self.log)
        self.pool = concurrent.futures.ThreadPoolExecutor(n_slots)

    def __enter__(self):
        begun = time.monotonic()
        while time.monotonic() - begun < START_SECONDS and self.process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.address}/health", timeout=2).read()
                return self
            time.sleep(0.5)
        self.__exit__()
        raise RuntimeError(f"llama-server did not start; see {self.log.name}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.pool.shutdown()
        self.log.close()

    def run(self, lane: lanes.Lane, number: int) -> dict:
        prompts = lanes.prompts(lane, number, checkpoint.VOCABULARY_SIZE)
        begun = time.perf_counter()
        asks = [
            self.pool.submit(self.stream, begun, drawing(prompt, lane.new_tokens, row) | {"lora": only(row)})
            for row, prompt in enumerate(prompts)
        ]
        times = [ask.result() for ask in asks]
        run = lane.run(max(last for _, last in times), max(first for first, _ in times))
        return run | {"peak_bytes": self.peak_bytes()}

    def peak_bytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def stream(self, begun: float, request: dict) -> tuple[float, float]:
        """When the first and the last token came, counted from `begun`."""
        times = []
        with self.open(request | {"stream": True}) as response:
            for line in response:
                if line.startswith(b"data: "):
                    times.append(time.perf_counter() - begun)
        return times[0], times[-1]

    def ask(self, request: dict) -> dict:
        with self.open(request) as response:
            return json.loads(response.read())

    def open(self, request: dict):
        body = json.dumps(request | {"ignore_eos": True, "cache_prompt": False, "return_tokens": True}).encode()
        headers = {"Content-Type": "application/json"}
        return urllib.request.urlopen(urllib.request.Request(f"{self.address}/completion", body, headers), timeout=600)

    def answer_gate(self, questions: dict) -> dict:
        """It scores no given texts; instead it tells its likeliest tokens after each prompt."""
        greedy = lambda prompt, n_tokens: {"prompt": prompt, "n_predict": n_tokens, "temperature": 0, "lora": only(0)}
        answers = self.pool.map(self.ask, [greedy(prompt, questions["new_tokens"]) for prompt in questions["prompts"]])
        tops = self.pool.map(self.ask, [greedy(prompt, 1) | {"n_probs": 1_000} for prompt in questions["prompts"]])
        draw = lambda seed: drawing(questions["draw_prompt"], 1, seed) | {"lora": only(0)}
        draws = self.pool.map(self.ask, [draw(seed) for seed in range(questions["n_draws"])])
        return {
            "greedy": [answer["tokens"] for answer in answers],
            "prompt_logprobs": [top_of(answer) for answer in tops],
            "draws": [answer["tokens"][0] for answer in draws],
        }


def drawing(prompt: list[int], n_tokens: int, seed: int) -> dict:
    """Temperature 1 over the whole vocabulary, and nothing else."""
    return {"prompt": prompt, "n_predict": n_tokens, "temperature": 1.0, "samplers": ["temperature"], "seed": seed}


def only(row: int) -> list[dict]:
    """Row 0 is the bare base, row `i` the `i`-th adapter."""
    return [{"id": idx, "scale": 1.0 if idx + 1 == row else 0.0} for idx in range(len(checkpoint.ADAPTERS))]


def top_of(answer: dict) -> dict:
    tops = answer["completion_probabilities"][0]["top_logprobs"]
    return {"ids": [top["id"] for top in tops], "logprobs": [top["logprob"] for top in tops]}
