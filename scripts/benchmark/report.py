"""Writes the page from the result files. Every number on it comes from them."""

import json
import pathlib
import statistics

import gate
import lanes

OWN = "plumbline"
TITLES = {"plumbline": "Plumbline", "transformers": "transformers + peft", "llama.cpp": "llama.cpp"}
# Weights of the same number of bytes stand against each other; transformers runs its matrices in f32 as well, which
# is faster where the processor cannot multiply bf16.
CLASSES = {
    "16-bit weights": ["plumbline-bf16", "transformers-bf16", "transformers-f32", "llama-bf16"],
    "8-bit weights": ["plumbline-int8", "llama-q8_0"],
    "4-bit weights": ["plumbline-int4", "llama-q4_0"],
    "32-bit weights": ["plumbline-f32", "transformers-f32"],
}


def write(results_folder: pathlib.Path, reference_path: pathlib.Path, page: pathlib.Path) -> None:
    results = {path.stem: json.loads(path.read_text()) for path in sorted(results_folder.glob("*.json"))}
    reference = json.loads(reference_path.read_text()) if reference_path.exists() else None
    parts = [head(), machine_part(results), *class_parts(results), gate_part(results, reference), detail_part(results)]
    page.write_text("\n\n".join(part for part in [*parts, reproduce(results)] if part) + "\n")


def head() -> str:
    return """# Benchmarks

How fast Plumbline answers beside the programs one would use otherwise, and how near it comes to what the machine can do.
This page is written by `make bench` from what it has measured; no number is typed in.

The model has exactly the shape of Qwen2.5-0.5B (24 layers, 896 wide, 14 query and 2 key/value heads, vocabulary of 151,936, tied embeddings) and random weights in bf16, since speed does not depend on what weights say.
Three LoRA adapters of rank 32 stand on all seven projections.
Every prompt has 64 tokens, temperature is 1 over the whole vocabulary, and every answer has the same length because its end is ignored."""


def machine_part(results: dict) -> str:
    measured = [result for result in results.values() if result.get("machine")]
    if not measured:
        return ""
    machine, job = measured[0]["machine"], measured[0]["job"]
    rows = {
        "processor": f"{machine['processor']} ({machine['family']}{', virtual' if machine['virtual'] else ''})",
        "instructions that matter": f"has {words(machine['flags'])}; lacks {words(machine['lacks'])}",
        "cores": f"{machine['cores']}, {job['threads']} threads used by every program",
        "memory": f"{machine['memory_gb']} GB",
        "governor": machine["governor"],
        "system": machine["system"],
    }
    rows |= ceilings(results) | versions(results)
    busy = max(result["job"]["others_cores"] for result in measured)
    verdict = "the machine was idle" if busy < 0.2 else "the machine was **not** idle, so figures are too low"
    rows["others at work"] = f"at most {busy:.2f} cores before a program started: {verdict}"
    return "## Machine\n\n" + table(["", ""], [[name, value] for name, value in rows.items()])


def ceilings(results: dict) -> dict:
    """Of several runs the best: a ceiling is what can be reached."""
    found = [result["ceilings"] for result in results.values() if result.get("ceilings")]
    if not found:
        return {}
    best = lambda key: max(ceiling[key] or 0.0 for ceiling in found)
    rows = {
        "memory, streaming read": f"{best('read_gb_s_one'):.1f} GB/s on one thread, {best('read_gb_s'):.1f} GB/s on all",
        "f32 multiply-add": f"{best('f32_gflop_s_one'):.0f} GFLOP/s on one thread, {best('f32_gflop_s'):.0f} GFLOP/s on all",
    }
    if best("bf16_gflop_s"):
        rows["bf16 dot products"] = f"{best('bf16_gflop_s'):.0f} GFLOP/s on all"
    return rows


def versions(results: dict) -> dict:
    return {TITLES[result["program"]]: result["version"] for result in results.values() if result.get("version")}


def class_parts(results: dict) -> list[str]:
    parts = []
    for title, names in CLASSES.items():
        columns = [name for name in names if name in results and results[name]["lanes"]]
        if not any(results[name]["program"] == OWN for name in columns):
            continue
        parts.append(f"## {title}\n\n{class_table(columns, results)}{failures(names, results)}")
    return parts


def class_table(columns: list[str], results: dict) -> str:
    own = next(name for name in columns if results[name]["program"] == OWN)
    peers = [name for name in columns if name != own]
    rows = [lane_row(lane, own, peers, results) for lane in lanes.ALL if run_of(results[own], lane.name)]
    heads = [title(results[name]) for name in peers]
    return table(["lane", "unit", title(results[own]), "share of roof", *heads, "against the best of them"], rows)


def lane_row(lane: lanes.Lane, own: str, peers: list[str], results: dict) -> list[str]:
    ours = run_of(results[own], lane.name)
    others = [run_of(results[name], lane.name) for name in peers]
    best = best_of([median(other) for other in others if other], lane.unit)
    ratio = "–"
    if best is not None:
        factor = best / median(ours) if lane.unit == "s" else median(ours) / best
        ratio = f"**{factor:.2f} ×**" if factor >= 1 else f"{factor:.2f} × (slower)"
    share = ours.get("share_of_roof")
    shown = [number(median(other)) if other else "–" for other in others]
    return [cut_title(lane, ours, results[own]), lane.unit, number(median(ours)), f"{share:.0%}" if share else "–", *shown, ratio]


def cut_title(lane: lanes.Lane, ours: dict, result: dict) -> str:
    """The lane as it was measured: answers may have been cut."""
    cut = lane.shortened(result["job"]["shorten"])
    return lane.title.replace(f"{lane.new_tokens} new", f"{cut.new_tokens} new")


