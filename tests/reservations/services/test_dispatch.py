"""Handing due runs to their nodes and reading back what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event
from time import sleep
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction

from accounts.models import Notice, User
from common.ranges import bounds
from nodes.models import Agent, HoldEvent, Lease, OutputFile
from nodes.services import enrolment, leases, occupancy, wake
from reservations.domain.jobs import Terms
from reservations.models import Reservation, Run
from reservations.services import dispatch, runs
from tests import factories
from tests.nodes.cast import SigningAgent
from tests.races import at_once, split
from tests.reservations.services.test_runs import HOUR, node_of, queue, slot

MINUTE = timedelta(minutes=1)


@pytest.fixture
def booked(ada: User) -> Reservation:
    """A slot of two hours that begins in an hour."""
    return slot(ada)


def lease_of(run: Run) -> Lease:
    return Lease.objects.get(reference=run.reference)


def serve(run: Run, protocol: str = "1.1") -> SigningAgent:
    """Let the run's node have an agent."""
    agent = SigningAgent(run.node)
    Agent.objects.filter(pk=agent.row.pk).update(protocol=protocol)
    return agent


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("on_disconnect", "protocol", "ahead"),
    [("keep", "1.1", 24 * HOUR), ("stop", "1.1", 5 * MINUTE), ("keep", "1.0", 5 * MINUTE)],
)
def test_a_run_is_handed_over_a_day_ahead_where_its_node_may_go_on_alone(
    booked: Reservation, ada: User, on_disconnect: str, protocol: str, ahead: timedelta
) -> None:
    """Agents of version 1.0 would refuse tomorrow's job because of a pause of today."""
    run = queue(booked, ada, terms=Terms(on_disconnect=on_disconnect))
    serve(run, protocol)
    start = booked.during.lower
    assert dispatch.dispatch_due(at=start - ahead - MINUTE) == 0
    assert dispatch.dispatch_due(at=start - ahead + MINUTE) == 1
    run.refresh_from_db()
    lease = lease_of(run)
    assert (run.state, run.lease_uid) == (Run.State.LEASED, lease.uid)
    assert (lease.not_before, lease.ends_at) == (start, booked.during.upper)


@pytest.mark.django_db
def test_a_job_that_may_be_handed_over_early_does_not_pass_one_that_may_not(
    booked: Reservation, ada: User
) -> None:
    first, second = queue(booked, ada, terms=Terms(on_disconnect="stop")), queue(booked, ada)
    serve(first)
    start = booked.during.lower
    assert dispatch.dispatch_due(at=start - HOUR) == 0
    assert dispatch.dispatch_due(at=start - MINUTE) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (Run.State.LEASED, Run.State.QUEUED)


# --- again, where a node failed -------------------------------------------------------------
FROM_CHECKPOINT = Terms(retry="from_checkpoint", checkpoint=("state/*",))


def lose(run: Run, at: datetime, *, began: bool = True) -> None:
    """As an agent does whose machine restarted."""
    if began:
        start(run, at)
    end(run, at + MINUTE, "lost")


@pytest.mark.django_db
@pytest.mark.parametrize("retry", ["never", "from_start"])
def test_a_run_whose_node_failed_is_queued_again_only_if_its_terms_say_so(
    booked: Reservation, ada: User, retry: str
) -> None:
    run = queue(booked, ada, environment={"A": "1"}, terms=Terms(retry=retry))
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    lose(run, at)
    assert dispatch.reap(at=at + MINUTE) == 1
    assert dispatch.reap(at=at + 2 * MINUTE) == 0
    again = list(Run.objects.filter(retry_of=run))
    assert len(again) == (retry != "never")
    told = Notice.objects.get(kind="job_lost").params
    assert told["again"] == (2 if again else None)
    for one in again:
        assert (one.number, one.state, one.environment, one.terms) == (2, "queued", {"A": "1"}, run.terms)
        assert dispatch.dispatch_due(at=at + 2 * MINUTE) == 1
        assert lease_of(one).fence == lease_of(run).fence + 1


@pytest.mark.django_db
def test_a_node_that_fails_again_and_again_is_given_the_job_three_times_more(
    booked: Reservation, ada: User
) -> None:
    queue(booked, ada, terms=Terms(retry="from_start"))
    at = booked.during.lower
    for _time in range(6):
        if dispatch.dispatch_due(at=at):
            lose(Run.objects.get(state=Run.State.LEASED), at)
            dispatch.reap(at=at + MINUTE)
        at += 2 * MINUTE
    assert [run.state for run in Run.objects.order_by("number")] == [Run.State.LOST] * 4


@pytest.mark.django_db
def test_what_never_began_is_queued_again_whatever_its_terms(booked: Reservation, ada: User) -> None:
    """Its moment had not come: to run it later is no second time."""
    run = queue(booked, ada)
    serve(run)
    dispatch.dispatch_due(at=booked.during.lower - HOUR)
    lose(run, booked.during.lower - HOUR, began=False)
    dispatch.reap(at=booked.during.lower - HOUR + MINUTE)
    assert Run.objects.get(retry_of=run).state == Run.State.QUEUED


@pytest.mark.django_db
def test_what_somebody_asked_to_stop_or_whose_slot_is_over_stays_lost(booked: Reservation, ada: User) -> None:
    stopped, late = queue(booked, ada, terms=Terms(retry="from_start")), slot(ada)
    over = queue(late, ada, terms=Terms(retry="from_start"))
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    for run in (stopped, over):
        start(run, at)
    leases.request_stop(reference=stopped.reference, at=at)
    end(stopped, at + MINUTE, "lost")
    dispatch.reap(at=at + MINUTE)
    end(over, late.during.upper, "lost")
    dispatch.reap(at=late.during.upper)
    assert not Run.objects.exclude(retry_of=None).exists()


