"""The processes of a sandbox as the machine sees them: who they are, what they use."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
# A process stops only when it next has the processor, and on a crowded machine that takes a while.
STANDSTILL_SECONDS = 2.0


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


@contextlib.contextmanager
def held_still(root: int) -> Iterator[list[int]]:
    """All processes below `root`, stopped until the block is left, so that none is born unseen.

    A list of running processes is never complete: one that forks while it is read has a child that is
    not on it. Two looks in a row must find everybody stopped and nobody new, since a process that dies
    while the first is taken hands its children to `root` behind the reader's back.
    """
    stopped: dict[int, None] = {}
    until = time.monotonic() + STANDSTILL_SECONDS
    quiet_looks = 0
    try:
        while True:
            found = descendants(root)
            new = [pid for pid in found if pid not in stopped]
            tell(new, signal.SIGSTOP)
            stopped.update(dict.fromkeys(new))
            quiet_looks = 0 if new or not all(map(_stands_still, found)) else quiet_looks + 1
            if quiet_looks == 2 or time.monotonic() > until:
                break
            time.sleep(0.001)
        yield found
    finally:
        # Children first: a parent that goes on never finds one of them stopped.
        tell(list(stopped)[::-1], signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    """Stopped in every thread, or dead. A thread inside a fork stops only when its child is born."""
    with contextlib.suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            fields = _stat(f"{pid}/task/{task.name}")
            if fields is not None and fields[0] not in "TtZXx":
                return False
    return True


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


def _stat(pid: int | str) -> list[str] | None:
    """Fields of /proc/PID/stat after the name, so that index 0 is field 3 of proc(5)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
