"""How late jobs start: `python clients/agent/tests/measure_start.py [--busy]`. A measurement, not a test."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from agent_process import AgentProcess  # noqa: E402
from equinode_agent import cli  # noqa: E402
from fake_site import GOOD_TOKEN, FakeSite  # noqa: E402

STARTS = 40


def main() -> None:
    site = FakeSite()
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(4 if "--busy" in sys.argv else 0)
    ]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        state = Path(folder, "state")
        cli.main(["enrol", "--site", site.url, "--token", GOOD_TOKEN, "--state", str(state)])
        agent = AgentProcess(state)
        try:
            leases = _start_many(site)
        finally:
            agent.stop()
            for process in busy:
                process.kill()
                process.wait()
    site.close()
    _tell("start_delay_ms", [dict(lease["reports"])["started"]["start_delay_ms"] for lease in leases])
    # As the site sees it: from the moment it offered to when the job is said to have begun.
    _tell("seen from the site, ms", [(lease["started_at"] - lease["moment"]) * 1000 for lease in leases])


def _start_many(site: FakeSite) -> list[dict[str, Any]]:
    leases = []
    for number in range(STARTS):
        devices = [{"index": number, "kind": "host", "model": "test"}]
        leases.append(site.offer(site.payload("true", starts_in=8.0, devices=devices)))
        time.sleep(0.4)
    ended = [site.wait_for(lease, "ended", 60) for lease in leases]
    for lease in ended:
        if len(lease["reports"]) < 3:
            sys.stdout.write(f"never started: {lease['reports'][-1]}\n")
    return [lease for lease in ended if len(lease["reports"]) == 3]


def _tell(name: str, values: list[float]) -> None:
    ordered = sorted(values)
    sys.stdout.write(
        f"{name}: median {statistics.median(ordered):.1f}, 90 % {ordered[int(0.9 * len(ordered))]:.1f}, "
        f"worst {ordered[-1]:.1f} of {len(ordered)} starts\n"
    )


if __name__ == "__main__":
    main()
