"""The programs that jobs run with, and their versions."""

from __future__ import annotations

import shutil
import subprocess

# The program, and the option that prints its version.
RUNTIMES = {
    "bubblewrap": ("bwrap", "--version"),
    "podman": ("podman", "--version"),
    "docker": ("docker", "--version"),
    "slurm": ("sinfo", "--version"),
    "python3": ("/usr/bin/python3", "--version"),
}
ASK_SECONDS = 10.0


def detect() -> dict[str, str]:
    found = {}
    for name, (program, option) in RUNTIMES.items():
        if path := shutil.which(program):
            try:
                asked = subprocess.run(
                    [path, option], capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS,
                    check=False,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError):
                continue
            if asked.returncode == 0:
                found[name] = (asked.stdout.strip().splitlines() or [""])[0][:100]
    return found
