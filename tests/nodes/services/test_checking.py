"""A check from the question to the public figure, with a lease that an agent really would get."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from common.ranges import between
from ledger.models import Entry
from nodes import selectors
from nodes.domain import conformance
from nodes.errors import CheckRefused
from nodes.models import Agent, Hold, Lease, LogChunk, Node, NodeCheck, OutputFile
from nodes.services import checking, comparing, leases, occupancy, standing
from nodes.services.checking import asking, carrying
from tests import factories, races
from tests.nodes.inventories import GIB, of_node

AT = datetime(2026, 11, 23, 8, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db

SEEN = {
    "uid": 1000, "processes": 3, "interfaces": [], "reaches_metadata": False, "readable": [], "writable": [],
    "gpu_files": ["nvidia0", "nvidia1"],
}  # fmt: skip


def new_agent(node: Node | None = None) -> Agent:
    node = node or factories.make_node()
    agent = Agent.objects.create(
        node=node, public_key=f"key of {node.pk}", version="0.1", enrolled_at=AT, last_seen_at=AT
    )
    comparing.take_inventory(agent=agent, inventory=of_node(node), at=AT)
    return agent


def ask(agent: Agent, purpose: str = "conformance", *, at: datetime = AT) -> NodeCheck:
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=at)
    return checking.ask(node=agent.node, purpose=purpose, by=None, at=at)


def handed_over(agent: Agent, purpose: str = "conformance", *, at: datetime = AT) -> tuple[NodeCheck, Lease]:
    check = ask(agent, purpose, at=at)
    checking.carry_forward(at=at)
    checking.carry_forward(at=at)
    return check, Lease.objects.get(reference=check.reference)


def answer(lease: Lease, check: NodeCheck, *, matrix: float = 40.0, at: datetime, **seen: Any) -> None:
    """What an agent sends of a job that ran: the log's line, the report, the end."""
    benchmark = {"matrix": {"gflops": matrix, "method": "numpy 2.1"}, "memory": {"gbps": 20.0}, "gpus": []}
    report = {"job": "1.0", "nonce": str(check.uid), "seen": SEEN | seen, "benchmark": benchmark}
    raw = json.dumps(report).encode()
    leases.start(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, start_delay_ms=3, ago=0.0, at=at
    )
    LogChunk.objects.create(lease=lease, seq=1, at=at, text=f"Conformance job {check.uid}: done.\n")
    OutputFile.objects.create(
        lease=lease, name="report.json", size=len(raw), sha256="0" * 64, received_at=at,
        content=ContentFile(raw, name="report.json"),
    )  # fmt: skip
    ending = leases.Ending("finished", exit_code=0)
    leases.end(node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, ending=ending, ago=0.0, at=at)


def checked(agent: Agent, purpose: str = "conformance", *, at: datetime = AT, **told: Any) -> NodeCheck:
    check, lease = handed_over(agent, purpose, at=at)
    answer(lease, check, at=at + MINUTE, **told)
    checking.carry_forward(at=at + MINUTE)
    check.refresh_from_db()
    return check


def test_a_check_runs_at_once_where_nobody_has_the_devices() -> None:
    agent = new_agent()
    check, lease = handed_over(agent)
    check.refresh_from_db()
    assert (check.state, check.starts_at, check.ends_at) == ("running", AT, AT + 10 * MINUTE)
    assert lease.leased_holds.count() == 2
    assert Hold.objects.filter(kind="closure").count() == 2
    told = lease.specification
    assert (told["network"], told["on_disconnect"], told["bring_back"]) == ("none", "stop", ["report.json"])
    assert told["environment"] == {"EQUINODE_CHECK": str(check.uid)}


def test_a_node_that_passes_is_conforming_and_gets_its_time_back() -> None:
    agent = new_agent()
    assert selectors.level_of(agent.node) == conformance.DESCRIBED
    check = checked(agent)
    assert (check.state, check.figures["matrix_gflops"]) == ("passed", 40.0)
    assert all(one["is_met"] for one in check.requirements)
    assert selectors.level_of(agent.node) == conformance.CONFORMING
    assert {hold.during.upper for hold in Hold.objects.all()} == {AT + MINUTE}
    body = Entry.objects.get(kind="node_check").fact["body"]
    assert (body["outcome"], body["purpose"], body["level"]) == ("passed", "conformance", 2)
    assert body["digest"] == check.report_digest


def test_a_sandbox_that_lets_the_host_through_fails() -> None:
    agent = new_agent()
    check = checked(agent, readable=["/etc/shadow"], interfaces=["eth0"])
    assert check.state == "failed"
    assert [one["code"] for one in check.requirements if not one["is_met"]] == ["no_network", "hides_host"]
    assert selectors.level_of(agent.node) == conformance.DESCRIBED


