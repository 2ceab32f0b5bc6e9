"""Files to bring back: chosen by pattern after the job is gone, never through a link."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from equinode_agent.notes import Note, note
from equinode_agent.patterns import Pattern

# docs/agent-protocol.md: at most 1 GiB a file; 1000 files and 4 GiB a lease; names of 255 bytes.
LARGEST_FILE = 1 << 30
MOST_BYTES = 4 << 30
MOST_FILES = 1000
LONGEST_NAME = 255
DEEPEST = 20
# How many of the files that were left out are told by name.
NAMED = 5


@dataclass
class Harvest:
    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def notes(self) -> tuple[Note, ...]:
        if not self.left_out:
            return ()
        named = ", ".join(self.left_out[:NAMED])
        if len(self.left_out) <= NAMED:
            return (note("not_brought_back", files=named),)
        return (note("not_brought_back_and_more", files=named, more=len(self.left_out) - NAMED),)


def collect(work: Path, patterns: Sequence[str], *, into: Path, limit: int) -> Harvest:
    """Copy matching regular files of at most `limit` bytes each out of the job's folder."""
    harvest = Harvest()
    wanted = [pattern for text in patterns if (pattern := Pattern(text))]
    if not wanted:
        return harvest
    taken = 0
    for name, path, found in _regular_files(work):
        if not any(pattern.matches(name) for pattern in wanted):
            continue
        too_large = found.st_size > min(limit, LARGEST_FILE) or taken + found.st_size > MOST_BYTES
        if too_large or len(harvest.files) >= MOST_FILES or not _is_sayable(name):
            harvest.left_out.append(name if _is_sayable(name) else repr(name[:60]))
            continue
        into.mkdir(mode=0o700, exist_ok=True)
        kept = into / str(len(harvest.files))
        size, digest = _take(path, kept, limit=found.st_size)
        taken += size
        harvest.files.append({"name": name, "size": size, "sha256": digest, "kept": kept.name})
    return harvest


def _is_sayable(name: str) -> bool:
    clean = name.isprintable() and "\\" not in name
    return clean and len(name.encode()) <= LONGEST_NAME and ".." not in PurePosixPath(name).parts


def _regular_files(work: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    """Regular files below, in order of name. Links, pipes and devices are passed over."""
    for folder, folders, names in os.walk(work, followlinks=False):
        folders.sort()
        relative = os.path.relpath(folder, work)
        if relative.count("/") + 2 >= DEEPEST:
            folders.clear()
        for name in sorted(names):
            path = Path(folder, name)
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield (name if relative == "." else f"{relative}/{name}"), path, found


def _take(path: Path, kept: Path, *, limit: int) -> tuple[int, str]:
    """Copy a file and digest what was copied. Nobody writes to it any more: the job is gone."""
    digest, size = hashlib.sha256(), 0
    # No job runs, but a link put here is still a link: never follow it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as source, kept.open("wb") as target:
        while size < limit and (piece := source.read(min(1 << 20, limit - size))):
            digest.update(piece)
            target.write(piece)
            size += len(piece)
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()
