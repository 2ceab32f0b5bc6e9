"""One sandbox from before the job's moment until nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinode_agent import clock, disk
from equinode_agent.errors import SandboxError
from equinode_agent.sandbox import bubblewrap, cgroups, processes
from equinode_agent.sandbox.plan import Plan, launch_plan

LAUNCHER = Path(__file__).with_name("launch.py")
# A twentieth of a second on an idle machine; what is not up by then will not come.
BUILD_SECONDS = 30.0
GONE_SECONDS = 20.0
# Without a control group, memory is read from /proc this often.
SAMPLE_SECONDS = 0.05
READY, GONE_OFF = b"r", b"s"


@dataclass(frozen=True)
class Use:
    """What a job used; None where nobody knows."""

    peak_memory_bytes: int | None
    cpu_seconds: float | None


class Sandbox:
    """Built with its gate closed; `release` starts the job; `close` proves that it is gone."""

    def __init__(self, plan: Plan, *, scratch: Path, private: Path) -> None:
        self._plan = plan
        self.folder = scratch / plan.name
        self._private = private
        self._uid = plan.uid
        self._cgroup: cgroups.Cgroup | None = None
        self._bwrap: subprocess.Popen[bytes] | None = None
        self._init = 0
        self._init_fd = -1
        self._peak, self._cpu, self._sample_at = 0, 0.0, 0.0

    # --- before the moment --------------------------------------------------
    def stage(self) -> None:
        """Put the job's files in place; no process yet."""
        disk.wipe(self.folder)
        self.folder.mkdir(mode=0o711)
        self.folder.chmod(0o711)
        for name in ("work", "tmp"):
            place = self.folder / name
            place.mkdir(mode=0o700)
            self._give(place)
        etc = self.folder / "etc"
        etc.mkdir(mode=0o755)
        etc.chmod(0o755)
        for name, text in bubblewrap.STUBS.items():
            (etc / name).write_text(text)
            (etc / name).chmod(0o644)
        script = self.folder / "job.sh"
        script.write_bytes(self._plan.script.encode())  # whatever language the agent runs in
        script.chmod(0o400)
        self._give(script)

    def _give(self, path: Path) -> None:
        if self._uid is not None:
            os.chown(path, self._uid, self._uid)

    def build(self) -> None:
        """Start bwrap with a gate inside that waits: all that takes time happens here."""
        plan = self._plan
        self._cgroup = cgroups.make(
            plan.owner, plan.name, memory_bytes=plan.memory_bytes, processes=plan.processes
        )
        info_read, info_write = os.pipe()
        try:
            launch_file = self._private / "box.json"
            launch = launch_plan(plan, self.folder, cgroup=self._cgroup, info_fd=info_write)
            disk.write_json(launch_file, launch, durable=False)
            self._bwrap = subprocess.Popen(
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
            self._learn_init(info_read)
            self._expect(READY)
            launch_file.unlink(missing_ok=True)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(info_read)
            if info_write >= 0:
                os.close(info_write)

    def _learn_init(self, info: int) -> None:
        """bwrap tells the number of the sandbox's first process: with it goes all that is inside."""
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
        output = self.output_fd
        if not select.select([output], [], [], BUILD_SECONDS)[0]:
            raise SandboxError("The sandbox did not answer in time.")
        said = os.read(output, 1)
        if said != word:
            raise SandboxError(
                f"The sandbox did not come up: {said.decode(errors='replace')}{self._last_words()}"
            )

    def _last_words(self) -> str:
        words = b""
        with contextlib.suppress(OSError):
            while select.select([self.output_fd], [], [], 1.0)[0] and len(words) < 2000:
                piece = os.read(self.output_fd, 2000)
                if not piece:
                    break
                words += piece
        return words.decode(errors="replace").strip()

    # --- the moment ---------------------------------------------------------
    def release(self) -> float:
        """Open the gate and return when the job went through it, on the agent's clock."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(b"go\n")
            stdin.close()
        except OSError as exc:
            raise SandboxError(f"The sandbox was gone before the moment: {self._last_words()}") from exc
        self._expect(GONE_OFF)
        return clock.now()

    # --- while it runs ------------------------------------------------------
    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._bwrap is not None, "build() comes first"
        return self._bwrap

    @property
    def output_fd(self) -> int:
        output = self._process.stdout
        assert output is not None
        return output.fileno()

    @property
    def init_fd(self) -> int:
        """Readable once every process of the sandbox is gone."""
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
        return "sampling and rlimits" if self._cgroup is None else self._cgroup.kind

    def pids(self) -> list[int]:
        return processes.descendants(self._init)

    def is_out_of_memory(self) -> bool:
        """Asked every few dozen milliseconds; without a control group this is also what measures."""
        if self._cgroup is not None:
            # Somebody with root may have removed the group; that is no reason to end the job.
            with contextlib.suppress(OSError):
                return self._cgroup.ran_out_of_memory()
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
        if self._cgroup is not None:
            with contextlib.suppress(OSError):
                return self._cgroup.ran_out_of_processes()
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
        elif self._bwrap is not None:
            self._bwrap.kill()

    # --- afterwards ---------------------------------------------------------
    def exit_code(self) -> int:
        return _shell_code(self._process.wait(GONE_SECONDS))

    def use(self) -> Use:
        if self._cgroup is None:
            return Use(peak_memory_bytes=self._peak, cpu_seconds=round(self._cpu, 3))
        try:
            return Use(self._cgroup.peak_memory(), round(self._cgroup.cpu_seconds(), 3))
        except OSError:
            return Use(None, None)

    def close(self) -> None:
        """Kill what is left and return when it is confirmed gone; SandboxError if it will not go."""
        self.kill()
        if self._init_fd >= 0:
            gone = select.select([self._init_fd], [], [], GONE_SECONDS)[0]
            if not gone:
                raise SandboxError("Processes of the job could not be killed.")
            os.close(self._init_fd)
            self._init_fd = -1
        if self._bwrap is not None:
            self._bwrap.wait(GONE_SECONDS)
            for stream in (self._bwrap.stdin, self._bwrap.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        if self._cgroup is not None:
            self._cgroup.kill()
            if not self._cgroup.remove():
                raise SandboxError("The job's control group could not be removed.")
            self._cgroup = None

    def wipe(self) -> None:
        disk.wipe(self.folder)


def _shell_code(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned
