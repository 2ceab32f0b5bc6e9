"""What this machine is, for comparison with what its owner declared. Reads, never changes."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from equinode_agent import __version__, gpus

# Programs a runner may use, and the option that prints their version.
RUNTIMES = {
    "bubblewrap": ("bwrap", "--version"),
    "podman": ("podman", "--version"),
    "docker": ("docker", "--version"),
    "slurm": ("sinfo", "--version"),
    "python3": ("/usr/bin/python3", "--version"),
}
SECTOR = 512  # /sys/block/*/size counts these, whatever the disk's own sectors are
NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd")


def collect() -> dict[str, Any]:
    found, driver = gpus.detect()
    return {
        "agent": __version__,
        "hostname": platform.node(),
        "cpu": cpu(Path("/proc/cpuinfo").read_text()),
        "memory_bytes": memory(Path("/proc/meminfo").read_text()),
        "gpus": found,
        "nvidia_driver": driver,
        "disks": disks(Path("/sys/block")),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "system": _system(),
        "runtimes": runtimes(),
        "is_root": os.geteuid() == 0,
    }


def cpu(text: str) -> dict[str, Any]:
    """Threads as the system counts them; cores counted once per package and core number."""
    blocks = [
        {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        for block in text.split("\n\n")
        if block.strip()
    ]
    blocks = [block for block in blocks if "processor" in block]
    pairs = {(block.get("physical id", "0"), block.get("core id", block["processor"])) for block in blocks}
    names = [block.get("model name") or block.get("cpu model") for block in blocks]
    return {
        "model": next((name for name in names if name), platform.processor() or platform.machine()),
        "sockets": len({package for package, _core in pairs}),
        "cores": len(pairs),
        "threads": len(blocks),
    }


def memory(text: str) -> int:
    for line in text.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def disks(block: Path) -> list[dict[str, Any]]:
    found = []
    for disk in sorted(block.glob("*")):
        size = _read(disk / "size")
        if disk.name.startswith(NO_DISKS) or not size.isdigit() or size == "0":
            continue
        found.append(
            {
                "name": disk.name,
                "bytes": int(size) * SECTOR,
                "rotational": _read(disk / "queue/rotational") == "1",
                "model": _read(disk / "device/model"),
            }
        )
    return found


def runtimes() -> dict[str, str]:
    found = {}
    for name, (program, option) in RUNTIMES.items():
        if path := shutil.which(program):
            try:
                told = subprocess.run([path, option], capture_output=True, text=True, timeout=10, check=False)
            except (OSError, subprocess.SubprocessError):
                continue
            if told.returncode == 0:
                found[name] = told.stdout.strip().splitlines()[0][:100] if told.stdout.strip() else ""
    return found


def load() -> dict[str, Any]:
    """What a heartbeat tells about how busy the machine is."""
    return {
        "load_1m": round(os.getloadavg()[0], 2),
        "memory_available_bytes": _available(Path("/proc/meminfo").read_text()),
    }


def _available(text: str) -> int:
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
