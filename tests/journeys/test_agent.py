"""The real agent against the real site: no browser, the lease is given by the service itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from equinode_agent.identity import scratch_folder
from psycopg.types.range import TimestamptzRange

from common import clock
from nodes.models import Agent, Device, Lease, LeasedHold, Node
from nodes.selectors import is_recent
from nodes.services import checking, leases, occupancy
from tests.factories import make_node
from tests.live import LiveSite, eventually

MIB = 1 << 20


@pytest.fixture
def bench(site: LiveSite, rows: None) -> Iterator[Node]:
    """A node of one host device, served by a real agent."""
    # One node for all of these tests: the state folder of the live site's agent is enrolled once.
    node = Node.objects.filter(slug="bench").first()
    if node is None:
        node = make_node(slug="bench", devices=0)
        Device.objects.create(
            node=node, index=0, kind="host", model="Bench", memory_bytes=4096 * MIB, model_key="bench-4"
        )
    site.start_agent(node.slug)
    yield node
    site.terminate(f"agent-{node.slug}")


def _lease(node: Node, script: str, *, starts_in: float = 0.0, lasts: float = 300.0, **job: Any) -> Lease:
    now = clock.now()
    starts, ends = now + timedelta(seconds=starts_in), now + timedelta(seconds=lasts)
    device = node.devices.get()
    for hold in device.holds.all():  # what an earlier test left
        occupancy.release_holds(reference=hold.reference, at=now)
    reference = f"run-{time.time_ns()}"
    wanted = [occupancy.WantedHold(device.pk, None, None)]
    held = occupancy.hold_devices(
        wanted=wanted, during=TimestamptzRange(starts, ends), reference=reference, kind="reservation", at=now
    )
    specification = {
        "script": script, "environment": {}, "bring_back": [], "network": "none", "on_disconnect": "keep",
        "retry": "never", "runner": "bubblewrap",
        "limits": {
            "memory_bytes": 512 * MIB, "processes": 64, "disk_bytes": 64 * MIB, "log_bytes": MIB,
            "file_bytes": MIB, "wall_seconds": None,
        },
    } | job  # fmt: skip
    return leases.create_lease(
        node_id=node.pk, reference=reference, holds=[(device.pk, hold.uid) for hold in held],
        not_before=starts, ends_at=ends, specification=specification, at=now,
    )  # fmt: skip


def _ended(lease: Lease) -> Lease:
    def over() -> Lease | None:
        connection.close()
        found = Lease.objects.get(pk=lease.pk)
        return found if found.state in ("ended", "lost") else None

    found = eventually(over, "the lease is over")
    assert found is not None
    return found


def test_a_lease_runs_on_a_real_node_at_its_moment(site: LiveSite, bench: Node) -> None:
    script = "echo héllo; mkdir out; echo 42 > 'out/the answer (1).txt'; exit 5"
    lease = _ended(_lease(bench, script, starts_in=12.0, bring_back=["out/*"]))
    assert (lease.state, lease.end_reason, lease.exit_code) == ("ended", "finished", 5)
    # Ready before, and begun no sooner. How many milliseconds later, bench measures (bench/starts.py).
    assert lease.staged_at is not None
    assert lease.started_at is not None
    assert lease.staged_at < lease.not_before < lease.started_at + timedelta(milliseconds=10)
    assert lease.start_delay_ms is not None
    assert lease.start_delay_ms >= 0
    assert "".join(chunk.text for chunk in lease.log.all()) == "héllo\n"
    assert [(file.name, file.size) for file in lease.files.all()] == [("out/the answer (1).txt", 3)]
    assert not LeasedHold.objects.filter(lease=lease, is_live=True).exists()


def test_a_stop_reaches_the_job(site: LiveSite, bench: Node) -> None:
    lease = _lease(bench, "echo on; sleep 1000", lasts=1200)
    eventually(lambda: Lease.objects.get(pk=lease.pk).started_at, "the job runs")
    leases.request_stop(reference=lease.reference, at=clock.now())
    assert _ended(lease).end_reason == "stopped"


def test_a_killed_agent_loses_its_job_and_says_so_once_it_is_back(site: LiveSite, bench: Node) -> None:
    lease = _lease(bench, "sleep 1000", lasts=1200)
    eventually(lambda: Lease.objects.get(pk=lease.pk).started_at, "the job runs")
    site.kill(f"agent-{bench.slug}")
    site.start_agent(bench.slug)
    assert _ended(lease).end_reason == "agent_lost"


def test_a_job_outlives_the_site(site: LiveSite, bench: Node) -> None:
    lease = _lease(bench, "touch waits; until [ -e go ]; do sleep 0.1; done; echo through")
    eventually(lambda: Lease.objects.get(pk=lease.pk).started_at, "the job runs")
    site.kill("web")
    # Only now may it end, and only once the agent has written that down is there a site to tell.
    state = site.directory / f"agent-{bench.slug}"
    eventually(lambda: [*scratch_folder(state).rglob("waits")], "the job waits")[0].with_name("go").touch()
    record = state / "leases" / str(lease.uid) / "record.json"
    eventually(lambda: json.loads(record.read_text())["state"] == "ended", "the agent wrote down the end")
    back_at = clock.now()
    site.start("web")
    over = _ended(lease)
    assert over.end_reason == "finished"
    assert over.started_at is not None
    assert over.ended_at is not None
    # When it ended, not when that could be told.
    assert over.started_at < over.ended_at < back_at
    assert "".join(chunk.text for chunk in over.log.all()) == "through\n"


def test_a_node_is_checked_by_a_job_in_its_sandbox(bench: Node, site: LiveSite, settings: Any) -> None:
    settings.MEDIA_ROOT = site.directory / "media"  # where the site puts what jobs bring back
    for hold in bench.devices.get().holds.all():  # what an earlier test left
        occupancy.release_holds(reference=hold.reference, at=clock.now())
    seen = Agent.objects.filter(node=bench, revoked_at=None)
    eventually(lambda: is_recent(seen.get().last_seen_at, clock.now()), "the agent answers")
    check = checking.ask(node=bench, purpose="conformance", by=None, at=clock.now())

    def is_over() -> bool:
        checking.carry_forward(at=clock.now())
        check.refresh_from_db()
        return check.finished_at is not None

    eventually(is_over, "the check is over")
    assert [one for one in check.requirements if not one["is_met"]] == []
    assert check.state == "passed"
    assert check.figures["matrix_gflops"] > 0
    assert check.figures["disk_mbps"] > 0
    assert not Lease.objects.live().filter(reference=check.reference).exists()
