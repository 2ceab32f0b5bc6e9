"""kill -9 in the middle of a job: afterwards it ran exactly once, or is reported lost and not charged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from common import clock
from common.ranges import bounds
from nodes.models import Lease, LogChunk, Node
from pricing.models import Charge, Encumbrance, Grant
from reservations.models import Reservation, Run, UsageEntry
from reservations.services import runs, settle
from tests import factories
from tests.live import LiveSite, eventually

UNFINISHED = (Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
EVERYTHING = ["web", "worker", "beat", "broker"]
SECONDS = 4  # of work in a job: enough to be killed in the middle of it


def slot(node: Node, *, starts_in: float = 3.0, lasts: float = 600.0) -> Reservation:
    """Long enough for every job in it, however slowly everything comes back on a busy machine."""
    user = factories.make_user()
    start = clock.now() + timedelta(seconds=starts_in)
    return factories.make_slot(
        factories.make_project(user), list(node.devices.all()), start=start,
        end=start + timedelta(seconds=lasts), by=user, at=clock.now(),
    )  # fmt: skip


def queue(reservation: Reservation, node: Node, *, seconds: int = SECONDS) -> Run:
    return runs.queue_run(
        reservation=reservation, node=node, script=f"echo begin; sleep {seconds}; echo end", environment={},
        bring_back=[], by=reservation.booked_by, at=clock.now(),
    )  # fmt: skip


def is_running(run: Run) -> Callable[[], bool]:
    return lambda: Lease.objects.filter(reference=run.reference, state=Lease.State.RUNNING).exists()


def over(run: Run) -> Run:
    def finished() -> Run | None:
        run.refresh_from_db()
        return None if run.state in UNFINISHED else run

    return eventually(finished, f"run {run.pk} is over")


def printed(run: Run) -> str:
    return "".join(chunk.text for chunk in LogChunk.objects.filter(lease__reference=run.reference))


def free_the_node(reservation: Reservation) -> None:
    """Settle the slot as of its end, and give the rest of it to the next test."""
    at = bounds(reservation.during)[1]
    settle.settle_ended(at=at)
    reservation.refresh_from_db()
    assert reservation.settled_at is not None
    node_holds = node_of(reservation).devices.get().holds
    node_holds.all().delete()


def node_of(reservation: Reservation) -> Node:
    return Node.objects.get(devices__pk=reservation.devices.get().device_id)


def lost_hours(reservation: Reservation) -> Decimal:
    credits_ = Charge.objects.filter(reference=reservation.reference, item="lost")
    return sum((charge.quantity for charge in credits_), Decimal(0))


@pytest.mark.parametrize("victims", [["worker"], ["beat"], ["web"], ["broker"], EVERYTHING])
def test_a_job_outlives_what_dispatched_it_and_runs_once(
    site: LiveSite, node: Node, victims: list[str]
) -> None:
    reservation = slot(node)
    run = queue(reservation, node)
    eventually(is_running(run), "the job runs")
    for victim in victims:
        site.kill_broker() if victim == "broker" else site.kill(victim)
    time.sleep(1.0)
    if "broker" in victims:
        site.start_broker()
    site.start(*(victim for victim in victims if victim != "broker"))
    assert over(run).state == Run.State.ENDED
    assert printed(run) == "begin\nend\n"
    assert Lease.objects.filter(reference=run.reference).count() == 1
    free_the_node(reservation)
    assert lost_hours(reservation) == 0


def test_a_job_whose_agent_was_killed_is_reported_lost_and_not_charged(site: LiveSite, node: Node) -> None:
    reservation = slot(node)
    run = queue(reservation, node, seconds=500)  # it cannot be over before the agent is killed
    eventually(is_running(run), "the job runs")
    time.sleep(1.5)
    site.kill(f"agent-{node.slug}")
    site.start_agent(node.slug)
    assert over(run).state == Run.State.LOST
    lease = Lease.objects.get(reference=run.reference)
    assert lease.started_at is not None
    assert lease.ended_at is not None
    assert printed(run) in ("", "begin\n")
    again = queue(reservation, node)  # the slot goes on: the job can be run again in it
    assert over(again).state == Run.State.ENDED
    assert printed(again) == "begin\nend\n"
    free_the_node(reservation)
    lost = Decimal((lease.ended_at - lease.started_at) // timedelta(microseconds=1)) / 3_600_000_000
    assert lost_hours(reservation) == -lost.quantize(Decimal("0.00000001"))


def test_what_was_queued_while_everything_was_down_runs_when_it_is_back(site: LiveSite, node: Node) -> None:
    for victim in ("web", "worker", "beat"):
        site.kill(victim)
    site.kill_broker()
    reservation = slot(node, starts_in=0.0)
    run = queue(reservation, node)
    site.start_broker()
    site.start("web", "worker", "beat")
    assert over(run).state == Run.State.ENDED
    assert printed(run) == "begin\nend\n"
    free_the_node(reservation)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_the_books_are_right_in_the_end(site: LiveSite, node: Node, seed: int) -> None:
    chance = random.Random(seed)
    reservation = slot(node)
    queued = [queue(reservation, node) for _ in range(4)]
    victims = ["web", "worker", "beat", "broker", f"agent-{node.slug}"]
    for _ in range(6):
        time.sleep(chance.uniform(0.2, 3.0))
        victim = chance.choice(victims)
        if victim == "broker":
            site.kill_broker()
            time.sleep(chance.uniform(0.0, 0.5))
            site.start_broker()
        else:
            site.kill(victim)
            time.sleep(chance.uniform(0.0, 0.5))
            site.start_agent(node.slug) if victim.startswith("agent") else site.start(victim)
    for run in queued:
        state = over(run).state
        assert state in (Run.State.ENDED, Run.State.LOST)
        if state == Run.State.ENDED:
            assert printed(run) == "begin\nend\n"
        assert Lease.objects.filter(reference=run.reference).exclude(started_at=None).count() <= 1
    free_the_node(reservation)
    assert UsageEntry.objects.filter(hold_uid=reservation.devices.get().hold_uid).count() == 1
    grant = Grant.objects.get(project=reservation.project)
    charged = sum(charge.amount for charge in Charge.objects.filter(reference=reservation.reference))
    assert (grant.encumbered, grant.used) == (0, charged)
    assert not Encumbrance.objects.filter(reference=reservation.reference, settled_at=None).exists()
