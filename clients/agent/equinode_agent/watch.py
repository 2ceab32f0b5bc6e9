"""Watching a job that runs: its output, its limits, the end of its slot, and orders to stop."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from dataclasses import dataclass

from equinode_agent import clock
from equinode_agent.lease import Limits
from equinode_agent.logs import LogBook
from equinode_agent.notes import Note, note
from equinode_agent.sandbox.life import Box
from equinode_agent.sandbox.quota import DiskWatch

# How often memory is looked at, and with it the rest.
TICK = 0.05
# From SIGTERM to SIGKILL for a job stopped before its slot ends.
GRACE_SECONDS = 10.0
READ_BYTES = 1 << 20
# With its writers gone, the pipe holds at most its own size (1 MiB as an ordinary user may set it).
DRAIN_SECONDS = 2.0


@dataclass
class Outcome:
    """What `ended` will report."""

    reason: str
    notes: tuple[Note, ...] = ()
    exit_code: int | None = None
    peak_memory_bytes: int | None = None
    cpu_seconds: float | None = None
    log_bytes: int = 0
    log_truncated: bool = False
    at: float | None = None


class Orders:
    """What an execution is told from outside while it lives: when to end, and whether to stop now."""

    def __init__(
        self, *, ends: float, expires: float, terminate_before_end: float, kill_before_end: float
    ) -> None:
        self._ends = ends
        self.expires = expires
        self._terminate_before, self._kill_before = terminate_before_end, kill_before_end
        self._reason = ""
        self._notes: tuple[Note, ...] = ()
        self.stopped = threading.Event()
        self.discarded = False

    @property
    def terminate_at(self) -> float:
        return self._ends - self._terminate_before

    @property
    def kill_at(self) -> float:
        return self._ends - self._kill_before

    def renew(self, *, ends: float, expires: float) -> None:
        """From a heartbeat's answer. It is not signed, so it may only bring the end nearer."""
        self._ends = min(self._ends, ends)
        self.expires = max(self.expires, expires)

    def stop(self, reason: str, *notes: Note) -> None:
        if not self.stopped.is_set():
            self._reason, self._notes = reason, notes
            self.stopped.set()

    def discard(self) -> None:
        self.discarded = True
        self.stop("stopped")

    def wait(self, until: float) -> bool:
        """Sleep until a moment on the agent's clock; True if told to stop instead."""
        while (left := until - clock.now()) > 0:
            # Short naps: while the machine is suspended this sleep does not count, the clock does.
            if self.stopped.wait(min(left, 1.0)):
                return True
        return self.stopped.is_set()

    def outcome(self) -> Outcome:
        return Outcome(reason=self._reason or "stopped", notes=self._notes)


class _Ending:
    """Why and how hard a job is being ended: asked first, then killed."""

    def __init__(self, sandbox: Box) -> None:
        self._sandbox = sandbox
        self.reason = ""
        self.notes: tuple[Note, ...] = ()
        self._kill_at: float | None = None
        self.was_killed = False

    def ask(self, reason: str, *notes: Note, kill_at: float) -> None:
        if not self.reason:
            self.reason, self.notes, self._kill_at = reason, notes, kill_at
            self._sandbox.terminate()

    def force(self, reason: str) -> None:
        # Over its memory or disk it must go now, whatever it was asked before.
        if self.reason not in ("memory", "disk"):
            self.reason, self._kill_at = reason, None
        self._sandbox.kill()

    def at_latest(self, moment: float) -> None:
        """The slot's end may have come nearer since the job was asked."""
        if self._kill_at is not None:
            self._kill_at = min(self._kill_at, moment)

    def press(self, now: float) -> None:
        if self._kill_at is not None and now >= self._kill_at:
            self.was_killed = True
            self._sandbox.kill()


