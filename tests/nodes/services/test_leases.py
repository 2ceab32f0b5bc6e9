from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import ProgrammingError, transaction

from common.ranges import between
from nodes import selectors
from nodes.errors import DeviceBusy, LeaseRefused, LeaseUnknown, StaleFence
from nodes.models import Hold, Lease, LeasedHold, Node
from nodes.services import leases, occupancy
from nodes.services.leases import Ending
from tests import factories, races
from tests.nodes.cast import HOUR, SPECIFICATION, SigningAgent, make_lease

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def node(db: None) -> Node:
    return factories.make_node()


def again(node: Node, first: Lease, *, reference: str = "run-2", at: datetime = AT) -> Lease:
    """Another lease on the very holds of the first."""
    holds = [(held.device_id, held.hold_uid) for held in first.leased_holds.all()]
    return leases.create_lease(
        node_id=node.pk, reference=reference, holds=holds, not_before=at, ends_at=first.ends_at,
        specification=SPECIFICATION, at=at,
    )  # fmt: skip


def on(lease: Lease, **changes: Any) -> dict[str, Any]:
    return {"node_id": lease.node_id, "lease_uid": lease.uid, "fence": lease.fence, "at": AT} | changes


def start(lease: Lease, **changes: Any) -> None:
    leases.start(**on(lease, **{"start_delay_ms": 7, "ago": 0.0} | changes))


def end(lease: Lease, reason: str = "finished", **changes: Any) -> None:
    leases.end(**on(lease, **{"ending": Ending(reason, exit_code=0), "ago": 0.0} | changes))


def test_a_lease_goes_from_waiting_to_its_end(node: Node) -> None:
    lease = make_lease(node, at=AT)
    leases.stage(**on(lease))
    start(lease, ago=2.0, at=AT + MINUTE)
    assert LeasedHold.objects.filter(is_live=True, is_running=True).count() == 2
    leases.end(
        **on(
            lease,
            at=AT + 2 * MINUTE,
            ago=1.0,
            ending=Ending("finished", exit_code=3, peak_memory_bytes=99, cpu_seconds=1.25),
        )
    )
    lease.refresh_from_db()
    assert (lease.state, lease.end_reason, lease.exit_code) == ("ended", "finished", 3)
    assert lease.started_at == AT + timedelta(seconds=58)
    assert lease.ended_at == AT + timedelta(seconds=119)
    assert (lease.start_delay_ms, lease.peak_memory_bytes, float(lease.cpu_seconds or 0)) == (7, 99, 1.25)
    assert not LeasedHold.objects.filter(is_live=True).exists()
    assert not LeasedHold.objects.filter(is_running=True).exists()


def test_every_report_may_be_repeated(node: Node) -> None:
    lease = make_lease(node, at=AT)
    later = AT + MINUTE
    for report in (partial(leases.stage, **on(lease)), partial(start, lease), partial(end, lease)):
        report()
        before = Lease.objects.values().get()
        report(at=later)
        assert Lease.objects.values().get() == before


@pytest.mark.parametrize(
    "report",
    [
        lambda lease: leases.stage(**on(lease, fence=lease.fence - 1)),
        lambda lease: start(lease, fence=lease.fence + 1),
        lambda lease: end(lease, fence=0),
    ],
)
def test_a_stale_fence_changes_nothing(node: Node, report: Callable[[Lease], None]) -> None:
    lease = make_lease(node, at=AT)
    before = Lease.objects.values().get()
    with pytest.raises(StaleFence):
        report(lease)
    assert Lease.objects.values().get() == before


def test_reports_do_not_lead_back_from_an_end(node: Node) -> None:
    lease = make_lease(node, at=AT)
    end(lease, "refused")
    for report in (partial(leases.stage, **on(lease)), partial(start, lease), partial(end, lease, "lost")):
        with pytest.raises(StaleFence):
            report()
    lease.refresh_from_db()
    assert (lease.state, lease.end_reason) == ("ended", "refused")


def test_another_nodes_lease_is_unknown(node: Node) -> None:
    lease = make_lease(node, at=AT)
    with pytest.raises(LeaseUnknown):
        leases.stage(**on(lease, node_id=factories.make_node().pk))


def test_a_job_lost_in_a_restart_is_lost(node: Node) -> None:
    lease = make_lease(node, at=AT)
    start(lease)
    end(lease, "lost")
    lease.refresh_from_db()
    assert (lease.state, lease.end_reason) == ("lost", "agent_lost")
    assert not lease.leased_holds.filter(is_live=True).exists()


