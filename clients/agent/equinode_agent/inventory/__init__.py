"""What this machine is, for comparison with what its owner declared. Reads, never changes.

The members are those of docs/node-profile.md, which docs/schemas/node-profile.json says for programs.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rfc8785

from equinode_agent import __version__
from equinode_agent.inventory import accelerators, disks, machine, memory, processors, runtimes
from equinode_agent.inventory.reading import Unreadable

PROFILE = "1.0"
MEMINFO = Path("/proc/meminfo")

T = TypeVar("T")


def collect() -> dict[str, Any]:
    """Everything that can be read; `faults` says in a sentence each what could not."""
    faults: list[str] = []
    found = accelerators.detect()
    return {
        "profile": PROFILE,
        "agent": __version__,
        "hostname": platform.node(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "system": _system(),
        "machine": machine.detect(),
        "cpu": _if_readable(processors.detect, faults),
        "memory_bytes": _if_readable(lambda: memory.read_meminfo(MEMINFO.read_text()), faults),
        "gpus": None if found.faults and not found.gpus else found.gpus,
        "gpus_told_by": found.told_by,
        "disks": disks.detect(),
        "runtimes": runtimes.detect(),
        "is_root": os.geteuid() == 0,
        "faults": [*found.faults, *faults],
    }


def digest(inventory: dict[str, Any]) -> str:
    """Of its canonical JSON: an inventory with the same digest need not be told again."""
    return hashlib.sha256(rfc8785.dumps(inventory)).hexdigest()


def _if_readable(read: Callable[[], T], faults: list[str]) -> T | None:
    try:
        return read()
    except (OSError, Unreadable) as exc:
        faults.append(str(exc))
        return None


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def load() -> dict[str, Any]:
    """What a heartbeat tells about how busy the machine is."""
    return {
        "load_1m": round(os.getloadavg()[0], 2),
        "memory_available_bytes": _available(MEMINFO.read_text()),
    }


def _available(text: str) -> int:
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
