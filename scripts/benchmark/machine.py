"""What the figures were measured on."""

import os
import pathlib
import platform

# What makes products fast, where a processor has it.
FLAGS = ["avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]


def n_cores() -> int:
    return len(os.sched_getaffinity(0))


def describe() -> dict:
    processor = fields("/proc/cpuinfo")
    has = processor.get("flags", processor.get("Features", "")).split()
    memory_kib = int(fields("/proc/meminfo")["MemTotal"].split()[0])
    return {
        "processor": processor.get("model name", platform.processor() or platform.machine()),
        "family": f"family {processor.get('cpu family', '?')}, model {processor.get('model', '?')}",
        "flags": [flag for flag in FLAGS if flag in has],
        "lacks": [flag for flag in FLAGS if flag not in has],
        "cores": n_cores(),
        "memory_gb": round(memory_kib * 1024 / 1e9, 1),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not told",
        "virtual": "hypervisor" in has,
        "system": f"{platform.system()} {platform.release()}",
    }


def fields(path: str) -> dict:
    """The first value of each `name : value`."""
    found = {}
    for line in pathlib.Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found


def read(path: str) -> str:
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""
