"""Charging a slot once it is over, and counting its use."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from common import clock
from common.ranges import bounds
from nodes.models import Device, Lease
from nodes.services import occupancy
from pricing.models import Charge, Grant
from reservations.models import Reservation, Run, SlotChange, UsageEntry, Vertex
from reservations.services import calling_off, dispatch, runs, settle
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.test_dispatch import MINUTE, end, start
from tests.reservations.services.test_runs import HOUR, queue, slot

IMAGE = "docker.io/library/python@sha256:" + "ab" * 32
DAY = timedelta(days=1)


@pytest.fixture
def booked(ada: User) -> Reservation:
    """Two devices for two hours, in two days."""
    return slot(ada, start=clock.now() + 2 * DAY, devices=2)


def over(reservation: Reservation) -> datetime:
    return bounds(reservation.during)[1]


def charged() -> Decimal:
    return sum((charge.amount for charge in Charge.objects.all()), Decimal(0))


def price(reservation: Reservation) -> Decimal:
    hours = sum(2 * (device.price + device.fee) for device in reservation.devices.all())
    return Decimal(hours)


def run_one(reservation: Reservation, ada: User) -> Run:
    """A job that starts with the slot; the test says how it ends."""
    run = queue(reservation, ada)
    begin = bounds(reservation.during)[0]
    dispatch.dispatch_due(at=begin)
    start(run, begin)
    dispatch.reap(at=begin)
    return run


@pytest.mark.django_db
def test_a_slot_that_is_over_is_charged_and_counted(booked: Reservation, ada: User) -> None:
    end(run_one(booked, ada), bounds(booked.during)[0] + MINUTE)
    dispatch.reap(at=over(booked))
    assert settle.settle_ended(at=over(booked)) == 1
    booked.refresh_from_db()
    assert (booked.state, booked.settled_at) == (Reservation.State.ENDED, over(booked))
    assert charged() == price(booked)
    grant, vertex = Grant.objects.get(), Vertex.objects.get(project=booked.project)
    assert (grant.encumbered, grant.used) == (0, price(booked))
    assert vertex.committed == 0
    assert vertex.decayed_usage > 0


@pytest.mark.django_db
@pytest.mark.parametrize("returns", [True, False])
def test_nobody_pays_for_the_time_in_which_a_node_did_not_tell_of_the_job_that_was_moved(
    booked: Reservation, ada: User, returns: bool
) -> None:
    """The job waits, for the node may have begun it at the old time: what it waits is the node's."""
    old = slot(ada, start=clock.now() + DAY)
    former, begin = queue(old, ada), bounds(booked.during)[0]
    dispatch.dispatch_due(at=bounds(old.during)[0])
    Lease.objects.update(handed_over_at=bounds(old.during)[0])
    Reservation.objects.filter(pk=old.pk).update(state=Reservation.State.CANCELLED, settled_at=clock.now())
    runs.stop_all(reservation=old, at=bounds(old.during)[0])
    along = queue(booked, ada)
    Run.objects.filter(pk=along.pk).update(retry_of=former)
    assert dispatch.dispatch_due(at=begin) == 0
    if returns:
        end(former, begin + HOUR, "stopped")
        dispatch.reap(at=begin + HOUR)
        assert dispatch.dispatch_due(at=begin + HOUR) == 1
        start(along, begin + HOUR)
        end(along, begin + HOUR + MINUTE)
    dispatch.dispatch_due(at=over(booked))
    dispatch.reap(at=over(booked))
    assert settle.settle_ended(at=over(booked)) == 1
    assert charged() == (price(booked) / 2 if returns else 0)


@pytest.mark.django_db
def test_a_slot_that_is_not_over_waits(booked: Reservation) -> None:
    assert settle.settle_ended(at=over(booked) - MINUTE) == 0
    assert not Charge.objects.exists()


@pytest.mark.django_db
def test_a_slot_waits_for_the_last_word_about_its_runs(booked: Reservation, ada: User) -> None:
    run = run_one(booked, ada)
    assert settle.settle_ended(at=over(booked)) == 0
    end(run, over(booked) + MINUTE)
    dispatch.reap(at=over(booked) + MINUTE)
    assert settle.settle_ended(at=over(booked) + MINUTE) == 1


@pytest.mark.django_db
def test_sweeping_twice_charges_once(booked: Reservation) -> None:
    assert settle.settle_ended(at=over(booked)) == 1
    assert settle.settle_ended(at=over(booked)) == 0
    assert Charge.objects.filter(item="slot").count() == 1
    assert UsageEntry.objects.count() == 2  # one for each device


@pytest.mark.django_db(transaction=True)
def test_sweeping_at_once_charges_once(booked: Reservation) -> None:
    answers, failed = split(at_once(*[lambda: settle.settle_ended(at=over(booked))] * 6))
    assert failed == []
    assert sum(answers) == 1
    assert charged() == price(booked)
    assert UsageEntry.objects.count() == 2
    assert Grant.objects.get().used == price(booked)


