"""How much disk a job uses, hidden corners included, and who is told when it is too much."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from equinode_agent.sandbox import processes

EVERY_SECONDS = 0.25
# Every entry costs at least a block, so that a million empty files count too.
SMALLEST_ENTRY = 4096
# Deeper trees have paths longer than PATH_MAX (4096) soon, where nobody could measure them.
DEEPEST = 256


class TooDeep(Exception):
    """Folders are nested beyond measuring."""


def used_bytes(folders: list[Path]) -> int:
    """Blocks taken below these folders, without following links."""
    total = 0
    waiting = [(str(folder), 0) for folder in folders]
    while waiting:
        path, depth = waiting.pop()
        if depth > DEEPEST:
            raise TooDeep
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), _entries(path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    total += max(entry.stat(follow_symlinks=False).st_blocks * 512, SMALLEST_ENTRY)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
    return total


def _entries(path: str) -> contextlib.AbstractContextManager[Iterator[os.DirEntry[str]]]:
    try:
        return os.scandir(path)
    except PermissionError:
        # Only where the job runs as the agent's own user: a closed folder must not hide what it holds.
        os.chmod(path, 0o700)
        return os.scandir(path)


def unlinked_bytes(pids: list[int], device: int) -> int:
    """Blocks of files on this disk that were deleted but are still open: no folder shows them."""
    seen: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for descriptor in (processes.PROC / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    found = descriptor.stat()
                    if found.st_dev == device and found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                        seen[found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


class DiskWatch:
    """A thread of its own: walking a large tree must not delay the job's log or its end."""

    def __init__(self, folders: list[Path], limit: int, pids: Callable[[], list[int]]) -> None:
        self._folders, self._limit, self._pids = folders, limit, pids
        self._device = folders[0].stat().st_dev
        self._stop = threading.Event()
        self.exceeded = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disk-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = EVERY_SECONDS
        while not self._stop.wait(pause):
            began = time.monotonic()
            if self.is_exceeded():
                self.exceeded.set()
                return
            # A large tree is measured less often, so that watching never takes a quarter of a core.
            pause = max(EVERY_SECONDS, 3 * (time.monotonic() - began))

    def is_exceeded(self) -> bool:
        try:
            return used_bytes(self._folders) + unlinked_bytes(self._pids(), self._device) > self._limit
        except TooDeep:
            return True
        except OSError as exc:
            # Anything else is this machine's trouble and passes; the next round measures again.
            return exc.errno == errno.ENAMETOOLONG
