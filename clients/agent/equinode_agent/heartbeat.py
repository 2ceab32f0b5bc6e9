"""Says "alive" from a process of its own, so that a job that starves the machine does not silence the node.

The agent writes its leases to this process as lines of JSON, and reads the site's answers from it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinode_agent
from equinode_agent import clock, identity
from equinode_agent.errors import Refused, SiteAway
from equinode_agent.load import Load

# Ask the kernel to run this process before, and to kill it after, nearly everything else.
NICE = -10
OOM_SCORE = -900
# After an unanswered beat the next one comes sooner than usual, but not at once.
RETRY_SECONDS = 3.0
# It speaks after every beat, answered or not: silence for so long means that it hangs.
SILENCE_SECONDS = 90.0
# A beat must not block the next one.
ANSWER_SECONDS = 8.0

log = logging.getLogger(__name__)


def protect(nice: int, oom_score: int) -> None:
    """As far as this user may: an ordinary one may not, and the agent works all the same."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(oom_score))


# --- in the process of its own ------------------------------------------------
class _Beats:
    def __init__(self, state: Path) -> None:
        self._identity = identity.load(state)
        self._client = identity.client(state)
        self._leases: list[dict[str, Any]] = []
        self._load = Load(state)
        self._told_at = clock.now()
        self._unread = b""

    def run(self) -> None:
        due = clock.now()
        while True:
            wait = max(0.0, due - clock.now())
            if select.select([0], [], [], wait)[0] and not self._listen():
                return  # the agent is gone: so is its job, and nothing here is alive to speak of
            if clock.now() >= due:
                due = clock.now() + (self._identity.heartbeat_every if self._beat() else RETRY_SECONDS)

    def _listen(self) -> bool:
        piece = os.read(0, 1 << 16)
        *lines, self._unread = (self._unread + piece).split(b"\n")
        for line in lines:
            self._leases = json.loads(line)["leases"]
            self._told_at = clock.now()
        return bool(piece)

    def _beat(self) -> bool:
        load = self._load.told() | {"agent_silent_seconds": round(clock.now() - self._told_at, 1)}
        if self._client.clock_offset is not None:
            load["clock_offset_s"] = self._client.clock_offset
        body = {"leases": self._leases, "version": equinode_agent.__version__, "load": load}
        try:
            answer = self._client.post("heartbeat", body, timeout=ANSWER_SECONDS)
        except SiteAway as exc:
            _say({"error": str(exc), "code": ""})
            return False
        except Refused as exc:
            _say({"error": str(exc), "code": exc.code})
            return False
        self._client.heard(str(answer.get("server_time", "")))
        _say({"answer": answer, "received": clock.now()})
        return True


def _say(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def main() -> None:
    protect(NICE, OOM_SCORE)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        _Beats(Path(sys.argv[1])).run()


# --- in the agent ---------------------------------------------------------------
class Heartbeat:
    """Keeps the process going and hands its answers to `on_answer(leases, received)`."""

    def __init__(
        self,
        state: Path,
        *,
        on_answer: Callable[[list[dict[str, Any]], float], None],
        on_refusal: Callable[[str, str], None],
    ) -> None:
        self._state = state
        self._on_answer, self._on_refusal = on_answer, on_refusal
        self._lock = threading.Lock()
        self._leases: list[dict[str, Any]] = []
        self._stopping = threading.Event()
        self._heard_at = clock.now()
        self._process = self._start()
        self._thread = threading.Thread(target=self._read, name="heartbeat", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> subprocess.Popen[str]:
        package = str(Path(equinode_agent.__file__).parent.parent)
        path = os.pathsep.join(part for part in (package, os.getenv("PYTHONPATH", "")) if part)
        return subprocess.Popen(
            [sys.executable, "-m", "equinode_agent.heartbeat", str(self._state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the agent, which then closes this one
        )

    def tell(self, leases: list[dict[str, Any]]) -> None:
        """Called on every change and every few seconds, so that silence means that the agent hangs."""
        with self._lock:
            self._leases = leases
            stdin = self._process.stdin
            assert stdin is not None
            with contextlib.suppress(OSError, ValueError):
                stdin.write(json.dumps({"leases": leases}) + "\n")
                stdin.flush()

    def look_after(self) -> None:
        """End a process that says nothing any more: another one is started in its place."""
        if clock.now() - self._heard_at > SILENCE_SECONDS:
            log.error("The heartbeat process says nothing; ending it.")
            self._process.kill()

    def _read(self) -> None:
        while True:
            stdout = self._process.stdout
            assert stdout is not None
            for line in stdout:
                self._heard_at = clock.now()
                try:
                    self._hear(json.loads(line))
                except Exception:
                    log.exception("An answer to a heartbeat could not be acted on")
            code = self._process.wait()
            self._close_pipes()
            if self._stopping.wait(1.0):
                return
            log.warning("The heartbeat process ended with %s; starting another.", code)
            with self._lock:
                self._heard_at = clock.now()
                self._process = self._start()
            self.tell(self._leases)

    def _hear(self, said: dict[str, Any]) -> None:
        if "answer" in said:
            self._on_answer(said["answer"].get("leases", []), float(said["received"]))
        elif said["code"]:
            self._on_refusal(said["code"], said["error"])
        else:
            log.info("Heartbeat: %s", said["error"])

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._thread.join(5)

    def _close_pipes(self) -> None:
        with self._lock:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


if __name__ == "__main__":
    main()
