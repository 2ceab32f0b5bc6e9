"""A whole site of one's own for a test: real processes, a fresh database, a broker of its own.

Every process is started here and killed by its own id. Nothing is shared with a site that somebody
runs from the same checkout but the PostgreSQL server, where it has its own database.

A run of all tests needs half a dozen such sites. Where TEST_ORIGINALS names a folder, each kind, bare or
with the example world, is made there once, by whoever needs it first, and the others are copies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from config import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
PATIENCE = 60.0  # seconds: enough for a start on a busy machine with two cores
T = TypeVar("T")


def free_port() -> int:
    """A port that stays free until it is used, and while what listens there is dead for a while.

    Not one of those that the system itself gives to whoever calls somebody: another test's browser
    might hold it by then, or an agent that calls a dead site come to speak with itself.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(claim: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Wait until `claim` returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
    return found


@cache
def why_no_sandbox() -> str:
    """Empty where a job can be confined: asks the kernel by bubblewrap alone, not by the agent's code."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed: no job was run"
    probe = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no job was run: {done.stderr.strip()[:200]}" if done.returncode else ""


class LiveSite:
    """`start()` what a test needs, `kill()` what it wants dead, `stop()` everything at the end."""

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.directory = directory or Path(tempfile.mkdtemp(prefix="equinode-live-"))
        self.directory.chmod(0o755)  # the embedded servers run as nobody where we are root
        self.database = f"live_{name}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._server = settings.DATABASES["default"]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # Nobody's settings leak in: only what is named here and where programs are found.
        self.environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": str(self.directory),
            "DATABASE_URL": self.url_of(self.database),
            "DATABASE_POOL_SIZE": "6",
            "SITE_ORIGIN": self.url,
            "LEDGER_ORIGIN": "localhost/equinode-test",  # checkpoints of one log carry one name: copies', too
            "EXAMPLE_WORLD": "True",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def redis_url(self) -> str:
        """The broker of this site alone."""
        return embedded.redis_url(self.directory)

    @staticmethod
    def url_of(database: str) -> str:
        """The address of a database on the server that the tests use."""
        server = settings.DATABASES["default"]
        user, password = quote(str(server["USER"])), quote(str(server["PASSWORD"]), safe="")
        host, port = quote(str(server["HOST"]), safe=""), server["PORT"] or 5432
        return f"postgresql://{user}:{password}@{host}:{port}/{database}"

    def _connect(self) -> psycopg.Connection:
        server = self._server
        return psycopg.connect(
            host=str(server["HOST"]), port=server["PORT"] or 5432, user=server["USER"],
            password=str(server["PASSWORD"]), dbname="postgres", autocommit=True,
        )  # fmt: skip

    def _has_database(self) -> bool:
        with self._connect() as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [self.database])
            return found.rowcount == 1

    def _drop_database(self) -> None:
        with self._connect() as connection:
            name = sql.Identifier(self.database)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _make_database(self, template: str) -> None:
        self._drop_database()
        with self._connect() as connection:
            names = map(sql.Identifier, (self.database, template))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))

    # --- one life -------------------------------------------------------------
    def prepare(self, *, seed: bool = True, reuse: bool = False) -> None:
        """Keys, broker, a migrated and seeded database, static files; no process of ours yet.

        With `reuse`, a database that `stop(keep=True)` left is migrated and taken as it is.
        """
        originals = os.environ.get("TEST_ORIGINALS")
        if reuse and self._has_database():
            self._upgrade()
        elif originals:
            self._copy(original(Path(originals), seed=seed))
            self.start_broker()
        else:
            self._make_database(os.environ.get("TEST_TEMPLATE") or "template1")
            self._upgrade()
            if seed:
                self.manage("seed_demo")

    def _upgrade(self) -> None:
        self._run(sys.executable, "bin/keys")
        self.start_broker()
        self._run(sys.executable, "-m", "bin.supervisor.upgrade")

    def _copy(self, other: LiveSite) -> None:
        """Its database, which nobody may be connected to, keys and files; not what its programs wrote."""
        self._make_database(other.database)
        left_out = shutil.ignore_patterns("valkey", "*.log")
        shutil.copytree(other.directory, self.directory, ignore=left_out, dirs_exist_ok=True)

    def make_original(self, originals: Path, *, seed: bool) -> None:
        """What others are copied from. The example world is built on a copy of the bare site."""
        if seed:
            self._copy(original(originals, seed=False))
            self.start_broker()
            self.manage("seed_demo")
        else:
            self._make_database(os.environ.get("TEST_TEMPLATE") or "template1")
            self._upgrade()
        self._stop_broker()

    def _stop_broker(self) -> None:
        self._run(sys.executable, "bin/servers", "stop", check=False)

    def stop(self, *, keep: bool = False) -> None:
        for process in self._processes.values():
            process.terminate()  # all of them, before any is waited for
        for name in list(self._processes):
            self.terminate(name)
        self._stop_broker()
        if not keep:
            self._drop_database()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- commands ---------------------------------------------------------------
    def _run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, cwd=BASE_DIR, env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}\n{done.stderr}")
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self._run(sys.executable, "manage.py", *arguments)

    # --- broker -------------------------------------------------------------------
    def start_broker(self) -> None:
        """bin/servers leaves PostgreSQL alone, since DATABASE_URL names it, and starts a Valkey."""
        self._run(sys.executable, "bin/servers", "start")

    def kill_broker(self) -> None:
        os.kill(int((self.directory / "valkey" / "pid").read_text()), signal.SIGKILL)

    # --- processes ----------------------------------------------------------------
    def commands(self) -> dict[str, list[str]]:
        celery = [str(SCRIPTS / "celery"), "-A", "config"]
        worker = [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
        return {
            "web": [
                str(SCRIPTS / "uvicorn"), "config.asgi:application", "--host=127.0.0.1",
                f"--port={urlsplit(self.url).port}", "--lifespan=off", "--timeout-graceful-shutdown=3",
            ],
            "worker": [*worker, "--queues=tick,default", "--concurrency=1", "--hostname=live@%h"],
            "beat": [*celery, "beat", f"--schedule={self.directory}/beat", "--pidfile="],
        }  # fmt: skip

    def start(self, *names: str) -> None:
        for name in names:
            self.spawn(name, self.commands()[name])
        if "web" in names:
            self.wait_for_web()

    def spawn(self, name: str, command: list[str], **extra: str) -> None:
        """Start a program that `stop()` will end; it writes to `<name>.log`."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=BASE_DIR, env=self.environment | extra, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def start_agent(self, node: str = "workbench") -> None:
        """Enrol a real agent to this node, the first time, and run it as the process `agent-<node>`."""
        if reason := why_no_sandbox():
            pytest.skip(reason)
        name = f"agent-{node}"
        program, state = str(SCRIPTS / "equinode-agent"), str(self.directory / name)
        if not (self.directory / name).exists():
            token = self.manage("enrolment_token", node).strip()
            self._run(program, "enrol", "--state", state, "--site", self.url, "--token", token)
        self.spawn(name, [program, "run", "--state", state])

    def wait_for_web(self) -> None:
        def answers() -> bool:
            if self._processes["web"].poll() is not None:
                raise AssertionError(f"web ended: {self.log('web')}")
            try:
                urllib.request.urlopen(self.url, timeout=10).close()
            except urllib.error.HTTPError as error:
                error.close()  # an answer is an answer
            except OSError:
                return False
            return True

        eventually(answers, "the web server answers")

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """As a power cut would: the process and everything it started, without a word."""
        process = self._processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def terminate(self, name: str) -> None:
        process = self._processes[name]
        process.terminate()
        try:
            process.wait(15)
            self._processes.pop(name)
        except subprocess.TimeoutExpired:
            self.kill(name)

    def log(self, name: str) -> str:
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def original(originals: Path, *, seed: bool) -> LiveSite:
    """The site in this folder that others are copied from; whoever asks while it is made waits."""
    name = "example" if seed else "bare"
    folder, made = originals / name, originals / f"{name}.made"
    folder.mkdir(parents=True, exist_ok=True)
    site = LiveSite(f"original_{sha256(bytes(originals)).hexdigest()[:8]}_{name}", folder)
    with (originals / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            site.make_original(originals, seed=seed)
            made.touch()
    return site


if __name__ == "__main__":  # ahead of those that will ask for it, while they have something else to wait for
    original(Path(os.environ["TEST_ORIGINALS"]), seed=True)
