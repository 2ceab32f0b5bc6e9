"""Handing due runs to their nodes and reading back what became of them."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from time import sleep

import pytest
import redis
from django.conf import settings
from django.db import transaction

from accounts.models import User
from common.ranges import bounds
from nodes.models import HoldEvent, Lease
from nodes.services import leases, occupancy, wake
from reservations.models import Reservation, Run
from reservations.services import dispatch, runs
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.test_runs import HOUR, queue, slot

MINUTE = timedelta(minutes=1)


@pytest.fixture
def booked(ada: User) -> Reservation:
    """A slot of two hours that begins in an hour."""
    return slot(ada)


def lease_of(run: Run) -> Lease:
    return Lease.objects.get(reference=run.reference)


@pytest.mark.django_db
def test_a_run_is_handed_over_five_minutes_before_its_slot_and_no_sooner(
    booked: Reservation, ada: User
) -> None:
    run = queue(booked, ada)
    start = booked.during.lower
    assert dispatch.dispatch_due(at=start - 6 * MINUTE) == 0
    assert dispatch.dispatch_due(at=start - 4 * MINUTE) == 1
    run.refresh_from_db()
    lease = lease_of(run)
    assert (run.state, run.lease_uid) == (Run.State.LEASED, lease.uid)
    assert (lease.not_before, lease.ends_at) == (start, booked.during.upper)


@pytest.mark.django_db
def test_the_node_gets_the_memory_that_goes_with_the_devices(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada, environment={"A": "1"}, bring_back=["*.txt"])
    dispatch.dispatch_due(at=booked.during.lower)
    specification = lease_of(run).specification
    assert specification["limits"]["memory_bytes"] == run.node.memory_bytes // 2  # one device of two
    assert specification["environment"] == {"A": "1"}
    assert specification["bring_back"] == ["*.txt"]
    assert (specification["network"], specification["runner"]) == ("none", "bubblewrap")


@pytest.mark.django_db
def test_jobs_of_one_slot_run_one_after_another(booked: Reservation, ada: User) -> None:
    first, second = queue(booked, ada), queue(booked, ada)
    at = booked.during.lower
    assert dispatch.dispatch_due(at=at) == 1
    assert dispatch.dispatch_due(at=at) == 0
    end(first, at + MINUTE)
    assert dispatch.reap(at=at + MINUTE) == 1
    assert dispatch.dispatch_due(at=at + MINUTE) == 1
    assert lease_of(second).not_before == at + MINUTE


@pytest.mark.django_db
def test_what_waits_when_the_slot_ends_is_marked_as_not_run(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada)
    dispatch.dispatch_due(at=booked.during.upper)
    run.refresh_from_db()
    assert (run.state, run.finished_at) == (Run.State.NOT_RUN, booked.during.upper)
    assert not Lease.objects.exists()


@pytest.mark.django_db
def test_what_waits_in_a_cancelled_slot_is_marked_as_not_run(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada)
    Reservation.objects.update(state=Reservation.State.CANCELLED)
    dispatch.dispatch_due(at=booked.during.lower)
    run.refresh_from_db()
    assert run.state == Run.State.NOT_RUN


@pytest.mark.django_db
def test_what_runs_in_a_slot_that_is_given_back_is_asked_to_stop(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada)
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    start(run, at)
    Reservation.objects.update(state=Reservation.State.CANCELLED)
    dispatch.reap(at=at + MINUTE)
    assert lease_of(run).stop_requested_at == at + MINUTE


@pytest.mark.django_db
def test_a_run_follows_its_lease_to_the_end(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada)
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    start(run, at)
    assert dispatch.reap(at=at) == 0
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING
    assert HoldEvent.objects.filter(event="started", reference=booked.reference).count() == 1
    end(run, at + MINUTE)
    assert dispatch.reap(at=at + 2 * MINUTE) == 1
    run.refresh_from_db()
    assert (run.state, run.finished_at) == (Run.State.ENDED, at + MINUTE)
    assert dispatch.reap(at=at + 3 * MINUTE) == 0


@pytest.mark.django_db
def test_a_run_whose_node_never_answers_is_lost(booked: Reservation, ada: User) -> None:
    run = queue(booked, ada)
    dispatch.dispatch_due(at=booked.during.lower)
    assert dispatch.reap(at=booked.during.upper + HOUR) == 1
    run.refresh_from_db()
    assert run.state == Run.State.LOST


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_at_once_give_one_lease(booked: Reservation, ada: User) -> None:
    queue(booked, ada)
    queue(booked, ada)
    at = booked.during.lower
    answers, failed = split(at_once(*[lambda: dispatch.dispatch_due(at=at)] * 6))
    assert failed == []
    assert sum(answers) == 1
    assert Lease.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_booking_with_a_job_and_dispatching_do_not_wait_for_each_other(
    booked: Reservation, ada: User
) -> None:
    """While the lease locks the node's key, the two wait in a circle and the database ends one."""
    queue(booked, ada)
    begin, end = bounds(booked.during)
    devices = [one.device for one in booked.devices.select_related("device")]
    later = factories.make_slot(
        booked.project, devices, start=end, end=end + HOUR, by=ada, at=booked.created_at
    )
    devices_are_locked = Event()

    def book() -> None:
        with transaction.atomic():
            occupancy.lock_devices(device_ids=[device.pk for device in devices])
            devices_are_locked.set()
            sleep(0.5)  # the dispatcher has the node by now, and comes to the devices
            queue(later, ada)

    def hand_over() -> int:
        devices_are_locked.wait(timeout=10)
        return dispatch.dispatch_due(at=begin)

    assert at_once(book, hand_over) == [None, 1]


