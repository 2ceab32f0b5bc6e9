"""One program that should always run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from bin.supervisor.place import BASE_DIR, LOG_DIR, say

STEADY = 60.0  # seconds after which a process counts as well again
LONGEST_PAUSE = 30.0
LARGEST_LOG = 10 * 1024 * 1024


@dataclass
class Service:
    """A program that should always run."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.5
    due: float = field(default=0.0)

    @property
    def log(self) -> Path:
        return LOG_DIR / f"{self.name}.log"

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            # A session of its own: the terminal's Ctrl-C reaches us alone, and we stop in order.
            self.process = subprocess.Popen(
                self.command, cwd=BASE_DIR, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.started = time.monotonic()

    def keep_running(self) -> None:
        """Start it again when it has ended, each time after a longer pause."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._end_group()
            if now - self.started > STEADY:
                self.pause = 0.5
            self.due = now + self.pause
            say(f"{self.name} ended ({self.process.returncode}); again in {self.pause:g} s. Log: {self.log}")
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
            self.process = None
        if self.process is None and now >= self.due:
            self.start()

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        """End what the program started and may have left behind."""
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                os.killpg(self.process.pid, signal.SIGKILL)
