"""An agent in a process of its own, started, stopped and killed by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def within(seconds: float, claim: Callable[[], object]) -> bool:
    """Whether it comes true in that time; looked at again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if claim():
            return True
        time.sleep(0.05)
    return False


class AgentProcess:
    """`user` and `python`: to run it as somebody else, who may not reach the test's own interpreter."""

    def __init__(self, state: Path, *, user: int | None = None, python: str = sys.executable) -> None:
        self._state, self._user, self._python = state, user, python
        self.start()

    def start(self) -> None:
        packages = [str(PACKAGE), *(path for path in sys.path if path.endswith("site-packages"))]
        with (self._state / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._python, "-m", "equinode_agent", "run", "--state", str(self._state)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(packages), "PYTHONDONTWRITEBYTECODE": "1"},
                stderr=log,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                cwd="/",
            )

    def wait_until_it_serves(self, seconds: float = 30.0) -> None:
        """So that what a test counts in seconds is not spent on starting Python on a busy machine."""
        until = time.monotonic() + seconds
        while "Serving" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut does to a process: nothing is said, nothing is tidied."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    @property
    def said(self) -> str:
        return (self._state / "agent.log").read_text()
