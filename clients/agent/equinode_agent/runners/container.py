"""A job in a container, from before its moment until nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from equinode_agent import clock, disk
from equinode_agent.errors import LeaseRejected, SandboxError
from equinode_agent.network.gateway import Gateway
from equinode_agent.notes import note
from equinode_agent.runners import options, shelf
from equinode_agent.runners.engine import Engine
from equinode_agent.runners.images import Image
from equinode_agent.sandbox import cgroups
from equinode_agent.sandbox.gate import SHELL, reader
from equinode_agent.sandbox.life import BUILD_SECONDS, GONE_SECONDS, Box, Tell, Use
from equinode_agent.sandbox.plan import Plan

GUARD = Path(__file__).with_name("guard.py")
# What a shell says of a command that was killed.
KILLED = 128 + signal.SIGKILL


class Container(Box):
    """The programs of an image, and nothing of the machine.

    What is in an image is a stranger's, its shell too, so nothing of it runs before the moment: podman
    makes the namespaces ahead and waits inside them, docker can only make the container. The engine's own
    program stays in front and passes on what is printed: what ends it ends nothing inside. So a guard,
    which the job cannot see, kills the container when the agent is gone, and podman when the slot is over.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        scratch: Path,
        engine: Engine,
        image: Image,
        most_kept: int,
        is_stopped: Callable[[], bool],
    ) -> None:
        super().__init__(plan, scratch=scratch)
        self._engine, self._image = engine, image
        self._most_kept, self._is_stopped = most_kept, is_stopped
        self._name = f"equinode-{plan.owner}-{plan.name}"
        self._about: Mapping[str, Any] = {}
        self._is_pinned = self._is_made = False
        self._guard: subprocess.Popen[bytes] | None = None
        self._front_fd = -1
        self._memory_ran_out = self._processes_ran_out = False

    # --- before the moment --------------------------------------------------
    def stage(self, tell: Tell) -> None:
        """As for any box, and the image is here: fetching it may take minutes."""
        if not self._is_pinned:
            shelf.pin(self._engine.name, str(self._image))
            self._is_pinned = True
        self._about = self._engine.fetch(
            self._image,
            tell=tell,
            until=self._plan.gone_at or float("inf"),
            is_stopped=self._is_stopped,
            most_bytes=self._plan.image_bytes,
        )
        super().stage(tell)
        profile = options.system_calls()
        if profile is not None:
            disk.write_json(self.folder / "system-calls.json", profile, durable=False)

    def build(self) -> None:
        given = options.create(
            self._plan,
            engine=self._engine,
            image=self._image,
            about=self._about,
            name=self._name,
            folder=self.folder,
            script=reader(self._words),
        )
        self._is_made = True
        try:
            self._engine.ask(*given)
            if self._engine.is_podman:
                self._engine.ask("init", self._name)
                self._look_after(self._told_init())
        except SandboxError as exc:
            self.close()
            if SHELL in str(exc):
                raise LeaseRejected(note("image_shell", image=str(self._image))) from exc
            raise
        except BaseException:
            self.close()
            raise

    def _told_init(self) -> int:
        return int(self._engine.container(self._name)["State"]["Pid"])

    def _look_after(self, init: int) -> None:
        """From here on the container has a first process: watch over it."""
        if init <= 0:
            raise SandboxError(f"{self._engine.name} tells no process of the container.")
        self._init, self._init_fd = init, os.pidfd_open(init)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(self._init_fd)],
            stdin=subprocess.PIPE,
            pass_fds=(self._init_fd,),
            cwd="/",
            start_new_session=True,
        )
        self._group = cgroups.of_process(init)
        if self._plan.network is not None:
            self._gateway = Gateway.open(self._plan.network, of=init)

    # --- the moment ---------------------------------------------------------
    def release(self) -> float:
        waiting = self._program_inside()
        self._program = subprocess.Popen(
            self._engine.command("start", "--attach", "--interactive", self._name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            bufsize=0,
            # Ctrl-C at the agent is the agent's to act on.
            start_new_session=True,
        )
        self._front_fd = os.pidfd_open(self._program.pid)
        self._wait_until(lambda: self._is_off(waiting))
        started = clock.now()
        # Whether the image's shell reads them is its own business: nothing here waits for it.
        threading.Thread(target=self._hand_over_variables, name="variables", daemon=True).start()
        return started

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + BUILD_SECONDS
        while not is_so():
            if time.monotonic() > until:
                raise SandboxError(f"{self._engine.name} did not start the container in time.")
            time.sleep(0.002)

    def _is_off(self, waiting: str) -> bool:
        """Whether the image's own program runs: what the engine left waiting has become it."""
        if self._init == 0:
            return self._has_docker_begun()
        if self._program_inside() != waiting or select.select([self._init_fd], [], [], 0)[0]:
            return True
        if self._process.poll() is not None:
            raise SandboxError(f"{self._engine.name} start: {self._last_words()}")
        return False

    def _has_docker_begun(self) -> bool:
        """docker tells the first process only once it runs; a short job is over before it is asked."""
        state: Mapping[str, Any] = {}
        is_over = self._process.poll() is not None
        with contextlib.suppress(SandboxError, ProcessLookupError):
            state = self._engine.container(self._name)["State"]
            if int(state["Pid"]) > 0:
                self._look_after(int(state["Pid"]))
                return True
        has_begun = not str(state.get("StartedAt") or "0001").startswith("0001")
        if is_over and not has_begun:
            raise SandboxError(f"{self._engine.name} start: {self._last_words()}")
        return has_begun and is_over

    def _program_inside(self) -> str:
        try:
            return os.readlink(f"/proc/{self._init}/exe")
        except OSError:
            return ""

    def _hand_over_variables(self) -> None:
        with contextlib.suppress(OSError, SandboxError, ValueError):
            self._send_variables()
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()

    # --- while it runs ------------------------------------------------------
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

    # --- afterwards ---------------------------------------------------------
    def use(self) -> Use:
        return Use(peak_memory_bytes=self._peak, cpu_seconds=round(self._cpu, 3))

    def exit_code(self) -> int:
        code = super().exit_code()
        # The front ended: so has the container, or something is wrong that the job is not to blame for.
        if self._init_fd >= 0 and not select.select([self._init_fd], [], [], GONE_SECONDS)[0]:
            raise SandboxError(f"{self._engine.name} ended before its container did.")
        return code

    def kill(self) -> None:
        try:
            super().kill()
        except PermissionError:  # of another user, as the engine may have made it
            self._engine.ask("kill", "--signal", "KILL", self._name)

    def close(self) -> None:
        """Whatever else fails, the engine is told to remove it, which kills it by its own means."""
        if self._program is not None:
            self._program.kill()  # with nobody to read what it passes on, it would never end
        try:
            super().close()
        finally:
            if self._guard is not None:
                self._guard.kill()
                self._guard.wait(GONE_SECONDS)
                if self._guard.stdin is not None:
                    self._guard.stdin.close()
                self._guard = None
            if self._front_fd >= 0:
                os.close(self._front_fd)
                self._front_fd = -1
            if self._is_made:
                self._engine.remove(self._name)
                self._is_made, self._group = False, None

    def wipe(self) -> None:
        """The job's folder, and images beyond what the owner keeps."""
        super().wipe()
        if self._is_pinned:
            shelf.unpin(self._engine.name, str(self._image))
            self._is_pinned = False
        self._engine.make_room(self._most_kept)
