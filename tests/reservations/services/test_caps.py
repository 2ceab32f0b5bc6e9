"""A member's cap, and the project's own end, when somebody books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, ProjectMembership
from common import clock
from reservations.domain import slots
from reservations.errors import NotAMember, Refused
from reservations.management.commands.replay_decisions import difference_of
from reservations.models import Decision
from reservations.selectors.standing import position_of
from reservations.services import booking, capacity, releasing, settle
from tests.races import at_once, split
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def make_led_lab(**fields: str) -> Lab:
    lab = make_lab(**fields)
    lab.join(role="lead")
    return lab


def cap(lab: Lab, hours: str | None) -> None:
    ProjectMembership.objects.filter(project=lab.project, user=lab.member).update(
        monthly_cap=hours and Decimal(hours)
    )


def refusing(refusal: Refused) -> set[str]:
    return {rule.code for rule in refusal.answer.refusing}


def within_a_month(hours: float) -> datetime:
    """A mark soon, after which the month has that many hours left; else its next month's first."""
    start = slots.mark_after(clock.now() + timedelta(hours=1))
    end = start + timedelta(hours=hours)
    return start if end.month == start.month else end.replace(day=1, hour=0, minute=0)


def test_a_cap_counts_what_the_member_booked_and_nobody_else(db: None) -> None:
    lab, node = make_led_lab(budget="100000"), make_open_node()
    colleague = lab.join()
    devices, start = list(node.devices.all()), within_a_month(hours=5)
    cap(lab, "4")
    lab.book(devices[1:], start, hours=1, asked_by=colleague)
    lab.book(devices[:2][:1], start, hours=2)
    with pytest.raises(Refused) as refusal:
        lab.book(devices[:2][:1], start + timedelta(hours=2), hours=3)
    assert refusing(refusal.value) == {"member_cap"}
    (rule,) = refusal.value.answer.refusing
    assert (rule.limit, rule.actual, rule.excess) == ("4.00", "5.000000", "1.000000")
    assert rule.facts["held"] == "2.000000"
    lab.book(devices[:1], start + timedelta(hours=2), hours=2)  # exactly the cap


def test_a_cancelled_slot_counts_no_more_and_without_a_cap_nothing_does(db: None) -> None:
    lab, node = make_led_lab(budget="100000"), make_open_node()
    device, start = node.devices.first(), in_days(2)
    cap(lab, "2")
    reservation = lab.book([device], start, hours=2)
    booking.cancel(reservation=reservation, by=lab.member, at=clock.now())
    lab.book([device], start, hours=2)
    cap(lab, None)
    lab.book([device], start + timedelta(hours=2), hours=2)


def test_of_a_slot_released_early_only_what_was_held_counts(db: None) -> None:
    lab, node = make_led_lab(budget="100000"), make_open_node()
    devices, start = list(node.devices.all()), within_a_month(hours=9)
    cap(lab, "8")
    slot = lab.book(devices[:2], start, hours=4)
    later = {"devices": devices[:1], "start": start + timedelta(hours=4), "hours": 1}
    with pytest.raises(Refused):  # all of it counts while it runs
        lab.book(**later, at=start + timedelta(minutes=30))
    releasing.release(reservation=slot, by=lab.member, at=start + timedelta(minutes=45))
    at = start + timedelta(hours=1)
    with pytest.raises(Refused) as refusal:
        lab.book(devices[:3], start + timedelta(hours=4), hours=3, at=at)
    (rule,) = refusal.value.answer.refusing
    assert (rule.code, rule.facts["held"], rule.actual) == ("member_cap", "1.500000", "10.500000")
    settle.settle_ended(at=start + timedelta(hours=4))  # nor does it count otherwise once it is settled
    lab.book(**later, at=start + timedelta(hours=3, minutes=59))


