"""Who is told what becomes of slots, jobs, grants, tokens and rules: once, and not of one's own doing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.domain import house_rules
from accounts.models import ApiToken, Notice, ProjectMembership, User
from common import clock
from common.ranges import bounds
from nodes.models import Lease
from pricing.models import Grant
from reservations.models import Reservation
from reservations.services import booking, dispatch, settle, telling
from tests import factories
from tests.reservations.services.test_dispatch import MINUTE, end, start
from tests.reservations.services.test_runs import HOUR, queue, slot
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def booked(ada: User) -> Reservation:
    """A slot that begins in two days."""
    return slot(ada, start=clock.now() + timedelta(days=2))


def told(kind: str) -> list[Notice]:
    return list(Notice.objects.filter(kind=kind).select_related("user"))


def test_who_booked_is_told_once_that_the_slot_begins_soon(booked: Reservation, ada: User) -> None:
    begin, _end = bounds(booked.during)
    telling.tell_what_comes(at=begin - timedelta(minutes=31))
    assert told("slot_starting") == []
    for minutes in (29, 28, 1):
        telling.tell_what_comes(at=begin - timedelta(minutes=minutes))
    (notice,) = told("slot_starting")
    assert (notice.user, notice.url) == (ada, booked.get_absolute_url())
    assert "1 × H100 SXM5" in notice.params["devices"]


def test_who_books_a_slot_that_begins_within_the_hour_is_not_reminded(ada: User) -> None:
    booked = slot(ada)
    Reservation.objects.update(created_at=bounds(booked.during)[0] - timedelta(minutes=50))
    telling.tell_what_comes(at=bounds(booked.during)[0] - timedelta(minutes=20))
    assert told("slot_starting") == []


def test_a_cancelled_slot_begins_for_nobody(booked: Reservation) -> None:
    Reservation.objects.update(state=Reservation.State.CANCELLED)
    telling.tell_what_comes(at=bounds(booked.during)[0] - MINUTE)
    assert told("slot_starting") == []


def test_who_queued_a_job_is_told_how_it_ended(booked: Reservation, ada: User) -> None:
    begin = bounds(booked.during)[0]
    run = queue(booked, ada)
    dispatch.dispatch_due(at=begin)
    start(run, begin)
    dispatch.reap(at=begin)
    assert not Notice.objects.exists()
    end(run, begin + MINUTE)
    for _twice in range(2):
        dispatch.reap(at=begin + 2 * MINUTE)
    (notice,) = told("job_ended")
    assert notice.user == ada
    assert notice.params == {
        "project": booked.project.name, "job": 1, "node": run.node.name, "outcome": "finished",
        "exit_code": 0,
    }  # fmt: skip


def test_a_job_lost_with_its_node_is_told_as_lost(booked: Reservation, ada: User) -> None:
    begin, over = bounds(booked.during)
    run = queue(booked, ada)
    dispatch.dispatch_due(at=begin)
    start(run, begin)
    dispatch.reap(at=over + HOUR)  # the node has not been heard of since
    assert Lease.objects.get().end_reason == "agent_lost"
    assert [notice.user for notice in told("job_lost")] == [ada]
    assert told("job_ended") == []


def test_a_job_that_never_started_is_told_so_unless_its_slot_was_cancelled(
    booked: Reservation, ada: User
) -> None:
    queue(booked, ada)
    dispatch.dispatch_due(at=bounds(booked.during)[1])
    (notice,) = told("job_ended")
    assert notice.params["outcome"] == "not_started"
    other = slot(ada, start=clock.now() + timedelta(days=3))
    queue(other, ada)
    Reservation.objects.filter(pk=other.pk).update(state=Reservation.State.CANCELLED)
    dispatch.dispatch_due(at=bounds(other.during)[1])
    assert len(told("job_ended")) == 1


def test_a_slot_that_somebody_else_cancels_is_told_to_who_booked_it() -> None:
    node, lab = make_open_node(), make_lab()
    lead = lab.join("lead")
    for by in (lab.member, lead):
        booked = lab.book([*node.devices.all()][:1], in_days(3))
        booking.cancel(reservation=booked, by=by, at=clock.now())
    (notice,) = told("slot_cancelled")
    assert (notice.user, notice.params["by"]) == (lab.member, str(lead))


def test_what_a_late_cancellation_costs_is_told_and_an_ordinary_slot_is_not() -> None:
    node, lab = make_open_node(), make_lab()
    begin = in_days(0.5)
    late = lab.book([*node.devices.all()][:1], begin)
    kept = lab.book([*node.devices.all()][1:2], begin)
    booking.cancel(reservation=late, by=lab.member, at=clock.now())
    settle.settle_ended(at=bounds(kept.during)[1] + HOUR)
    (notice,) = told("slot_settled")
    assert notice.url == late.get_absolute_url()
    assert Decimal(notice.params["charged_eur"]) > 0


def test_leads_are_told_when_a_grant_reaches_80_percent_and_when_nothing_is_left() -> None:
    node, lab = make_open_node(), make_lab()
    lead = lab.join("lead")
    devices = [*node.devices.all()][:1]
    price = lab.book(devices, in_days(2)).quoted_price
    assert told("grant_used") == []
    Grant.objects.update(amount=price * Decimal("2.2"))
    lab.book(devices, in_days(3))
    (notice,) = told("grant_used")
    assert (notice.user, notice.params["used_ratio"]) == (lead, "0.8")
    Grant.objects.update(amount=price * 3)
    lab.book(devices, in_days(4))
    assert sorted(notice.params["used_ratio"] for notice in told("grant_used")) == ["0.8", "1"]


def test_of_an_allowance_only_its_end_is_told() -> None:
    node, lab = make_open_node(), make_lab()
    lab.join("lead")
    devices = [*node.devices.all()][:1]
    price = lab.book(devices, in_days(2)).quoted_price
    Grant.objects.update(amount=price * Decimal("2.2"), allowance_month=clock.now().date())
    lab.book(devices, in_days(3))
    assert told("grant_used") == []


def test_a_token_of_long_life_is_told_a_week_before_its_end(ada: User) -> None:
    now = clock.now()
    for name, days in (("long", 90), ("short", 5)):
        ApiToken.objects.create(
            user=ada, name=name, scopes=["read"], hint="eqn_", token_hash=name, created_at=now,
            expires_at=now + timedelta(days=days),
        )  # fmt: skip
    telling.tell_what_comes(at=now)
    assert told("token_expiring") == []
    for days in (83.5, 84):
        telling.tell_what_comes(at=now + timedelta(days=days))
    (notice,) = told("token_expiring")
    assert notice.params["token"] == "long"


def test_new_house_rules_are_told_to_who_accepted_older_ones(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    newcomer = factories.make_user(accepts_rules=False)
    telling.tell_what_comes(at=clock.now())
    assert told("rules_changed") == []
    newer = replace(house_rules.CURRENT, number=house_rules.CURRENT.number + 1)
    monkeypatch.setattr(house_rules, "CURRENT", newer)
    for _twice in range(2):
        telling.tell_what_comes(at=clock.now())
    assert [notice.user for notice in told("rules_changed")] == [ada]
    assert newcomer not in [notice.user for notice in told("rules_changed")]


def test_who_leads_is_asked_when_it_is_told() -> None:
    """Somebody who joined as lead after the grant was given is told too; a member is not."""
    node, lab = make_open_node(), make_lab(budget="0.000001")
    ProjectMembership.objects.filter(user=lab.member).update(role="lead")
    Grant.objects.update(amount=Decimal(1000))
    member = lab.join()
    price = lab.book([*node.devices.all()][:1], in_days(2)).quoted_price
    Grant.objects.update(amount=price * 2)
    lab.book([*node.devices.all()][:1], in_days(3))
    assert {notice.user for notice in told("grant_used")} == {lab.member}
    assert member not in {notice.user for notice in told("grant_used")}
