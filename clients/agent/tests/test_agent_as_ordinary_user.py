"""The same sandbox without root and without control groups: limits by sampling and rlimits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_process import PACKAGE, AgentProcess
from equinode_agent import cli
from fake_site import GOOD_TOKEN, MIB, FakeSite

NOBODY = 65534
PYTHON = "exec /usr/bin/python3 -c '{}'"


def _others_python() -> str | None:
    """An interpreter another user may execute and that can import what the agent needs."""
    paths = [str(PACKAGE), *(path for path in sys.path if path.endswith("site-packages"))]
    for program in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [program, "-c", "import equinode_agent.cli"],
                env={"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return program
    return None


@pytest.fixture
def ordinary(site: FakeSite) -> Iterator[AgentProcess]:
    """An agent that runs as nobody where the tests run as root, as the tests' user elsewhere."""
    if os.geteuid() != 0:
        user, python = None, sys.executable
    else:
        found = _others_python()
        if found is None:
            pytest.skip("no Python here that another user may run and that has cryptography")
        user, python = NOBODY, found
    folder = Path(tempfile.mkdtemp(prefix="equinode-ordinary-", dir="/var/tmp"))
    state = folder / "state"
    assert cli.main(["enrol", "--site", site.url, "--token", GOOD_TOKEN, "--state", str(state)]) == 0
    if user is not None:
        for path in [folder, state, *state.iterdir()]:
            os.chown(path, user, user)
    agent = AgentProcess(state, user=user, python=python)
    yield agent
    agent.stop()
    sys.stderr.write(agent.said)
    shutil.rmtree(folder)


def test_a_job_runs_and_its_files_come_back(site: FakeSite, ordinary: AgentProcess) -> None:
    script = "id -u; echo 1 > a.txt; mkdir shut; echo 2 > shut/b.txt; chmod 000 shut"
    lease = site.offer(site.payload(script, specification={"bring_back": ["*.txt"]}, starts_in=1.0))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"], site.log(lease)) == ("finished", 0, "1000\n")
    assert site.leases[lease]["files"] == {"a.txt": b"1\n"}


def test_a_closed_folder_does_not_hide_from_the_disk_limit(site: FakeSite, ordinary: AgentProcess) -> None:
    hide = (
        'import os, time\nos.mkdir("shut")\nf = [open("shut/%d" % i, "wb") for i in range(100)]\n'
        'os.chmod("shut", 0)\nfor g in f:\n  g.write(bytes(4000000)); g.flush(); time.sleep(0.05)'
    )
    lease = site.offer(site.payload(PYTHON.format(hide), limits={"disk_bytes": 32 * MIB}))
    assert site.ended(lease)["reason"] == "disk"


def test_taking_too_much_memory_ends_the_job(site: FakeSite, ordinary: AgentProcess) -> None:
    hog = "import time\nkept = []\nwhile True:\n  kept.append(bytearray(4000000)); time.sleep(0.01)"
    lease = site.offer(site.payload(PYTHON.format(hog), limits={"memory_bytes": 128 * MIB}))
    ended = site.ended(lease)
    assert ended["reason"] == "memory"
    assert 100 * MIB < ended["peak_memory_bytes"] < 300 * MIB


def test_shared_pages_are_not_counted_once_for_each_worker(site: FakeSite, ordinary: AgentProcess) -> None:
    workers = (
        "import os, time\nkept = bytes(60000000)\n"
        "for _ in range(5):\n  if os.fork() == 0: time.sleep(1.5); os._exit(0)\n"
        'for _ in range(5): os.wait()\nprint("all five")'
    )
    lease = site.offer(site.payload(PYTHON.format(workers), limits={"memory_bytes": 128 * MIB}))
    assert site.ended(lease)["reason"] == "finished"
    assert site.log(lease) == "all five\n"


def test_a_fork_bomb_stays_small(site: FakeSite, ordinary: AgentProcess) -> None:
    bomb = (
        "import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\n    n += 1\n"
        'except OSError: print("forks:", n, flush=True)'
    )
    lease = site.offer(site.payload(PYTHON.format(bomb), limits={"processes": 40}))
    assert site.ended(lease)["reason"] == "finished"
    # The kernel counts all tasks of the agent's user: those of its own that were there when the limit was set
    # and have ended since (a look at the machine, a call of the site) leave their places to the job.
    own = 20
    assert 20 < int(site.log(lease).split(":")[1]) <= 42 + own


def test_cpu_seconds_are_counted(site: FakeSite, ordinary: AgentProcess) -> None:
    burn = "import time\nt = time.process_time()\nwhile time.process_time() - t < 1: pass"
    lease = site.offer(site.payload(PYTHON.format(burn)))
    assert 0.7 < site.ended(lease)["cpu_seconds"] < 1.5


def test_it_dies_with_its_agent(site: FakeSite, ordinary: AgentProcess) -> None:
    lease = site.offer(site.payload("sleep 60"))
    site.wait_for(lease, "running")
    ordinary.kill()
    ordinary.start()
    assert site.ended(lease)["reason"] == "lost"
