"""What the end of a test run tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.live import BASE_DIR

TESTS = """
import pytest

def test_fine(): pass

def test_broken(): assert 1 + 1 == 3

@pytest.fixture
def missing(): raise RuntimeError("no such thing")

def test_without(missing): pass

@pytest.mark.parametrize("n", [1, 2])
def test_left_out(n): pytest.skip("nginx is not installed")
"""


def test_every_failure_is_named_and_every_reason_for_skipping_counted(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    alone = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "--junitxml=results/one.xml", "test_some.py"],
        cwd=tmp_path, env=alone, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1, run.stdout + run.stderr
    done = subprocess.run(
        [sys.executable, "bin/summary", str(tmp_path / "results")],
        cwd=BASE_DIR, check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert told[0] == "Skipped 2: nginx is not installed"
    assert told[1].startswith("Failed test_some.py::test_broken: ")
    assert "1 + 1" in told[1] or "2 == 3" in told[1]
    assert told[2] == 'Failed test_some.py::test_without: failed on setup with "RuntimeError: no such thing"'
    assert told[3] == "1 passed, 2 failed, 2 skipped"
