"""Kills a container whose agent is gone: waits for the end of its input, then strikes.

Run as a program of its own (`python -I -S guard.py DESCRIPTOR`) that the job can neither see nor signal.
Uses the standard library only, and imports nothing of the agent.
"""

from __future__ import annotations

import contextlib
import signal
import sys


def main(descriptor: int) -> None:
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