def words(flags: list[str]) -> str:
    return ", ".join(flags) or "none"


def best_of(values: list[float], unit: str):
    if not values:
        return None
    return min(values) if unit == "s" else max(values)


def failures(names: list[str], results: dict) -> str:
    failed = [results[name] for name in names if name in results and results[name].get("failure")]
    lines = [f"{title(result)} could not be measured: {result['failure']}." for result in failed]
    return "\n\n" + "\n".join(lines) if lines else ""


def gate_part(results: dict, reference: dict | None) -> str:
    rows = []
    for result in results.values():
        if reference and result.get("gate"):
            rows.append([title(result), *verdict_cells(result, gate.judge(result["gate"], reference))])
    if not rows:
        return ""
    text = f"""## Do they compute the same?

transformers in f32 is the reference.
It answers {gate.N_PROMPTS} prompts with {gate.NEW_TOKENS} tokens greedily; the others should give the same tokens, in f32 all of them but for near ties, in lower precision as long as rounding does not decide.
The divergence KL(reference ‖ program) is estimated over texts drawn from the reference (for llama.cpp, which scores no given text, over its 1,000 likeliest tokens after each prompt) and should be below {gate.KL_MAX}.
{gate.N_DRAWS:,} first tokens drawn at temperature 1 should pass chi-squared tests over {gate.N_GROUPS} equally likely groups of tokens, by their probability and by their number (p above {gate.P_MIN}).
Quantized weights are another model, so their divergence is told and not judged.

"""
    heads = ["program", "equal answers", "tokens before a difference", "divergence", "p by probability", "p by number", "verdict"]
    return text + table(heads, rows)


def verdict_cells(result: dict, verdict: dict) -> list[str]:
    shown = lambda key, form: "–" if verdict.get(key) is None else format(verdict[key], form)
    equal = "–" if verdict["greedy"] is None else f"{verdict['greedy']} of {gate.N_PROMPTS}"
    before = shown("greedy_tokens", ".1f")
    return [equal, before, shown("kl", ".1e"), shown("p_rank", ".3f"), shown("p_id", ".3f"), passed(result, verdict)]


def passed(result: dict, verdict: dict) -> str:
    faults = []
    if result["precision"] == "f32" and verdict["greedy"] is not None and verdict["greedy"] < gate.N_PROMPTS:
        faults.append("other answers")
    is_exact = result["precision"] in ("f32", "bf16")
    if is_exact and verdict["kl"] is not None and verdict["kl"] >= gate.KL_MAX:
        faults.append("diverges")
    # Draws are held against the reference's probabilities, which quantized weights do not have.
    if is_exact and any(verdict[key] is not None and verdict[key] < gate.P_MIN for key in ("p_rank", "p_id")):
        faults.append("draws otherwise")
    return ", ".join(faults) or ("passes" if is_exact else "told only")


def detail_part(results: dict) -> str:
    rows = []
    for result in results.values():
        for report in result["lanes"]:
            if report["runs"]:
                rows.append([title(result), report["lane"], *spread(report), peak(report)])
    return "## Every lane\n\n" + table(["program", "lane", "median", "quartiles", "runs", "peak memory"], rows)


def spread(report: dict) -> list[str]:
    values = [run["value"] for run in report["runs"]]
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return [number(statistics.median(values)), f"{number(lower)} to {number(upper)}", str(len(values))]


def peak(report: dict) -> str:
    return f"{report['peak_bytes'] / 1e9:.2f} GB" if report.get("peak_bytes") else "–"


def reproduce(results: dict) -> str:
    job = next((result["job"] for result in results.values() if result.get("job")), None)
    knobs = ""
    if job:
        cap = f", no more once a lane took {job['lane_seconds']:.0f} s" if job["lane_seconds"] < 1e6 else ""
        knobs = f"Measured with {job['warm_ups']} warm-ups and up to {job['repeats']} runs of each lane{cap}"
        knobs += f", answers cut to one part in {job['shorten']}.\n" if job["shorten"] > 1 else ".\n"
    return f"""## How it was measured, and how to measure it again

`make bench` builds the program, makes the model, fetches PyTorch, transformers and peft from PyPI, builds llama.cpp from the source that llama-cpp-python carries, runs everything and writes this page.
`make bench ARGS=--quick` takes about a quarter of an hour; `scripts/bench --help` tells the other knobs.
{knobs}
- Programs run one after the other in random order, each in a process of its own that waits until others are quiet; lanes and repeats inside are in random order too.
- The roof is computed from the ceilings that were measured in the same process: a step takes as long as reading all weights, the adapters in the batch and the cached keys and values, or as long as its multiplications, whichever is longer. `server/src/bench/roof.rs` has the formulas.
- A rate counts new tokens from asking to the last token, the prompt's time included; for one stream it counts from the first token on.
- Plumbline is measured through its engine, with sampling, text and events; transformers through `generate` with its default cache, mixed adapters through PEFT's `adapter_names`. `llama-batched-bench` feeds random tokens instead of drawing some. Its server answers the four variants, each request with its own adapter.
- A dash means that the program does not offer the lane or that it was not run. All raw numbers are in `target/bench/`."""


def title(result: dict) -> str:
    return f"{TITLES[result['program']]} {result['precision']}"


def run_of(result: dict, lane: str) -> dict | None:
    return next((report for report in result["lanes"] if report["lane"] == lane and report["runs"]), None)


def median(report: dict) -> float:
    return statistics.median(run["value"] for run in report["runs"])


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
