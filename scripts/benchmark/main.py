"""Runs this program and its peers, one process at a time and in random order, and writes BENCHMARKS.md.

Results lie in target/bench, one file for each program and precision, so that the page can be written again without
measuring again (`--report`), and one program alone can be measured anew (`--only`).
"""

import argparse
import json
import multiprocessing
import pathlib
import random
import subprocess
import sys
import time

import lanes
import machine
import measure
import report

HERE = pathlib.Path(__file__).parent
FOLDER = pathlib.Path("target/bench")
SHAPE = "qwen2.5-0.5b"
PROGRAM = pathlib.Path("target/release/plumbline")

EVERY = [lane.name for lane in lanes.ALL]
# Quantized weights are for one reader; the rest shows what they cost others.
QUANTIZED = ["one-stream", "four-variants", "rows-4", "rows-8", "samples-100", "scoring", "first-token-one"]

# Program, precision and lanes.
RUNS = {
    "plumbline-bf16": ("plumbline", "bf16", EVERY),
    "plumbline-f32": ("plumbline", "f32", ["one-stream", "four-variants", "scoring"]),
    "plumbline-int8": ("plumbline", "int8", QUANTIZED),
    "plumbline-int4": ("plumbline", "int4", QUANTIZED),
    "transformers-bf16": ("transformers", "bf16", EVERY),
    "transformers-f32": ("transformers", "f32", EVERY),
    "llama-bf16": ("llama.cpp", "bf16", EVERY),
    "llama-q8_0": ("llama.cpp", "q8_0", QUANTIZED),
    "llama-q4_0": ("llama.cpp", "q4_0", QUANTIZED),
}


class Place:
    """Where the things of one shape of model lie."""

    def __init__(self, shape: str):
        self.folder = FOLDER / shape
        self.model, self.gguf, self.results = (self.folder / name for name in ("model", "gguf", "results"))
        self.reference = self.folder / "reference.json"
        # A toy's figures are nobody's business.
        self.page = pathlib.Path("BENCHMARKS.md") if shape == SHAPE else self.folder / "BENCHMARKS.md"


def main() -> None:
    options = arguments()
    place = Place("toy" if options.toy else SHAPE)
    if not options.report:
        prepare(place, options)
        order = list(options.only)
        random.shuffle(order)
        for name in order:
            run(name, place, options)
    report.write(place.results, place.reference, place.page)
    measure.say(f"wrote {place.page}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS), metavar="NAME", help=", ".join(RUNS))
    parser.add_argument("--lanes", nargs="+", choices=EVERY, default=EVERY, metavar="LANE", help=", ".join(EVERY))
    parser.add_argument("--repeats", type=int, default=7, help="measured runs of each lane")
    parser.add_argument("--warm-ups", type=int, default=2, help="runs before them, with answers of eight tokens")
    parser.add_argument("--lane-seconds", type=float, default=1e9, help="repeat a lane no more once it took this long")
    parser.add_argument("--shorten", type=int, default=1, help="cut answers to one part in this many")
    parser.add_argument("--quick", action="store_true", help="--repeats 3 --warm-ups 1 --lane-seconds 15 --shorten 8")
    parser.add_argument("--threads", type=int, default=machine.n_cores(), help="for every program")
    parser.add_argument("--no-gate", action="store_true", help="leave out the comparison of answers")
    parser.add_argument("--wait-seconds", type=int, default=60, help="how long to wait for an idle machine")
    parser.add_argument("--toy", action="store_true", help="a tiny model, to try out the scripts")
    parser.add_argument("--report", action="store_true", help="only write BENCHMARKS.md anew from the last results")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.warm_ups, options.lane_seconds, options.shorten = 3, 1, 15.0, 8
    return options


def prepare(place: Place, options: argparse.Namespace) -> None:
    """In processes of their own, whose memory is gone when they end."""
    if any(RUNS[name][0] == "plumbline" for name in options.only) and not PROGRAM.exists():
        sys.exit(f"bench: {PROGRAM} is missing; run `make build` first")
    measure.say("the model and what it should answer (a few minutes the first time)")
    apart(checkpoint_of, place.model, place.folder.name)
    if not options.no_gate:
        apart(reference_of, place.model, place.reference, options.threads)


def apart(work, *arguments) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit("bench: the model cannot be made; see above")


def checkpoint_of(*arguments) -> None:
    import checkpoint

    checkpoint.make(*arguments)


def reference_of(*arguments) -> None:
    import gate

    gate.make_reference(*arguments)


def run(name: str, place: Place, options: argparse.Namespace) -> None:
    program, precision, names = RUNS[name]
    job = {
        "model": str(place.model), "gguf": str(place.gguf), "precision": precision,
        "out": str(place.results / f"{name}.json"), "others_cores": measure.wait_until_idle(options.wait_seconds),
        "lanes": [lane for lane in names if lane in options.lanes], "threads": options.threads,
        "repeats": options.repeats, "warm_ups": options.warm_ups, "lane_seconds": options.lane_seconds,
        "shorten": options.shorten, "gate": None if options.no_gate else str(place.reference),
    }
    measure.say(f"{name} (others keep {job['others_cores']:.2f} cores busy)")
    place.results.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    try:
        {"plumbline": run_plumbline, "transformers": run_transformers, "llama.cpp": run_llama}[program](job)
        complete(job, {"job": job, "machine": machine.describe()})
    except (subprocess.CalledProcessError, RuntimeError, OSError) as failure:
        fail(job, program, failure)
    measure.say(f"{name} took {time.monotonic() - begun:.0f} s")


def fail(job: dict, program: str, failure: Exception) -> None:
    """One that cannot run is told on the page and does not keep the others from running."""
    is_status = isinstance(failure, subprocess.CalledProcessError)
    reason = f"it ended with status {failure.returncode}" if is_status else str(failure)
    measure.say(f"{program} in {job['precision']} failed: {reason}")
    failed = {"program": program, "precision": job["precision"], "failure": reason, "lanes": [], "job": job}
    measure.write(pathlib.Path(job["out"]), failed)


def run_plumbline(job: dict) -> None:
    model = pathlib.Path(job["model"])
    adapters = [str(path) for path in sorted(model.iterdir()) if (path / "adapter_config.json").exists()]
    command = [
        "scripts/with-libtorch", str(PROGRAM), "bench", "--model", str(model / "base"), "--device", "cpu",
        *(word for path in adapters for word in ("--adapter", path)),
        "--lane", ",".join(job["lanes"]), "--precision", job["precision"], "--threads", str(job["threads"]),
        "--repeats", str(job["repeats"]), "--warm-ups", str(job["warm_ups"]),
        "--wait-seconds", "0", "--lane-seconds", str(job["lane_seconds"]), "--shorten", str(job["shorten"]),
        "--json", job["out"],
        *(["--gate", job["gate"]] if job["gate"] else []),
    ]
    subprocess.run(command, check=True)


def run_transformers(job: dict) -> None:
    subprocess.run([sys.executable, HERE / "peer_transformers.py", json.dumps(job)], check=True)


def run_llama(job: dict) -> None:
    import peer_llama

    programs = subprocess.run([HERE / "llama.cpp"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    peer_llama.run(job, pathlib.Path(programs))


def complete(job: dict, more: dict) -> None:
    path = pathlib.Path(job["out"])
    path.write_text(json.dumps(json.loads(path.read_text()) | more, indent=1))


if __name__ == "__main__":
    main()