def watch(
    sandbox: Box,
    book: LogBook,
    orders: Orders,
    *,
    started: float,
    limits: Limits,
    stop_when_away: bool,
) -> Outcome:
    """Return when every process of the job is gone and everything it printed is read."""
    ending = _Ending(sandbox)
    disk = DiskWatch([sandbox.folder / "work", sandbox.folder / "tmp"], limits.disk_bytes, sandbox.pids)
    disk.start()
    pipe = _Pipe(sandbox.output_fd, book)
    try:
        while not _is_gone(sandbox, pipe):
            now = clock.now()
            _apply_times(ending, orders, now, started=started, limits=limits, stop_when_away=stop_when_away)
            if sandbox.is_out_of_memory():
                ending.force("memory")
            elif disk.exceeded.is_set():
                ending.force("disk")
            ending.press(now)
            if book.due(now):
                book.flush()
    finally:
        disk.stop()
    ended = clock.now()
    pipe.drain(ended + DRAIN_SECONDS)
    book.flush(final=True)
    if not ending.reason:
        # The kernel may have struck, or the last write have landed, after the last look.
        ending.reason = _late_reason(sandbox, disk)
    return _outcome(sandbox, book, ending, limits, ended=ended)


def _late_reason(sandbox: Box, disk: DiskWatch) -> str:
    if sandbox.is_out_of_memory():
        return "memory"
    return "disk" if disk.exceeded.is_set() else "finished"


def _notes(sandbox: Box, ending: _Ending, limits: Limits) -> tuple[Note, ...]:
    """What the reason alone does not explain."""
    notes = list(ending.notes)
    if ending.was_killed:
        notes.append(note("killed"))
    if sandbox.was_refused_processes():
        notes.append(note("processes", limit=limits.processes))
    return tuple(notes)


def _outcome(sandbox: Box, book: LogBook, ending: _Ending, limits: Limits, *, ended: float) -> Outcome:
    use = sandbox.use()
    return Outcome(
        reason=ending.reason,
        notes=_notes(sandbox, ending, limits),
        exit_code=sandbox.exit_code(),
        peak_memory_bytes=use.peak_memory_bytes,
        cpu_seconds=use.cpu_seconds,
        log_bytes=book.seen_bytes,
        log_truncated=book.is_truncated,
        at=ended,
    )


def _apply_times(
    ending: _Ending, orders: Orders, now: float, *, started: float, limits: Limits, stop_when_away: bool
) -> None:
    ending.at_latest(orders.kill_at)
    if now >= orders.terminate_at:
        ending.ask("slot_end", kill_at=orders.kill_at)
    elif orders.stopped.is_set():
        told = orders.outcome()
        ending.ask(told.reason, *told.notes, kill_at=min(now + GRACE_SECONDS, orders.kill_at))
    elif limits.wall_seconds is not None and now >= started + limits.wall_seconds:
        ending.ask("time", kill_at=min(now + GRACE_SECONDS, orders.kill_at))
    elif stop_when_away and now >= orders.expires:
        ending.ask("stopped", note("site_away"), kill_at=min(now + GRACE_SECONDS, orders.kill_at))


class _Pipe:
    """The job's output. Read without pause, so that a job never waits for its reader."""

    def __init__(self, descriptor: int, book: LogBook) -> None:
        self._descriptor, self._book = descriptor, book
        os.set_blocking(descriptor, False)
        self.is_open = True

    @property
    def descriptors(self) -> list[int]:
        return [self._descriptor] if self.is_open else []

    def read(self) -> bool:
        """Take what is there; False if nothing was."""
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self._descriptor, READ_BYTES)
            self.is_open = bool(piece)
            self._book.take(piece, clock.now())
            return bool(piece)
        return False

    def drain(self, until: float) -> None:
        while self.is_open and clock.now() < until:
            if not self.read():
                return


def _is_gone(sandbox: Box, pipe: _Pipe) -> bool:
    """Wait a tick at most for output or the end; True once every process is gone."""
    ready = select.select([sandbox.gone_fd, *pipe.descriptors], [], [], TICK)[0]
    if pipe.is_open and ready and ready != [sandbox.gone_fd]:
        pipe.read()
    return sandbox.gone_fd in ready
