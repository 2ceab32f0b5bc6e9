"""Ending a slot early, and what comes back for the rest of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice
from common import clock
from common.ranges import bounds
from nodes.models import Hold, HoldEvent
from pricing.models import Charge, Grant
from reservations.domain import slots as time
from reservations.errors import CancelRefused, ChangeRefused, NotAKeeper, RunRefused
from reservations.models import Reservation, Run, Vertex
from reservations.services import booking, changing, dispatch, releasing, settle, usage
from tests.races import at_once, split
from tests.reservations.services.test_dispatch import end, lease_of, start as report_start
from tests.reservations.services.test_runs import queue
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW, AFTER_RUNS = Reservation.ReleaseWhen.NOW, Reservation.ReleaseWhen.AFTER_RUNS


def charged(reservation: Reservation) -> Decimal:
    rows = Charge.objects.filter(reference=reservation.reference)
    return sum((row.amount for row in rows), Decimal(0))


def vertex_of(lab: Lab) -> Vertex:
    return Vertex.objects.get(pk=lab.vertex.pk)


@pytest.mark.django_db
def test_the_rest_is_free_at_once_and_its_money_is_kept_until_the_slot_is_over() -> None:
    lab, node = make_lab(), make_open_node(devices=2)
    devices = list(node.devices.all())
    slot = lab.book(devices, in_days(2), hours=4)
    begins, ends = bounds(slot.during)
    at = begins + HOUR + timedelta(seconds=12, microseconds=345678)
    assert vertex_of(lab).committed > 0
    releasing.release(reservation=slot, by=lab.member, at=at)
    slot.refresh_from_db()
    assert (slot.state, slot.released_at, slot.settled_at) == ("released", at, None)
    assert {bounds(hold.during) for hold in Hold.objects.all()} == {(begins, at)}
    weight = slot.devices.first().weight  # type: ignore[union-attr]
    kept = 2 * usage.weighted_hours(weight, 4 * HOUR) - 2 * usage.weighted_hours(weight, ends - at)
    assert vertex_of(lab).committed == kept
    assert Grant.objects.get(project=lab.project).encumbered == slot.quoted_price


@pytest.mark.django_db
def test_what_others_pay_for_released_hours_comes_back_once_the_slot_is_over() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    devices = list(node.devices.all())
    slot = lab.book(devices, in_days(2), hours=4)
    begins, ends = bounds(slot.during)
    at = begins + HOUR + timedelta(seconds=12, microseconds=345678)
    releasing.release(reservation=slot, by=lab.member, at=at)
    # One device goes to somebody else from the next mark on, for an hour.
    other.book(devices[:1], time.mark_after(at), hours=1, at=at)
    settle.settle_ended(at=ends - MINUTE)
    slot.refresh_from_db()
    assert slot.settled_at is None
    settle.settle_ended(at=ends)
    slot.refresh_from_db()
    assert (slot.state, slot.settled_at) == ("released", ends)
    hour = slot.quoted_price / 8
    assert abs(charged(slot) - (slot.quoted_price - hour)) < Decimal("0.00001")
    grant = Grant.objects.get(project=lab.project)
    assert (grant.encumbered, grant.used) == (0, charged(slot))
    (notice,) = Notice.objects.filter(user=lab.member)
    assert (notice.kind, notice.params["state"]) == ("slot_settled", "released")
    decayed, committed = usage.from_events(half_life=timedelta(days=14))[lab.project.pk]
    assert (vertex_of(lab).committed, vertex_of(lab).decayed_usage) == (committed, decayed) == (0, decayed)


def with_jobs(lab: Lab) -> tuple[Reservation, Run, Run]:
    """A slot in which one job runs and another waits."""
    slot = lab.book([make_open_node().devices.first()], in_days(2))
    begins, _ends = bounds(slot.during)
    running, waiting = queue(slot, lab.member), queue(slot, lab.member)
    dispatch.dispatch_due(at=begins)
    report_start(running, begins)
    dispatch.reap(at=begins)
    return slot, running, waiting


@pytest.mark.django_db
def test_a_slot_is_released_after_its_jobs_where_that_is_asked_for() -> None:
    lab = make_lab()
    slot, running, waiting = with_jobs(lab)
    at = bounds(slot.during)[0] + 10 * MINUTE
    slot = releasing.release(reservation=slot, by=lab.member, when=AFTER_RUNS, at=at)
    assert (slot.state, slot.release_asked_at) == ("booked", at)
    slot = releasing.keep(reservation=slot, by=lab.member, at=at)
    assert slot.release_asked_at is None
    with pytest.raises(ChangeRefused):
        releasing.keep(reservation=slot, by=lab.member, at=at)
    releasing.release(reservation=slot, by=lab.member, when=AFTER_RUNS, at=at)
    assert releasing.release_idle(at=at + MINUTE) == 0
    end(running, at + MINUTE)
    dispatch.reap(at=at + MINUTE)
    assert releasing.release_idle(at=at + MINUTE) == 0  # the other one is handed over now
    dispatch.dispatch_due(at=at + MINUTE)
    end(waiting, at + 2 * MINUTE)
    dispatch.reap(at=at + 2 * MINUTE)
    assert releasing.release_idle(at=at + 3 * MINUTE) == 1
    slot.refresh_from_db()
    assert (slot.state, slot.released_at) == ("released", at + 3 * MINUTE)
    assert Notice.objects.get(kind="slot_changed").params["change"] == "released"
    assert [change.kind for change in slot.changes.all()] == ["asked", "kept", "asked", "released"]


@pytest.mark.django_db
def test_releasing_now_stops_what_runs_and_nothing_more_runs() -> None:
    lab = make_lab()
    slot, running, waiting = with_jobs(lab)
    begins, ends = bounds(slot.during)
    lease = lease_of(running)
    lease.handed_over_at = begins
    lease.save()
    releasing.release(reservation=slot, by=lab.member, at=begins + MINUTE)
    assert lease_of(running).stop_requested_at == begins + MINUTE
    waiting.refresh_from_db()
    assert waiting.state == Run.State.NOT_RUN
    assert dispatch.dispatch_due(at=begins + 2 * MINUTE) == 0
    with pytest.raises(RunRefused):
        queue(slot, lab.member, begins + 2 * MINUTE)
    assert settle.settle_ended(at=ends) == 0  # the node has the last word about its job
    end(running, begins + 2 * MINUTE)
    dispatch.reap(at=ends)
    assert settle.settle_ended(at=ends) == 1


@pytest.mark.django_db
def test_what_waits_in_a_slot_that_is_extended_goes_on_there_once_it_is_released() -> None:
    lab = make_lab()
    slot, running, waiting = with_jobs(lab)
    begins, ends = bounds(slot.during)
    longer = changing.extend(reservation=slot, end=ends + HOUR, by=lab.member, at=begins)
    releasing.release(reservation=slot, by=lab.member, at=begins + MINUTE)
    end(running, begins + 2 * MINUTE, reason="stopped")
    dispatch.reap(at=begins + 2 * MINUTE)
    assert dispatch.dispatch_due(at=begins + 2 * MINUTE) == 0
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reservation) == (Run.State.QUEUED, longer)
    assert dispatch.dispatch_due(at=ends) == 1
    assert lease_of(waiting).ends_at == ends + HOUR


@pytest.mark.django_db
def test_only_a_slot_that_runs_is_released_and_by_its_keepers() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(2))
    begins, ends = bounds(slot.during)
    for at, said in ((begins - MINUTE, "not begun"), (begins, "not begun"), (ends, "over")):
        with pytest.raises(ChangeRefused, match=said):
            releasing.release(reservation=slot, by=lab.member, at=at)
    with pytest.raises(NotAKeeper):
        releasing.release(reservation=slot, by=lab.join(), at=begins + MINUTE)
    releasing.release(reservation=slot, by=lab.join("lead"), at=begins + MINUTE)
    assert Notice.objects.get().user == lab.member
    with pytest.raises(ChangeRefused, match="released already"):
        releasing.release(reservation=slot, by=lab.member, at=begins + 2 * MINUTE)


@pytest.mark.django_db(transaction=True)
def test_a_slot_released_and_cancelled_at_once_is_given_back_once() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(2))
    begins, _ends = bounds(slot.during)
    calls = [
        lambda: releasing.release(reservation=slot, by=lab.member, at=begins + MINUTE),
        lambda: booking.cancel(reservation=slot, by=lab.member, at=begins - MINUTE),
    ]
    made, refused = split(at_once(*calls * 2))
    assert len(made) == 1
    assert {type(one) for one in refused} <= {ChangeRefused, CancelRefused}
    assert HoldEvent.objects.exclude(event="granted").count() == 1
    found = usage.from_events(half_life=timedelta(days=14))[lab.project.pk]
    assert vertex_of(lab).committed == found[1]


@pytest.mark.django_db
def test_a_released_slot_is_not_cancelled_by_whose_clock_is_behind() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.get(index=0)], in_days(2))
    begins, _ends = bounds(slot.during)
    releasing.release(reservation=slot, by=lab.member, at=begins + MINUTE)
    with pytest.raises(CancelRefused, match="over"):
        booking.cancel(reservation=slot, by=lab.member, at=begins - MINUTE)


@pytest.mark.django_db(transaction=True)
def test_a_slot_released_and_settled_at_once_is_charged_once() -> None:
    lab, node = make_lab(), make_open_node()
    now = clock.now()
    slot = lab.book([node.devices.first()], time.mark_after(now), at=now)
    begins, ends = bounds(slot.during)
    calls = [
        lambda: releasing.release(reservation=slot, by=lab.member, at=begins + MINUTE),
        lambda: settle.settle_ended(at=ends),
    ]
    at_once(*calls)
    settle.settle_ended(at=ends)
    assert charged(slot).quantize(Decimal("0.00001")) == slot.quoted_price.quantize(Decimal("0.00001"))
    grant = Grant.objects.get()
    assert (grant.encumbered, grant.used) == (0, charged(slot))
    assert vertex_of(lab).committed == 0
