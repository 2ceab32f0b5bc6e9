"""bin/run as somebody meets it: from nothing, started twice, killed, started again, stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bin.supervisor.place import MARK
from tests.live import BASE_DIR, eventually, free_port

pytestmark = pytest.mark.matrix
PATIENCE = 180.0


class Run:
    """One `bin/run` and what it printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.said = Path(tempfile.mkstemp(dir=folder)[1])
        # Neither the database of these tests nor their settings: what a person's shell would have.
        environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                ["bin/run", *arguments], cwd=BASE_DIR, env=environment | {"VAR_DIR": str(folder)},
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def until(self, words: str) -> None:
        def told() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return words in self.said.read_text()

        eventually(told, f"bin/run says {words!r}", PATIENCE)


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="equinode-run-"))
    folder.chmod(0o755)  # the embedded servers run as nobody where we are root
    yield folder
    for pid in _left(folder):
        os.kill(pid, signal.SIGKILL)
    stop = {"VAR_DIR": str(folder), "PATH": os.environ["PATH"]}
    subprocess.run([".venv/bin/python", "bin/servers", "stop"], cwd=BASE_DIR, env=stop, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> list[int]:
    """Everything that runs for this folder, the database and the broker included."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = f"{MARK}={folder}".encode() in (entry / "environ").read_bytes()
            is_ours = is_ours or str(folder).encode() in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if is_ours:
            found.append(int(entry.name))
    return found


def test_it_survives_a_second_start_and_being_killed_and_stops_all_it_started(folder: Path) -> None:
    port = free_port()
    first = Run(folder, f"--port={port}")
    first.until("Ctrl-C stops everything")
    with urllib.request.urlopen(f"http://localhost:{port}/prices/") as page:
        assert b"EUR" in page.read()

    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(folder)}
    second = subprocess.run(
        ["bin/run"], cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )
    assert f"runs already at http://localhost:{port}" in second.stdout.replace(
        "is running already", "runs already"
    )

    os.kill(json.loads((folder / "run.json").read_text())["pid"], signal.SIGKILL)
    first.process.wait(10)
    again = Run(folder)  # at the address it had
    again.until("Ctrl-C stops everything")
    assert f"http://localhost:{port}" in again.said.read_text()

    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(PATIENCE) == 0
    eventually(lambda: not _left(folder), "nothing is left")
