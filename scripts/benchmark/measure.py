"""Repeats lanes in random order, as long as their time lasts, and keeps every number."""

import json
import os
import pathlib
import random
import resource
import time

QUIET_CORES = 0.2


def say(text: str) -> None:
    print(f"bench: {text}", flush=True)


def measure(lanes, knobs, run_once, warm_up=None) -> list[dict]:
    """`run_once(lane, number)` gives one run; all lanes and repeats stand in random order."""
    reports = {lane.name: {"lane": lane.name, "runs": [], "peak_bytes": None} for lane in lanes}
    for lane in lanes if warm_up else []:
        for number in range(knobs["warm_ups"]):
            warm_up(lane.warm_up(), -1 - number)
    order = [lane for lane in lanes for _ in range(knobs["repeats"])]
    random.shuffle(order)
    for number, lane in enumerate(order):
        report = reports[lane.name]
        if sum(run["seconds"] for run in report["runs"]) < knobs["lane_seconds"]:
            forget_peak()
            run = run_once(lane, number)
            say(f"  {lane.name}: {run['value']:.2f} {lane.unit} after {run['seconds']:.1f} s")
            report["runs"].append(run)
            report["peak_bytes"] = max(report["peak_bytes"] or 0, run.pop("peak_bytes", None) or peak_bytes())
    return list(reports.values())


def forget_peak() -> None:
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # Then the peak stays that of the whole process.


def peak_bytes() -> int:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def wait_until_idle(longest_s: float) -> float:
    """Waits until others use less than a fifth of a core, and says how many cores they used last.

    The load average would remember the program before for minutes, so the processor's own clock is asked.
    """
    begun = time.monotonic()
    while True:
        n_busy = cores_busy(1.0)
        if n_busy < QUIET_CORES or time.monotonic() - begun >= longest_s:
            return n_busy


def cores_busy(seconds: float) -> float:
    before = busy_ticks()
    time.sleep(seconds)
    return (busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def busy_ticks() -> int:
    """Everything that is counted but idling and waiting for disks."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4]


def write(path: pathlib.Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
