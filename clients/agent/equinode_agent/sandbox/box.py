"""A job under bubblewrap, from before its moment until nothing of it is left."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from equinode_agent import clock, disk
from equinode_agent.errors import SandboxError
from equinode_agent.network.gateway import Gateway
from equinode_agent.sandbox import bubblewrap, cgroups
from equinode_agent.sandbox.gate import command
from equinode_agent.sandbox.life import BUILD_SECONDS, Box, Tell, Use, as_text
from equinode_agent.sandbox.plan import Plan, launch_plan

__all__ = ["Sandbox", "Use"]

LAUNCHER = Path(__file__).with_name("launch.py")


class Sandbox(Box):
    """The machine's own programs, and nothing else of it."""

    def __init__(self, plan: Plan, *, scratch: Path, private: Path) -> None:
        super().__init__(plan, scratch=scratch)
        self._private = private

    def stage(self, tell: Tell) -> None:
        super().stage(tell)
        etc = self.folder / "etc"
        etc.mkdir(mode=0o755)
        etc.chmod(0o755)
        for name, text in bubblewrap.STUBS.items():
            (etc / name).write_text(text)
            (etc / name).chmod(0o644)

    def build(self) -> None:
        """Start what confines the job, up to the gate: a shell of this machine, which can be trusted."""
        try:
            self._start()
            self._expect(self._words.ready)
            (self._private / "box.json").unlink(missing_ok=True)
            if self._plan.network is not None:
                self._gateway = Gateway.open(self._plan.network, of=self._init)
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        plan = self._plan
        group = cgroups.make(
            plan.owner, plan.name, memory_bytes=plan.memory_bytes, processes=plan.processes, cpus=plan.cpus
        )
        self._group = group
        info_read, info_write = os.pipe()
        try:
            launch_file = self._private / "box.json"
            gate = command(self._words)
            launch = launch_plan(plan, self.folder, gate=gate, cgroup=group, info_fd=info_write)
            disk.write_json(launch_file, launch, durable=False)
            self._program = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(launch_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(info_write,),
                cwd="/",
                bufsize=0,
            )
            os.close(info_write)
            info_write = -1
            self._read_init(info_read)
            self._send_variables()
        finally:
            os.close(info_read)
            if info_write >= 0:
                os.close(info_write)

    def _read_init(self, info: int) -> None:
        """bwrap tells the number of the sandbox's first process."""
        text = b""
        until = time.monotonic() + BUILD_SECONDS
        while b"}" not in text:
            if not select.select([info], [], [], max(0.0, until - time.monotonic()))[0]:
                raise SandboxError("bubblewrap did not start in time.")
            piece = os.read(info, 4096)
            if not piece:
                raise SandboxError(f"bubblewrap did not start: {self._last_words()}")
            text += piece
        self._init = int(json.loads(text)["child-pid"])
        self._init_fd = os.pidfd_open(self._init)

    def _expect(self, word: bytes) -> None:
        said = b""
        until = time.monotonic() + BUILD_SECONDS
        # Byte by byte: what comes after the word belongs to the job.
        while not said.endswith(word):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.output_fd], [], [], left)[0]:
                raise SandboxError("The sandbox did not answer in time.")
            piece = os.read(self.output_fd, 1)
            if not piece:
                raise SandboxError(f"The sandbox did not come up: {as_text(said)}")
            said = (said + piece)[-2000:]

    def release(self) -> float:
        """Open the gate and return when the job went through it, on the agent's clock."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(f"{self._words.go}\n".encode())
            stdin.close()
        except OSError as exc:
            raise SandboxError(f"The sandbox was gone before the moment: {self._last_words()}") from exc
        self._expect(self._words.gone_off)
        return clock.now()

    def close(self) -> None:
        super().close()
        if isinstance(self._group, cgroups.Cgroup):
            self._group.kill()
            if not self._group.remove():
                raise SandboxError("The job's control group could not be removed.")
            self._group = None
