"""The processors: as `lscpu` tells them, and as /proc/cpuinfo does where there is no lscpu."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from equinode_agent.inventory.reading import Unreadable, told, whole

ASK_SECONDS = 20.0
MOST_THREADS = 65_536


def detect() -> dict[str, Any]:
    """Raises Unreadable where neither tells."""
    if (program := shutil.which("lscpu")) is not None:
        try:
            asked = subprocess.run(
                [program], capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS, check=True,
                env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
            return read_lscpu(asked.stdout)
        except (OSError, subprocess.SubprocessError, Unreadable):
            pass  # the kernel itself says it, too
    return read_cpuinfo(Path("/proc/cpuinfo").read_text(errors="replace"))


def read_lscpu(text: str) -> dict[str, Any]:
    """Cores are threads over threads per core: hypervisors tell numbers of sockets that do not add up.

    A machine with several kinds of cores lists each kind with its own model name.
    """
    pairs = [
        (name.strip(), value.strip())
        for name, colon, value in (line.partition(":") for line in text.splitlines() if line[:1] != "#")
        if colon
    ]
    first = dict(reversed(pairs))
    threads, per_core = whole(first.get("CPU(s)")), whole(first.get("Thread(s) per core"))
    if not threads or threads > MOST_THREADS:
        raise Unreadable("This is no output of lscpu: it has no line “CPU(s)” with their number.")
    if not per_core or threads % per_core:
        raise Unreadable(f"lscpu tells {threads} CPUs and {per_core} threads per core, which cannot be.")
    cores = threads // per_core
    models = dict.fromkeys(value for name, value in pairs if name == "Model name" and told(value))
    return {
        "model": " + ".join(models)[:120] or _unnamed(first),
        "sockets": min(whole(first.get("Socket(s)")) or 1, cores),
        "cores": cores,
        "threads": threads,
    }


def _unnamed(lines: dict[str, str]) -> str:
    return told(lines.get("Vendor ID")) or told(lines.get("Architecture")) or platform.machine()


def read_cpuinfo(text: str) -> dict[str, Any]:
    """Threads as the system counts them; cores counted once per package and core number."""
    blocks = [
        {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        for block in text.split("\n\n")
        if block.strip()
    ]
    blocks = [block for block in blocks if "processor" in block]
    if not blocks:
        raise Unreadable("/proc/cpuinfo names no processor.")
    pairs = {(block.get("physical id", "0"), block.get("core id", block["processor"])) for block in blocks}
    names = [block.get("model name") or block.get("cpu model") for block in blocks]
    return {
        "model": next((name for name in names if name), platform.processor() or platform.machine())[:120],
        "sockets": len({package for package, _core in pairs}),
        "cores": len(pairs),
        "threads": len(blocks),
    }
