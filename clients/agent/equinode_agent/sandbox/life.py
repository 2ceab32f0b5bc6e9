"""One job from before its moment until nothing of it is left, whatever confines it.

A box is built with a gate inside that waits: all that takes time happens before the moment. What
confines the job is a kind of box: bubblewrap (sandbox.box) or a container (runners.container).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinode_agent import clock, disk
from equinode_agent.errors import SandboxError
from equinode_agent.network.gateway import Gateway
from equinode_agent.sandbox import cgroups, processes
from equinode_agent.sandbox.gate import Words, exports
from equinode_agent.sandbox.plan import Plan

# A twentieth of a second on an idle machine; what is not up by then will not come.
BUILD_SECONDS = 30.0
GONE_SECONDS = 20.0
# Without a control group, memory is read from /proc this often.
SAMPLE_SECONDS = 0.05

# Takes a line for the job's log.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Use:
    """What a job used; None where nobody knows."""

    peak_memory_bytes: int | None
    cpu_seconds: float | None


class Box(ABC):
    """Built with its gate closed; `release` starts the job; `close` proves that it is gone."""

    def __init__(self, plan: Plan, *, scratch: Path) -> None:
        self._plan = plan
        self.folder = scratch / plan.name
        self._program: subprocess.Popen[bytes] | None = None
        self._group: cgroups.Group | None = None
        self._gateway: Gateway | None = None
        self._words = Words.new()
        self._init = 0
        self._init_fd = -1
        self._peak, self._cpu, self._sample_at = 0, 0.0, 0.0

    # --- before the moment --------------------------------------------------
    def stage(self, tell: Tell) -> None:
        """Put the job's files in place; no process yet. `tell` takes a line for the job's log."""
        disk.wipe(self.folder)
        self.folder.mkdir(mode=0o711)
        self.folder.chmod(0o711)
        for name in ("work", "tmp"):
            place = self.folder / name
            place.mkdir(mode=0o700)
            self._give(place)
        script = self.folder / "job.sh"
        script.write_bytes(self._plan.script.encode())  # whatever language the agent runs in
        script.chmod(0o400)
        self._give(script)

    def _give(self, path: Path) -> None:
        if self._plan.uid is not None:
            os.chown(path, self._plan.uid, self._plan.uid)

    def take_in(self, name: str, kept: Path) -> None:
        """Copy a file into the job's folder, as the job's own: it goes on from what an earlier one left."""
        place = self.folder / "work"
        *folders, last = name.split("/")
        for part in folders:
            place = place / part
            if not place.exists():
                place.mkdir(mode=0o700)
                self._give(place)
        shutil.copyfile(kept, place / last)
        self._give(place / last)

    @abstractmethod
    def build(self) -> None:
        """All that takes time and runs nothing of the job's. What was begun is closed where it fails."""

    def _send_variables(self) -> None:
        waiting = exports(self._plan.environment, self._words)
        stdin = self._process.stdin
        assert stdin is not None
        until = time.monotonic() + BUILD_SECONDS
        with contextlib.suppress(BrokenPipeError):  # its last words say why
            while waiting:
                if not select.select([], [stdin], [], max(0.0, until - time.monotonic()))[1]:
                    raise SandboxError("The sandbox did not read the job's variables in time.")
                waiting = waiting[os.write(stdin.fileno(), waiting[: select.PIPE_BUF]) :]

    def _last_words(self) -> str:
        words = b""
        with contextlib.suppress(OSError):
            while select.select([self.output_fd], [], [], 1.0)[0] and len(words) < 2000:
                piece = os.read(self.output_fd, 2000)
                if not piece:
                    break
                words += piece
        return as_text(words)

    # --- the moment ---------------------------------------------------------
    @abstractmethod
    def release(self) -> float:
        """Let the job go, and return when it did, on the agent's clock."""

    # --- while it runs ------------------------------------------------------
    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._program is not None, "build() comes first"
        return self._program

    @property
    def output_fd(self) -> int:
        output = self._process.stdout
        assert output is not None
        return output.fileno()

    @property
    def gone_fd(self) -> int:
        """Readable once every process of the job is gone and all it printed is in the pipe."""
        return self._init_fd

    @property
    def first_process(self) -> dict[str, Any]:
        return {
            "pid": self._init,
            "started": processes.started_ticks(self._init),
            "boot_id": clock.boot_id(),
            "folder": str(self.folder),
        }

    @property
    def limits_kept_by(self) -> str:
        return "sampling and rlimits" if self._group is None else self._group.kind

    def pids(self) -> list[int]:
        return processes.descendants(self._init)

    def is_out_of_memory(self) -> bool:
        """Asked every few dozen milliseconds; without a control group this is also what measures."""
        if self._group is not None:
            # Somebody with root may have removed the group; that is no reason to end the job.
            with contextlib.suppress(OSError):
                return self._group.ran_out_of_memory()
            return False
        if clock.now() < self._sample_at:
            return False
        self._sample_at = clock.now() + SAMPLE_SECONDS
        pids = self.pids()
        now = processes.sample(pids)
        self._cpu = max(self._cpu, now.cpu_seconds)
        memory = now.memory_bytes
        if memory > self._plan.memory_bytes:
            memory = processes.proportional_memory(pids)
        self._peak = max(self._peak, memory)
        return memory > self._plan.memory_bytes

    def was_refused_processes(self) -> bool:
        """Whether the job ever asked for more processes than it may have; only a control group knows."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                return self._group.ran_out_of_processes()
        return False

    def terminate(self) -> None:
        """SIGTERM, once, to every process there is at one moment: a shell alone would not pass it on.

        What starts afterwards is left alone until the grace is over: it may be saving the job's work.
        """
        with processes.held_still(self._init) as pids:
            processes.tell(pids, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the first process: the kernel takes all others of its namespace with it."""
        if self._init_fd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init_fd, signal.SIGKILL)
        elif self._program is not None:
            self._program.kill()

    # --- afterwards ---------------------------------------------------------
    def exit_code(self) -> int:
        returned = self._process.wait(GONE_SECONDS)
        return returned if returned >= 0 else 128 - returned

    def use(self) -> Use:
        if self._group is None:
            return Use(peak_memory_bytes=self._peak, cpu_seconds=round(self._cpu, 3))
        try:
            return Use(self._group.peak_memory(), round(self._group.cpu_seconds(), 3))
        except OSError:
            return Use(None, None)

    def close(self) -> None:
        """Kill what is left and return when it is confirmed gone; SandboxError if it will not go."""
        self.kill()
        if self._gateway is not None:
            self._gateway.close()
            self._gateway = None
        if self._init_fd >= 0:
            if not select.select([self._init_fd], [], [], GONE_SECONDS)[0]:
                raise SandboxError("Processes of the job could not be killed.")
            os.close(self._init_fd)
            self._init_fd = -1
        if self._program is not None:
            self._program.wait(GONE_SECONDS)
            for stream in (self._program.stdin, self._program.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def wipe(self) -> None:
        disk.wipe(self.folder)


def as_text(said: bytes) -> str:
    return said.decode(errors="replace").strip()