def test_a_check_waits_for_the_first_time_that_is_free() -> None:
    agent = new_agent()
    ids = list(agent.node.devices.values_list("pk", flat=True))
    until = AT.replace(minute=0) + timedelta(hours=2)
    occupancy.hold_devices(
        wanted=[occupancy.WantedHold(ids[0])], during=between(AT, until), reference="run-1",
        kind="reservation", at=AT,
    )  # fmt: skip
    check = ask(agent)
    checking.carry_forward(at=AT)
    checking.carry_forward(at=AT)
    check.refresh_from_db()
    assert (check.state, check.starts_at) == ("placed", until)
    assert not Lease.objects.exists()
    checking.carry_forward(at=until - 5 * MINUTE)
    assert Lease.objects.get().not_before == until


def is_not_made(check: NodeCheck, agent: Agent) -> bool:
    """Neither good nor bad: nothing in the ledger, and the node's level is what it was."""
    check.refresh_from_db()
    assert not Entry.objects.filter(kind="node_check", leaf__contains=str(check.uid).encode()).exists()
    return check.state == "not_made"


def test_a_check_whose_time_its_owner_took_back_was_not_made() -> None:
    agent = new_agent()
    check = ask(agent)
    checking.carry_forward(at=AT)
    Hold.objects.all().delete()
    checking.carry_forward(at=AT)
    assert is_not_made(check, agent)


def test_a_node_that_is_booked_out_keeps_its_level() -> None:
    agent = new_agent()
    checked(agent)
    for day in range(1, 11):
        checked(agent, "spot", at=AT + day * DAY)
    assert selectors.level_of(agent.node) == conformance.MEASURED
    at = AT + 11 * DAY
    occupancy.hold_devices(
        wanted=[occupancy.WantedHold(device.pk) for device in agent.node.devices.all()],
        during=between(at, at + 9 * DAY), reference="run-full", kind="reservation", at=at,
    )  # fmt: skip
    check = ask(agent, "spot", at=at)
    checking.carry_forward(at=at)
    checking.carry_forward(at=at + 7 * DAY)
    assert is_not_made(check, agent)
    assert selectors.level_of(agent.node) == conformance.MEASURED


def test_a_job_that_never_started_says_nothing_and_one_that_was_lost_does() -> None:
    agent = new_agent()
    check, lease = handed_over(agent)
    later = AT + 30 * MINUTE
    leases.expire_leases(at=later)
    checking.carry_forward(at=later)
    assert is_not_made(check, agent)
    check, lease = handed_over(agent, at=later)
    leases.start(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, start_delay_ms=3, ago=0.0, at=later
    )
    last = later + 30 * MINUTE
    leases.expire_leases(at=last)
    checking.carry_forward(at=last)
    check.refresh_from_db()
    assert check.state == "failed"
    assert checked(agent, at=last).state == "passed"


def test_who_cannot_be_checked_is_told_why() -> None:
    agent = new_agent()
    ask(agent)
    with pytest.raises(CheckRefused, match="being checked already"):
        ask(agent)
    silent = new_agent()
    with pytest.raises(CheckRefused, match="does not answer now"):
        checking.ask(node=silent.node, purpose="conformance", by=None, at=AT + DAY)
    nobody = factories.make_node()
    with pytest.raises(CheckRefused, match="does not answer now"):
        checking.ask(node=nobody, purpose="conformance", by=None, at=AT)
    gone = new_agent()
    standing.withdraw(node=gone.node, reason="Sold", by=None, at=AT)
    with pytest.raises(CheckRefused, match="Only a listed node"):
        ask(gone)
    with pytest.raises(CheckRefused, match="runs jobs in Slurm"):
        ask(new_agent(factories.make_node(runner="slurm")))


def test_the_database_keeps_one_open_check_per_node() -> None:
    agent = new_agent()
    ask(agent)
    with pytest.raises(IntegrityError), transaction.atomic():
        NodeCheck.objects.create(node=agent.node, agent=agent, purpose="spot", asked_at=AT)


def test_ten_good_spot_checks_make_a_node_measured_and_one_bad_one_unmakes_it() -> None:
    agent = new_agent()
    checked(agent)
    for day in range(1, 11):
        assert checked(agent, "spot", at=AT + day * DAY, matrix=40.0 + day / 10).state == "passed"
    assert selectors.level_of(agent.node) == conformance.MEASURED
    slow = checked(agent, "spot", at=AT + 11 * DAY, matrix=30.0)
    assert (slow.state, slow.deviations["matrix"]) == ("failed", -0.25)
    assert selectors.level_of(agent.node) == conformance.CONFORMING
    assert selectors.consecutive_of(agent.node, agent.pk) == 0


