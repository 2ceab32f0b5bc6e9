"""The agent under test, in a process of its own, against a site in a thread."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
sys.path.insert(0, str(PACKAGE))  # the agent is no part of the site's environment

from agent_process import AgentProcess  # noqa: E402
from equinode_agent import cli  # noqa: E402
from fake_site import GOOD_TOKEN, FakeSite  # noqa: E402

NEED_A_SANDBOX = {"agent", "ordinary", "scratch"}


def _why_no_sandbox() -> str:
    """Empty where a job can be confined: asks the kernel by bubblewrap alone, not by the agent's code."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed: no job was run"
    probe = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no job was run: {done.stderr.strip()[:200]}" if done.returncode else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if reason := _why_no_sandbox():
        for item in items:
            if NEED_A_SANDBOX & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def site() -> Iterator[FakeSite]:
    site = FakeSite()
    yield site
    site.close()
    # Whatever an agent said was as docs/schemas/agent has it.
    assert [detail for code, detail in site.refusals if code == "schema"] == []


@pytest.fixture
def state(tmp_path: Path, site: FakeSite) -> Path:
    """The state folder of an enrolled agent."""
    state = tmp_path / "state"
    assert cli.main(["enrol", "--site", site.url, "--token", GOOD_TOKEN, "--state", str(state)]) == 0
    return state


@pytest.fixture
def scratch() -> None:
    """Marks a test that runs a sandbox without an agent."""


@pytest.fixture
def agent(state: Path) -> Iterator[AgentProcess]:
    agent = AgentProcess(state)
    agent.wait_until_it_serves()
    yield agent
    agent.stop()
    sys.stderr.write(agent.said)  # shown where the test failed
