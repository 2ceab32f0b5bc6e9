"""The processes of a sandbox as the machine sees them: who they are, what they use."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def descendants(pid: int) -> list[int]:
    """All processes below `pid`. Orphans are among them: they pass to the sandbox's first process."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                children += [int(child) for child in (task / "children").read_text().split()]
    return children


def tell(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def started_ticks(pid: int) -> int | None:
    """When a process began, in ticks since boot: with its number it names a process for good."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def count_of_user(uid: int) -> int:
    """Tasks of a user on this machine: what RLIMIT_NPROC counts before the job adds its own."""
    total = 0
    for process in PROC.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if process.stat().st_uid == uid:
                    total += sum(1 for _ in (process / "task").iterdir())
    return total


@dataclass(frozen=True)
class Sample:
    memory_bytes: int
    cpu_seconds: float
    processes: int


def sample(pids: list[int]) -> Sample:
    """What these processes use now. Memory counts a page shared by several once for each."""
    memory, ticks, alive = 0, 0, 0
    for pid in pids:
        fields = _stat(pid)
        if fields is not None:
            alive += 1
            memory += int(fields[21]) * PAGE
            # utime, stime, and those of children already waited for.
            ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return Sample(memory_bytes=memory, cpu_seconds=ticks / TICKS, processes=alive)


def proportional_memory(pids: list[int]) -> int:
    """Memory with shared pages divided among their users: slower, and fair to forked workers."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name, so that index 0 is field 3 of proc(5)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
