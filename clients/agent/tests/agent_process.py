"""An agent in a process of its own, started, stopped and killed by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


class AgentProcess:
    def __init__(self, state: Path) -> None:
        self._state = state
        self.start()

    def start(self) -> None:
        with (self._state / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "equinode_agent", "run", "--state", str(self._state)],
                env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                stderr=log,
            )

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
