"""What bin/run says, where it keeps things and what it found there on starting."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

from config import embedded

BASE_DIR = embedded.BASE_DIR
VAR_DIR = embedded.VAR_DIR
LOG_DIR = VAR_DIR / "log"
STATE = VAR_DIR / "run.json"  # locked while we live: who runs, and where
MARK = "EQUINODE_RUN"  # in the environment of all we start, so that leftovers can be told


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str, log: Path | None = None) -> NoReturn:
    """Say what went wrong, with the end of its log, and end."""
    tail = log.read_text(errors="replace").splitlines()[-15:] if log and log.exists() else []
    raise SystemExit("\n".join([text, *tail]))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(asked: int | None, last: int | None) -> int:
    """The one asked for, or the last one (people keep addresses), or the first free from 8000."""
    if asked is not None:
        if not is_free(asked):
            fail(f"Port {asked} is taken.")
        return asked
    candidates: list[int] = [*([last] if last else []), *range(8000, 8100)]
    for port in candidates:
        if is_free(port):
            return port
    fail("All ports from 8000 to 8099 are taken. Name a free one: bin/run --port N")


def leftovers() -> Iterator[int]:
    """Processes of an earlier bin/run of this checkout that was killed before it could stop them."""
    wanted = f"{MARK}={VAR_DIR}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is somebody else's
            if int(entry.name) != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def end_leftovers() -> None:
    found = list(leftovers())
    if found:
        say(f"Ending {len(found)} processes that an earlier start left behind ...")
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + 8
        while (found := list(leftovers())) and time.monotonic() < deadline:
            time.sleep(0.1)


def take_lock() -> IO[str] | None:
    """The lock is the kernel's: it is gone with the process, however that ended."""
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    file = STATE.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def last_state() -> dict[str, int | str]:
    try:
        state: dict[str, int | str] = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {}
    return state


def write_state(file: IO[str], **state: int | str) -> None:
    file.seek(0)
    file.truncate()
    json.dump(state, file)
    file.flush()