def test_a_machine_that_differs_is_listed_and_no_more() -> None:
    agent = new_agent()
    checked(agent)
    comparing.take_inventory(agent=agent, inventory=of_node(agent.node, memory_bytes=GIB), at=AT + 2 * MINUTE)
    assert selectors.level_of(agent.node) == conformance.LISTED


def ran(agent: Agent, *, at: datetime) -> None:
    """A job of somebody's, over by then."""
    Lease.objects.create(
        node=agent.node, reference=f"run-{at}", fence=1000 + Lease.objects.count(), state="ended",
        specification={}, specification_digest="0" * 64, not_before=at, ends_at=at, expires_at=at,
        created_at=at, started_at=at, ended_at=at,
    )  # fmt: skip


def test_a_day_with_jobs_ends_with_a_spot_check_once() -> None:
    agent = new_agent()
    checked(agent)
    at = AT + DAY
    Agent.objects.update(last_seen_at=at)
    checking.begin_spot_checks(at=at)
    assert not NodeCheck.objects.filter(purpose="spot").exists()  # nobody's job ran there today
    ran(agent, at=at)
    for _ in range(3):
        checking.begin_spot_checks(at=at)
    assert NodeCheck.objects.filter(purpose="spot").count() == 1


def test_a_trusted_node_is_looked_at_on_the_days_that_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = new_agent()
    checked(agent)
    for day in range(1, 11):
        checked(agent, "spot", at=AT + day * DAY)
    at = AT + 11 * DAY
    Agent.objects.update(last_seen_at=at)
    ran(agent, at=at)
    monkeypatch.setattr(asking, "draw_of", lambda _node, _at: 0.5)
    checking.begin_spot_checks(at=at)
    assert NodeCheck.objects.filter(purpose="spot").count() == 10
    monkeypatch.setattr(asking, "draw_of", lambda _node, _at: 0.05)
    checking.begin_spot_checks(at=at)
    assert NodeCheck.objects.filter(purpose="spot").count() == 11


def test_an_owner_who_ends_every_check_keeps_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "draw_of", lambda _node, _at: 0.99)
    agent = new_agent()
    checked(agent)
    for day in range(1, 11):
        checked(agent, "spot", at=AT + day * DAY)
    for day in range(11, 14):
        at = AT + day * DAY
        assert selectors.level_of(agent.node) == conformance.MEASURED
        Agent.objects.update(last_seen_at=at)
        ran(agent, at=at)
        ask(agent, "spot", at=at) if day == 11 else checking.begin_spot_checks(at=at)
        checking.carry_forward(at=at)
        Hold.objects.filter(during__endswith__gt=at).delete()
        checking.carry_forward(at=at)
    assert NodeCheck.objects.filter(state="not_made").count() == 3  # asked again, whatever was drawn
    assert selectors.level_of(agent.node) == conformance.DESCRIBED


def test_draws_are_spread_and_stay_for_a_day() -> None:
    node = factories.make_node()
    draws = [asking.draw_of(node, AT + number * DAY) for number in range(200)]
    assert draws[0] == asking.draw_of(node, AT + MINUTE)
    assert all(0 <= draw < 1 for draw in draws)
    assert 60 < sum(draw < 0.5 for draw in draws) < 140


def test_the_job_runs_by_itself_and_its_report_is_judged(tmp_path: Path) -> None:
    """Outside of a sandbox: it sees this machine, and every figure is there."""
    done = subprocess.run(
        [sys.executable, str(carrying.JOB)], cwd=tmp_path, env={"EQUINODE_CHECK": "n"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "Conformance job n: done.\n"
    report = json.loads((tmp_path / "report.json").read_text())
    carried = conformance.Carried(True, 0, True, "n", None)
    requirements = {one.code: one.is_met for one in conformance.judge(report, carried)}
    assert requirements["returns"]
    figures = conformance.figures(report)
    assert figures.matrix_gflops
    assert figures.memory_gbps
    assert figures.disk_mbps
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json"]


@pytest.mark.django_db(transaction=True)
def test_a_check_that_is_asked_for_by_many_at_once_is_one() -> None:
    agent = new_agent()
    answers = races.at_once(*[partial(ask, agent) for _ in range(4)])
    assert sum(isinstance(answer, NodeCheck) for answer in answers) == 1, answers
    assert sum(isinstance(answer, CheckRefused) for answer in answers) == 3, answers


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_hand_a_check_over_once() -> None:
    agent = new_agent()
    check = ask(agent)
    checking.carry_forward(at=AT)
    races.at_once(*[partial(checking.carry_forward, at=AT) for _ in range(4)])
    assert Lease.objects.filter(reference=check.reference).count() == 1