def test_a_late_report_never_reaches_back_before_the_lease(node: Node) -> None:
    lease = make_lease(node, at=AT)
    start(lease, ago=1e6, at=AT + MINUTE)
    lease.refresh_from_db()
    assert lease.started_at == AT


def test_fences_grow_with_every_lease_of_a_node_and_never_change(node: Node) -> None:
    first = make_lease(node, at=AT)
    end(first)
    second = again(node, first)
    assert (first.fence, second.fence) == (1, 2)
    node.refresh_from_db()
    assert node.last_fence == 2
    with pytest.raises(ProgrammingError, match="nodes_lease"), transaction.atomic():
        Lease.objects.filter(pk=first.pk).update(fence=9)


def test_a_hold_has_one_live_lease(node: Node) -> None:
    first = make_lease(node, at=AT)
    with pytest.raises(LeaseRefused):
        again(node, first)
    end(first)
    again(node, first)
    assert Lease.objects.live().count() == 1


def test_a_lease_needs_holds_for_all_of_its_time_on_its_node(node: Node) -> None:
    lease = make_lease(node, at=AT)
    holds = [(held.device_id, held.hold_uid) for held in lease.leased_holds.all()]
    end(lease)
    give = partial(leases.create_lease, reference="r", specification=SPECIFICATION, at=AT)
    elsewhere = factories.make_node().pk
    swapped = [(holds[0][0], holds[1][1]), (holds[1][0], holds[0][1])]
    for wrong in (
        {"node_id": elsewhere, "holds": holds, "not_before": AT, "ends_at": AT + HOUR},
        {"node_id": node.pk, "holds": swapped, "not_before": AT, "ends_at": AT + HOUR},
        {"node_id": node.pk, "holds": holds, "not_before": AT, "ends_at": AT + HOUR + MINUTE},
        {"node_id": node.pk, "holds": holds, "not_before": AT - MINUTE, "ends_at": AT + HOUR},
        {"node_id": node.pk, "holds": [(holds[0][0], uuid4())], "not_before": AT, "ends_at": AT + HOUR},
        {"node_id": node.pk, "holds": [], "not_before": AT, "ends_at": AT + HOUR},
    ):
        with pytest.raises(LeaseRefused):
            give(**wrong)  # type: ignore[arg-type]


def test_a_device_runs_one_job_even_for_two_slots_that_touch(node: Node) -> None:
    first = make_lease(node, at=AT, length=HOUR)
    start(first)
    second = make_lease(node, reference="run-2", start=AT + HOUR, at=AT)
    with pytest.raises(DeviceBusy):
        start(second)
    second.refresh_from_db()
    assert second.state == "waiting"
    end(first)
    start(second)


def test_a_heartbeat_renews_ten_minutes_at_a_time_and_tells_what_to_stop(node: Node) -> None:
    agent = SigningAgent(node).row
    lease = make_lease(node, at=AT)
    Lease.objects.update(handed_over_at=AT)
    held = [(lease.uid, lease.fence)]
    (news,) = leases.heartbeat(agent=agent, leases=held, at=AT + 5 * MINUTE)
    assert (news.known, news.stop, news.expires_in, news.ends_in) == (True, False, 600.0, 3300.0)
    leases.request_stop(reference="run-1", at=AT + 5 * MINUTE)
    (news,) = leases.heartbeat(agent=agent, leases=held, at=AT + 55 * MINUTE)
    assert (news.known, news.stop, news.expires_in) == (True, True, 300.0)
    lease.refresh_from_db()
    assert lease.expires_at == lease.ends_at
    agent.refresh_from_db()
    assert agent.last_seen_at == AT + 55 * MINUTE


def test_a_heartbeat_for_a_lease_that_is_over_or_anothers_says_so_and_renews_nothing(node: Node) -> None:
    agent = SigningAgent(node).row
    lease = make_lease(node, at=AT)
    theirs = make_lease(factories.make_node(), reference="run-9", at=AT)
    asked = [(lease.uid, lease.fence + 1), (theirs.uid, theirs.fence), (uuid4(), 1)]
    news = leases.heartbeat(agent=agent, leases=asked, at=AT + MINUTE)
    assert [(one.known, one.stop) for one in news] == [(False, True)] * 3
    assert set(Lease.objects.values_list("expires_at", flat=True)) == {AT + 10 * MINUTE}