@pytest.mark.django_db(transaction=True)
def test_a_dispatcher_that_dies_before_it_commits_leaves_the_run_to_the_next(
    booked: Reservation, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue(booked, ada)

    def power_cut(node_uid: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(wake, "wake_agent", power_cut)
        with pytest.raises(SystemExit):
            dispatch.dispatch_due(at=booked.during.lower)
    run.refresh_from_db()
    assert run.state == Run.State.QUEUED
    assert dispatch.dispatch_due(at=booked.during.lower) == 1
    assert Lease.objects.count() == 1


@pytest.mark.django_db
def test_one_run_that_cannot_be_handed_over_does_not_hold_up_the_others(
    booked: Reservation, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    broken, healthy = queue(booked, ada), queue(slot(ada), ada)
    booked.devices.all().delete()  # then it has no part of the node at all
    assert dispatch.dispatch_due(at=booked.during.lower) == 1
    broken.refresh_from_db()
    healthy.refresh_from_db()
    assert (broken.state, healthy.state) == (Run.State.QUEUED, Run.State.LEASED)
    assert f"run {broken.pk} could not be handed over" in caplog.text


@pytest.mark.django_db
def test_one_run_that_cannot_be_read_back_does_not_hold_up_the_others(
    booked: Reservation, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, healthy = queue(booked, ada), queue(slot(ada), ada)
    at = booked.during.lower
    assert dispatch.dispatch_due(at=at) == 2
    for run in (broken, healthy):
        end(run, at + MINUTE)
    finish = dispatch._finish

    def finish_unless_broken(run: Run, *args: object) -> bool:
        if run.pk == broken.pk:
            raise ValueError("this one")
        return finish(run, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch, "_finish", finish_unless_broken)
    assert dispatch.reap(at=at + MINUTE) == 1
    healthy.refresh_from_db()
    assert healthy.state == Run.State.ENDED


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "unix:///nowhere/valkey.sock?db=0")


@pytest.mark.django_db(transaction=True)
def test_dispatch_works_while_the_broker_is_away(booked: Reservation, ada: User, no_broker: None) -> None:
    with pytest.raises(redis.ConnectionError):
        wake._redis(settings.REDIS_URL).ping()
    run = queue(booked, ada)
    assert dispatch.dispatch_due(at=booked.during.lower) == 1
    runs.stop_run(run=run, by=ada, at=booked.during.lower)
    assert dispatch.reap(at=booked.during.lower) == 1


def start(run: Run, at: object) -> None:
    lease = lease_of(run)
    Lease.objects.filter(pk=lease.pk, handed_over_at=None).update(handed_over_at=at)
    leases.start(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, start_delay_ms=3, ago=0.0, at=at
    )  # type: ignore[arg-type]


def end(run: Run, at: object, reason: str = "finished") -> None:
    lease = lease_of(run)
    leases.end(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, ago=0.0, at=at,
        ending=leases.Ending(reason=reason, exit_code=0),
    )  # type: ignore[arg-type] # fmt: skip