@pytest.mark.django_db
def test_a_job_that_was_lost_is_not_charged(booked: Reservation, ada: User) -> None:
    run_one(booked, ada)
    late = over(booked) + HOUR
    dispatch.reap(at=late)  # the node has not been heard of since
    assert settle.settle_ended(at=late) == 1
    assert charged() == 0
    assert Charge.objects.get(item="lost").quantity == -4
    grant = Grant.objects.get()
    assert (grant.encumbered, grant.used) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "image", "is_paid"),
    [("no_image", IMAGE, True), ("no_image", "", False), ("owner_network", IMAGE, False)],
)
def test_a_slot_is_paid_where_the_image_that_its_job_named_was_not_to_be_had(
    booked: Reservation, ada: User, code: str, image: str, is_paid: bool
) -> None:
    run, begin = queue(booked, ada), bounds(booked.during)[0]
    Run.objects.update(image=image)
    dispatch.dispatch_due(at=begin - MINUTE)
    end(run, begin - MINUTE, reason="refused")
    Lease.objects.filter(reference=run.reference).update(end_notes=[{"code": code, "text": "", "values": {}}])
    dispatch.reap(at=begin)
    assert settle.settle_ended(at=over(booked)) == 1
    assert charged() == (price(booked) if is_paid else 0)


@pytest.mark.django_db
def test_a_job_that_its_node_refused_is_not_charged(booked: Reservation, ada: User) -> None:
    run, begin = queue(booked, ada), bounds(booked.during)[0]
    dispatch.dispatch_due(at=begin - MINUTE)
    end(run, begin - MINUTE, reason="refused")
    dispatch.reap(at=begin)
    assert settle.settle_ended(at=over(booked)) == 1
    assert charged() == 0
    assert Grant.objects.get().used == 0


@pytest.mark.django_db
def test_hours_given_back_late_and_taken_by_others_are_refunded(booked: Reservation) -> None:
    begin, finish = bounds(booked.during)
    at = begin - HOUR
    occupancy.cancel_holds(reference=booked.reference, at=at)
    Reservation.objects.update(state=Reservation.State.CANCELLED, cancelled_at=at)
    other = factories.make_user()
    device = booked.devices.first().device  # type: ignore[union-attr]
    factories.make_slot(
        factories.make_project(other), [device], start=begin, end=finish - HOUR, by=other, at=at + MINUTE
    )
    settle.settle_ended(at=finish)
    mine = Charge.objects.filter(reference=booked.reference)
    assert {charge.category for charge in mine} == {"unused", "credit"}
    refund = mine.get(item="relet")
    assert refund.quantity == -1
    assert sum(charge.amount for charge in mine) == price(booked) * 3 / 4


@pytest.mark.django_db
@pytest.mark.parametrize("is_handed_over", ["given back", "taken"])
def test_hours_that_one_person_takes_again_give_nothing_back_whoever_holds_them_then(
    booked: Reservation, ada: User, is_handed_over: str
) -> None:
    begin, finish = bounds(booked.during)
    at = begin - HOUR
    occupancy.cancel_holds(reference=booked.reference, at=at)
    Reservation.objects.update(state=Reservation.State.CANCELLED, cancelled_at=at)
    device = booked.devices.first().device  # type: ignore[union-attr]
    taken = factories.make_slot(
        factories.make_project(ada), [device], start=begin, end=finish, by=ada, at=at + MINUTE
    )
    slot = booked if is_handed_over == "given back" else taken
    colleague = factories.make_user()
    SlotChange.objects.create(
        reservation=slot, kind="handed_over", by=ada, held_before=ada, held_after=colleague, at=at
    )
    Reservation.objects.filter(pk=slot.pk).update(booked_by=colleague)
    settle.settle_ended(at=finish)
    assert not Charge.objects.filter(reference=booked.reference, item="relet").exists()


@pytest.mark.django_db
def test_hours_whose_next_slot_is_called_off_give_nothing_back_for_nobody_pays_them(
    booked: Reservation,
) -> None:
    begin, finish = bounds(booked.during)
    at = begin - HOUR
    occupancy.cancel_holds(reference=booked.reference, at=at)
    Reservation.objects.update(state=Reservation.State.CANCELLED, cancelled_at=at)
    other = factories.make_user()
    device = booked.devices.first().device  # type: ignore[union-attr]
    project = factories.make_project(other)
    factories.make_vertex(project)
    taken = factories.make_slot(project, [device], start=begin, end=finish, by=other, at=at + MINUTE)
    calling_off.call_off(project=project, ends_after=None, reason="closed", at=at + 2 * MINUTE)
    settle.settle_ended(at=finish)
    assert not Charge.objects.filter(reference=taken.reference).exists()
    assert sum(charge.amount for charge in Charge.objects.filter(reference=booked.reference)) == price(booked)


@pytest.mark.django_db
def test_one_slot_that_cannot_be_settled_does_not_hold_up_the_others(booked: Reservation, ada: User) -> None:
    at = over(booked)
    healthy = factories.make_slot(
        booked.project, [device_elsewhere()], start=at - HOUR, end=at, by=ada, at=clock.now()
    )
    booked.devices.update(price=Decimal(10_000))  # far more than was set aside for it
    assert settle.settle_ended(at=at) == 1
    healthy.refresh_from_db()
    booked.refresh_from_db()
    assert healthy.settled_at == at
    assert booked.settled_at is None


def device_elsewhere() -> Device:
    node = factories.make_node(devices=1)
    factories.publish_prices(node)
    return node.devices.get()
