"""bin/servers as CI meets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import BASE_DIR


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A broker of one's own; PostgreSQL is left alone, since an address is named."""
    folder = Path(tempfile.mkdtemp(prefix="equinode-servers-"))
    folder.chmod(0o755)  # the embedded servers run as nobody where we are root
    named = {"VAR_DIR": str(folder), "DATABASE_URL": "postgresql://nobody@localhost/none"}
    yield {"PATH": os.environ["PATH"], **named}
    servers("stop", named)
    shutil.rmtree(folder)


def servers(verb: str, environment: dict[str, str], stdin: str = "") -> str:
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" bin/servers {verb} {stdin}', sys.executable],
        cwd=BASE_DIR, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_broker_starts_without_a_standard_input(environment: dict[str, str]) -> None:
    servers("start", environment, stdin="<&-")
    assert "Valkey answers" in servers("status", environment)