def test_a_stop_ends_at_once_what_no_agent_has_got(node: Node) -> None:
    lease = make_lease(node, at=AT)
    leases.request_stop(reference="run-1", at=AT)
    lease.refresh_from_db()
    assert (lease.state, lease.end_reason, lease.started_at) == ("ended", "stopped", None)
    again(node, lease)


@pytest.mark.django_db
def test_a_silent_agent_loses_what_stops_soon_and_what_is_kept_after_its_slot() -> None:
    stops = make_lease(factories.make_node(), reference="stops", at=AT, on_disconnect="stop")
    keeps = make_lease(factories.make_node(), reference="keeps", at=AT)
    start(stops)
    assert leases.expire_leases(at=AT + 12 * MINUTE - timedelta(seconds=1)) == []
    (lost,) = leases.expire_leases(at=AT + 12 * MINUTE)
    assert (lost.pk, lost.state, lost.end_reason) == (stops.pk, "lost", "agent_lost")
    assert leases.expire_leases(at=AT + 70 * MINUTE - timedelta(seconds=1)) == []
    (lost,) = leases.expire_leases(at=AT + 70 * MINUTE)
    assert (lost.pk, lost.end_reason) == (keeps.pk, "not_started")
    assert not LeasedHold.objects.filter(is_live=True).exists()


def test_the_lease_of_a_reference_is_its_newest(node: Node) -> None:
    first = make_lease(node, at=AT)
    end(first)
    second = again(node, first, reference="run-1")
    assert selectors.lease_of("run-1") == second
    assert selectors.lease_of("run-0") is None


@pytest.mark.django_db(transaction=True)
def test_eight_leases_for_one_hold_at_once_have_one_winner() -> None:
    node = factories.make_node()
    occupancy.close_devices(
        device_ids=[device.pk for device in node.devices.all()],
        during=between(AT, AT + HOUR), kind="owner", reason="Test", at=AT,
    )  # fmt: skip
    holds = [(hold.device_id, hold.uid) for hold in Hold.objects.all()]
    give = partial(
        leases.create_lease, node_id=node.pk, holds=holds, not_before=AT, ends_at=AT + HOUR,
        specification=SPECIFICATION, at=AT,
    )  # fmt: skip
    won, refused = races.split(races.at_once(*[partial(give, reference=f"run-{n}") for n in range(8)]))
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [LeaseRefused] * 7
    assert Lease.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_leases_on_one_node_at_once_get_eight_fences() -> None:
    node = factories.make_node(devices=8)
    holds = [
        occupancy.hold_devices(
            wanted=[occupancy.WantedHold(device.pk)], during=between(AT, AT + HOUR),
            reference=f"reservation-{device.pk}", kind="reservation", at=AT,
        )[0]
        for device in node.devices.all()
    ]  # fmt: skip
    give = partial(
        leases.create_lease, node_id=node.pk, not_before=AT, ends_at=AT + HOUR,
        specification=SPECIFICATION, at=AT,
    )  # fmt: skip
    calls = [
        partial(give, reference=f"run-{hold.device_id}", holds=[(hold.device_id, hold.uid)]) for hold in holds
    ]
    won, refused = races.split(races.at_once(*calls))
    assert refused == []
    assert sorted(lease.fence for lease in won) == list(range(1, 9))


@pytest.mark.django_db(transaction=True)
def test_of_two_jobs_that_start_on_a_device_at_once_one_does() -> None:
    """Seen to fail without one_running_job_per_device: both slots are open to an agent that errs."""
    node = factories.make_node()
    first = make_lease(node, at=AT, length=HOUR)
    second = make_lease(node, reference="run-2", start=AT + HOUR, at=AT)
    _started, refused = races.split(races.at_once(partial(start, first), partial(start, second)))
    assert [type(refusal) for refusal in refused] == [DeviceBusy]
    assert sorted(Lease.objects.values_list("state", flat=True)) == ["running", "waiting"]
    assert LeasedHold.objects.filter(is_running=True).values("lease").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_end_and_the_sweep_at_once_give_one_outcome() -> None:
    for _round in range(10):
        lease = make_lease(factories.make_node(), at=AT)
        late = AT + 2 * HOUR
        won, refused = races.split(
            races.at_once(partial(end, lease, at=late), partial(leases.expire_leases, at=late))
        )
        lease.refresh_from_db()
        if lease.state == "ended":
            assert won == [None, []]
        else:
            assert lease.state == "lost"
            assert [type(refusal) for refusal in refused] == [StaleFence]
