"""What an agent that was killed may have left: made sure to be gone before anything new starts."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import Any

from equinode_agent import clock
from equinode_agent.sandbox import processes

GONE_SECONDS = 20.0


def finish_off(first: dict[str, Any]) -> None:
    """Make sure that the sandbox of an agent that was killed is gone. Its folder stays for what it left."""
    pid, started = int(first["pid"]), first["started"]
    if first["boot_id"] == clock.boot_id() and started is not None:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                # The number may have been given to another process since.
                if processes.started_ticks(pid) == started:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                    select.select([descriptor], [], [], GONE_SECONDS)
            finally:
                os.close(descriptor)
