"""A job in a container, from before its moment until nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from equinode_agent import disk
from equinode_agent.errors import SandboxError
from equinode_agent.runners import options
from equinode_agent.runners.engine import Engine
from equinode_agent.runners.images import Image
from equinode_agent.sandbox import cgroups
from equinode_agent.sandbox.gate import command
from equinode_agent.sandbox.life import GONE_SECONDS, Box, Tell, Use
from equinode_agent.sandbox.plan import Plan

GUARD = Path(__file__).with_name("guard.py")
# What a shell says of a command that was killed.
KILLED = 128 + signal.SIGKILL


class Container(Box):
    """The programs of an image, and nothing of the machine.

    The engine's own program stays in front of the container and passes on what it prints: what ends it
    ends nothing inside. So a guard beside it, which the job cannot see, kills the container when the
    agent is gone, and the engine, where it can, when the slot is over.
    """

    def __init__(
        self, plan: Plan, *, scratch: Path, engine: Engine, image: Image, is_stopped: Callable[[], bool]
    ) -> None:
        super().__init__(plan, scratch=scratch)
        self._engine, self._image, self._is_stopped = engine, image, is_stopped
        self._name = f"equinode-{plan.owner}-{plan.name}"
        self._about: Mapping[str, Any] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        self._front_fd = -1
        self._memory_ran_out = self._processes_ran_out = False

    def stage(self, tell: Tell) -> None:
        """As for any box, and the image is here: fetching it may take minutes."""
        self._about = self._engine.fetch(
            self._image, tell=tell, until=self._plan.gone_at or float("inf"), is_stopped=self._is_stopped
        )
        super().stage(tell)
        profile = options.system_calls()
        if profile is not None:
            disk.write_json(self.folder / "system-calls.json", profile, durable=False)

    def _start(self) -> None:
        given = options.run(
            self._plan,
            engine=self._engine,
            image=self._image,
            about=self._about,
            name=self._name,
            folder=self.folder,
            gate=command(self._words, becomes=False),
        )
        self._program = subprocess.Popen(
            self._engine.command(*given),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            bufsize=0,
            # Ctrl-C at the agent is the agent's to act on.
            start_new_session=True,
        )
        self._front_fd = os.pidfd_open(self._program.pid)
        self._send_variables()

    def _learn_init(self) -> None:
        self._init = int(self._engine.container(self._name)["State"]["Pid"])
        if self._init <= 0:
            raise SandboxError(f"{self._engine.name} tells no process of the container.")
        self._init_fd = os.pidfd_open(self._init)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(self._init_fd)],
            stdin=subprocess.PIPE,
            pass_fds=(self._init_fd,),
            cwd="/",
            start_new_session=True,
        )
        self._group = cgroups.of_process(self._init)

    @property
    def gone_fd(self) -> int:
        # What the job printed last is still on its way when its processes are gone.
        return self._front_fd

    @property
    def first_process(self) -> dict[str, Any]:
        return {**super().first_process, "engine": self._engine.name, "container": self._name}

    @property
    def limits_kept_by(self) -> str:
        return f"{self._engine.name}, {super().limits_kept_by}"

    def is_out_of_memory(self) -> bool:
        """The engine removes the group with the container, so what it tells is kept while it is there."""
        if self._group is None:
            return super().is_out_of_memory()
        with contextlib.suppress(OSError, ValueError):
            self._memory_ran_out |= self._group.ran_out_of_memory()
            self._processes_ran_out |= self._group.ran_out_of_processes()
            self._cpu = max(self._cpu, self._group.cpu_seconds())
            self._peak = max(self._peak, self._group.peak_memory())
        # Killed, by nobody here, after it had taken all it may have: the kernel, between two looks.
        return self._memory_ran_out or (self._was_killed() and self._peak >= self._plan.memory_bytes * 0.98)

    def _was_killed(self) -> bool:
        return self._program is not None and self._program.poll() == KILLED

    def was_refused_processes(self) -> bool:
        return self._processes_ran_out

    def use(self) -> Use:
        return Use(peak_memory_bytes=self._peak, cpu_seconds=round(self._cpu, 3))

    def exit_code(self) -> int:
        code = super().exit_code()
        # The front ended: so has the container, or something is wrong that the job is not to blame for.
        if not select.select([self._init_fd], [], [], GONE_SECONDS)[0]:
            raise SandboxError(f"{self._engine.name} ended before its container did.")
        return code

    def close(self) -> None:
        super().close()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait(GONE_SECONDS)
            if self._guard.stdin is not None:
                self._guard.stdin.close()
            self._guard = None
        if self._front_fd >= 0:
            os.close(self._front_fd)
            self._front_fd = -1
        if self._program is not None:
            self._engine.remove(self._name)
            self._group = None
