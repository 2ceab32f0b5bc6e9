"""Files that survive a crash: written whole beside their place, flushed, then renamed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any, *, durable: bool = True) -> None:
    """Replace the file in one step. Durable: on disk before this returns, which may take seconds there.

    What is not durable survives the agent, and after a power cut may be the old text.
    """
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    beside.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def wipe(folder: Path) -> None:
    """Delete a folder a job wrote to: closed subfolders and trees of any depth too, links never followed."""
    # rm, since a job can nest folders deeper than Python recurses and longer than a path may be.
    _quietly("rm", "-rf", "--one-file-system", "--", str(folder))
    if os.path.lexists(folder):
        # A job running as the agent's own user may have closed its folders to itself.
        _quietly("chmod", "-R", "u+rwx", "--", str(folder))
        _quietly("rm", "-rf", "--one-file-system", "--", str(folder))


def _quietly(*command: str) -> None:
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