def test_a_slot_counts_in_the_month_in_which_it_begins(db: None) -> None:
    lab, node = make_led_lab(budget="100000"), make_open_node()
    cap(lab, "2")
    now = clock.now()
    following = (now.astimezone(UTC).replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    at = following - timedelta(days=2)
    device = node.devices.first()
    lab.book([device], following - timedelta(hours=1), hours=2, at=at)  # all of it counts before
    lab.book([device], following + timedelta(hours=1), hours=2, at=at)
    for start in (following - timedelta(hours=9), following + timedelta(hours=9)):
        with pytest.raises(Refused) as refusal:
            lab.book([device], start, hours=1, at=at)
        assert refusing(refusal.value) == {"member_cap"}


def test_decisions_with_a_cap_replay_and_name_nobody(db: None) -> None:
    lab, node = make_led_lab(), make_open_node()
    cap(lab, "3")
    decision = lab.book([node.devices.first()], in_days(2), hours=2).decision
    decision.refresh_from_db()
    assert decision.snapshot["member"] == {"limit": "3.00", "held": []}
    assert difference_of(decision) == ""
    assert str(lab.member.uid) not in str([decision.request, decision.snapshot, decision.rules])


def test_a_cap_costs_no_query(db: None) -> None:
    lab, node = make_led_lab(budget="100000"), make_open_node(devices=4)
    devices = list(node.devices.all())
    capacity.measure(at=clock.now())
    lab.book(devices[:1], in_days(2))  # what is read once is read now
    counts = []
    for number, hours in ((1, None), (2, "50")):
        cap(lab, hours)
        with CaptureQueriesContext(connection) as queries:
            lab.book([devices[number]], in_days(2))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_was_removed_while_waiting_books_no_more(db: None) -> None:
    """The lock's own statement may have read the membership before it ended."""
    lab = make_led_lab()
    make_open_node()
    _policy, rules = booking.policies.in_force(clock.now())
    position = position_of(project_id=lab.project.pk, policy=rules, at=clock.now(), asked_by_id=0)
    assert position is not None
    assert not position.is_member
    ProjectMembership.objects.filter(user=lab.member).delete()
    with pytest.raises(NotAMember):
        lab.book([make_open_node().devices.first()], in_days(2))


# --- the project's own state ---
def test_a_suspended_project_books_nothing_and_the_refusal_is_stored(db: None) -> None:
    lab, node = make_led_lab(), make_open_node()
    Project.objects.update(suspended_at=clock.now(), suspension_reason="Mining")
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], in_days(2))
    assert refusing(refusal.value) == {"project_standing"}
    assert refusal.value.answer.nearest is None
    decision = Decision.objects.get()
    assert decision.snapshot["project"] == {
        "is_suspended": True, "expires_at": None, "project_class": "research",
    }  # fmt: skip
    assert difference_of(decision) == ""


def test_no_slot_ends_after_its_project(db: None) -> None:
    lab, node = make_led_lab(), make_open_node()
    ends = in_days(2)
    Project.objects.update(expires_at=ends)
    device = node.devices.first()
    with pytest.raises(Refused) as refusal:
        lab.book([device], ends - timedelta(hours=1), hours=2)
    assert refusing(refusal.value) == {"project_standing"}
    assert refusal.value.answer.nearest is not None
    assert refusal.value.answer.nearest.end == ends
    lab.book([device], ends - timedelta(hours=1), hours=1)


# --- at once, on committed data ---
@pytest.mark.django_db(transaction=True)
def test_a_cap_cannot_be_used_twice_by_asking_twice_at_once() -> None:
    """Seen to fail without FOR NO KEY UPDATE in _LOCK: each then sees nothing booked."""
    lab, node = make_led_lab(budget="100000"), make_open_node(devices=4)
    cap(lab, "5")
    capacity.measure(at=clock.now())
    start = in_days(2)
    calls = [partial(lab.book, [device], start, hours=3) for device in node.devices.all()]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1
    assert [refusing(answer) for answer in refused] == [{"member_cap"}] * 3
