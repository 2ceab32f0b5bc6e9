"""Queueing jobs for a slot and taking them back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import ProjectMembership, User
from common import clock
from nodes.models import Node
from reservations.errors import NotAKeeper, NotAMember, RunRefused
from reservations.models import Reservation, Run
from reservations.services import runs
from tests import factories
from tests.races import at_once, split

HOUR = timedelta(hours=1)


def slot(ada: User, *, start: datetime | None = None, hours: int = 2, devices: int = 1) -> Reservation:
    node = factories.make_node(devices=2)
    factories.publish_prices(node)
    now = clock.now()
    start = start or now + HOUR
    return factories.make_slot(
        factories.make_project(ada), list(node.devices.all())[:devices],
        start=start, end=start + hours * HOUR, by=ada, at=now,
    )  # fmt: skip


def node_of(reservation: Reservation) -> Node:
    return Node.objects.get(devices__pk=reservation.devices.first().device_id)  # type: ignore[union-attr]


def queue(reservation: Reservation, by: User, at: datetime | None = None, **changes: object) -> Run:
    job = {"script": "true", "environment": {}, "bring_back": []} | changes
    return runs.queue_run(
        reservation=reservation, node=job.pop("node", None) or node_of(reservation), by=by,
        at=at or clock.now(), **job,
    )  # type: ignore[arg-type] # fmt: skip


@pytest.mark.django_db
def test_runs_are_numbered_in_the_order_they_were_queued(ada: User) -> None:
    reservation = slot(ada)
    assert [queue(reservation, ada).number for _ in range(3)] == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_queueing_at_once_gives_each_a_number_of_its_own(ada: User) -> None:
    reservation = slot(ada)
    queued, refused = split(at_once(*[lambda: queue(reservation, ada)] * 6))
    assert refused == []
    assert sorted(run.number for run in queued) == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_who_booked_the_slot_and_the_leads_queue_and_stop(ada: User, lena: User, mallory: User) -> None:
    reservation, colleague = slot(ada), factories.make_user()
    ProjectMembership.objects.create(project=reservation.project, user=lena, role="lead")
    ProjectMembership.objects.create(project=reservation.project, user=colleague)
    by_ada, by_lena = queue(reservation, ada), queue(reservation, lena)
    for user, refusal in ((mallory, NotAMember), (colleague, NotAKeeper)):
        with pytest.raises(refusal):
            queue(reservation, user)
        with pytest.raises(refusal):
            runs.stop_run(run=by_ada, by=user, at=clock.now())
    for run, user in ((by_lena, ada), (by_ada, lena)):
        runs.stop_run(run=run, by=user, at=clock.now())
    assert set(Run.objects.values_list("state", flat=True)) == {"not_run"}


@pytest.mark.django_db
def test_nothing_is_queued_for_a_slot_that_is_over_or_cancelled(ada: User) -> None:
    reservation = slot(ada)
    with pytest.raises(RunRefused, match="over"):
        queue(reservation, ada, at=reservation.during.upper)
    Reservation.objects.update(state="cancelled")
    with pytest.raises(RunRefused, match="cancelled"):
        queue(reservation, ada)


@pytest.mark.django_db
def test_a_node_that_is_not_part_of_the_reservation_is_refused(ada: User) -> None:
    reservation = slot(ada)
    with pytest.raises(RunRefused) as refused:
        queue(reservation, ada, node=factories.make_node())
    assert refused.value.field == "node"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"script": "  \n"}, "script"),
        ({"script": "a\0b"}, "script"),
        ({"script": "é" * 40_000}, "script"),
        ({"environment": {"1A": "x"}}, "environment"),
        ({"environment": {"A=B": "x"}}, "environment"),
        ({"environment": {"A": "x\0"}}, "environment"),
        ({"environment": {"A": "x" * 40_000}}, "environment"),
        ({"environment": {f"A{n}": "" for n in range(101)}}, "environment"),
        ({"bring_back": ["/etc/passwd"]}, "bring_back"),
        ({"bring_back": ["../secrets"]}, "bring_back"),
        ({"bring_back": ["a/../../b"]}, "bring_back"),
        ({"bring_back": [""]}, "bring_back"),
        ({"bring_back": ["*"] * 21}, "bring_back"),
    ],
)
def test_a_job_that_cannot_be_run_names_the_field(ada: User, job: dict[str, object], field: str) -> None:
    reservation = slot(ada)
    with pytest.raises(RunRefused) as refused:
        queue(reservation, ada, **job)
    assert refused.value.field == field
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_a_queued_run_can_be_taken_back_and_then_there_is_nothing_to_stop(ada: User) -> None:
    run = queue(slot(ada), ada)
    runs.stop_run(run=run, by=ada, at=clock.now())
    run.refresh_from_db()
    assert run.state == Run.State.NOT_RUN
    with pytest.raises(RunRefused, match="over"):
        runs.stop_run(run=run, by=ada, at=clock.now())


@pytest.mark.django_db
def test_line_ends_of_a_browser_become_those_of_a_shell(ada: User) -> None:
    assert queue(slot(ada), ada, script="echo a\r\necho b\r\n").script == "echo a\necho b\n"