@pytest.mark.django_db
def test_a_job_that_goes_on_is_given_the_files_of_the_newest_attempt_that_left_any(
    booked: Reservation, ada: User
) -> None:
    first = queue(booked, ada, terms=FROM_CHECKPOINT)
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    assert "resume" not in lease_of(first).specification
    OutputFile.objects.create(
        lease=lease_of(first), name="state/1.pt", size=3, sha256="a" * 64, content="x", received_at=at
    )
    expected = {
        "lease": str(lease_of(first).uid),
        "files": [{"name": "state/1.pt", "size": 3, "sha256": "a" * 64}],
    }
    for _time in range(2):  # the second attempt leaves nothing: the third goes on from the first all the same
        run = Run.objects.get(state=Run.State.LEASED)
        lose(run, at)
        dispatch.reap(at=at + MINUTE)
        at += 2 * MINUTE
        dispatch.dispatch_due(at=at)
        assert lease_of(Run.objects.get(retry_of=run)).specification["resume"] == expected


@pytest.mark.django_db
def test_another_agent_of_the_node_gets_what_the_one_before_it_had_not_begun(
    booked: Reservation, ada: User
) -> None:
    """A day ahead it would be a day of dead slots: only the agent that staged a lease knows of it."""
    run, at = queue(booked, ada), booked.during.lower - 20 * HOUR
    agent = serve(run)
    dispatch.dispatch_due(at=at)
    leases.stage(node_id=run.node_id, lease_uid=lease_of(run).uid, fence=lease_of(run).fence, at=at)
    Lease.objects.update(handed_over_at=at)
    enrolment.revoke(agent=agent.row, reason="a new disk", at=at + HOUR)
    assert dispatch.reap(at=at + HOUR) == 1
    serve(run)
    assert dispatch.dispatch_due(at=at + HOUR) == 1
    again = Run.objects.get(retry_of=run)
    assert lease_of(again).fence > lease_of(run).fence
    assert [lease.state for lease in Lease.objects.order_by("fence")] == ["lost", "waiting"]


@pytest.mark.django_db
def test_what_an_agent_runs_goes_on_when_it_is_shut_out(booked: Reservation, ada: User) -> None:
    run, at = queue(booked, ada), booked.during.lower
    agent = SigningAgent(run.node)
    dispatch.dispatch_due(at=at)
    start(run, at)
    enrolment.revoke(agent=agent.row, reason="", at=at + MINUTE)
    assert lease_of(run).state == "running"


def moved_by(old: Reservation, ada: User, run: Run, at: datetime) -> Run:
    """The job that came along when the slot was moved while its node had it already."""
    new = slot(ada)
    Reservation.objects.filter(pk=old.pk).update(state=Reservation.State.CANCELLED)
    runs.stop_all(reservation=old, at=at)
    return Run.objects.create(
        reservation=new, node=node_of(new), number=1, script=run.script, created_by=ada, created_at=at,
        retry_of=run,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("began", [True, False])
def test_a_job_that_moved_with_its_slot_waits_until_the_node_says_that_it_did_not_begin(
    booked: Reservation, ada: User, began: bool
) -> None:
    """A node that is cut off begins it at the old time all the same, and tells so later."""
    run, at = queue(booked, ada), booked.during.lower
    serve(run)
    dispatch.dispatch_due(at=at - HOUR)
    Lease.objects.update(handed_over_at=at - HOUR)
    copy = moved_by(booked, ada, run, at - HOUR)
    assert dispatch.dispatch_due(at=at) == 0
    if began:
        start(run, at)
        end(run, at + MINUTE)
    else:
        end(run, at + MINUTE, "stopped")
    dispatch.reap(at=at + MINUTE)
    assert dispatch.dispatch_due(at=at + MINUTE) == (not began)
    copy.refresh_from_db()
    assert copy.state == (Run.State.NOT_RUN if began else Run.State.LEASED)
    told = [notice.params["outcome"] for notice in Notice.objects.filter(kind="job_ended")]
    assert ("has_run" in told) == began


@pytest.mark.django_db
def test_what_just_goes_on_is_not_even_read(
    booked: Reservation, ada: User, django_assert_num_queries: Any
) -> None:
    """Each second: a node has the jobs of the whole next day in hand."""
    queue(booked, ada)
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    with django_assert_num_queries(4):  # the sweep of leases in its savepoint, and one question
        assert dispatch.reap(at=at) == 0


@pytest.mark.django_db(transaction=True)
def test_a_failure_that_six_notice_at_once_queues_the_job_once(booked: Reservation, ada: User) -> None:
    """Kept by the conditional update of the run, and by the constraint on retry_of."""
    run = queue(booked, ada, terms=Terms(retry="from_start"))
    at = booked.during.lower
    dispatch.dispatch_due(at=at)
    lose(run, at)
    answers, failed = split(at_once(*[lambda: dispatch.reap(at=at + MINUTE)] * 6))
    assert failed == []
    dispatch.reap(at=at + MINUTE)  # had each of them found the slot locked by another
    assert Run.objects.filter(retry_of=run).count() == 1
    assert sum(answers) <= 1


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
