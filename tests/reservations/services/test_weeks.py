"""What a week came to, counted from events and decisions, and counted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from accounts.models import Project
from common import clock
from common.ranges import between
from nodes.models import Node
from nodes.services import occupancy
from reservations.domain import policy
from reservations.domain.slots import Week
from reservations.errors import Refused
from reservations.models import Policy, Reservation, Vertex, WeekSum
from reservations.services import usage, weeks
from tests import factories
from tests.races import at_once
from tests.reservations.services.worlds import Lab, make_lab, make_open_node

HOUR = timedelta(hours=1)


@dataclass
class Seen:
    """A week with three projects: one of public interest, one that pays in private, one that was refused."""

    week: Week
    node: Node
    public: Lab
    private: Lab
    other: Lab

    @property
    def over(self) -> datetime:
        return self.week.end + HOUR

    def line(self, of: str, key: str = "") -> WeekSum:
        return WeekSum.objects.get(week=self.week.start.date(), of=of, key=key)

    def count(self) -> None:
        for reservation in Reservation.objects.all():
            usage.count_usage(reservation=reservation)
        weeks.count_week(self.week, at=self.over)


@pytest.fixture
def seen(db: None) -> Seen:
    rules = policy.standard()
    factories.make_policy(**{name: getattr(rules, name) for name in vars(rules)})
    node = make_open_node(devices=4)
    week = Week.of(clock.now()).next.next  # nothing of it is near, whatever day the test runs on
    public = make_lab(name="Bird songs", project_class="citizen", uses_public_money=True, shares=2)
    private = make_lab(name="Quiet start-up", project_class="startup")
    other = make_lab(name="Proteins", uses_public_money=True)
    devices = list(node.devices.all())
    public.book(devices[:2], week.start + 10 * HOUR, hours=10)
    private.book(devices[2:3], week.start + 12 * HOUR, hours=5)
    with pytest.raises(Refused):
        other.book(devices[:3], week.start + 10 * HOUR, hours=4)
    other.book(devices[3:], week.start + 10 * HOUR, hours=4)
    return Seen(week, node, public, private, other)


def weight_of(node: Node) -> Decimal:
    reservation = Reservation.objects.filter(devices__device__node=node)[0]
    return reservation.devices.all()[0].weight


def test_delivered_hours_are_those_of_events_and_add_up(seen: Seen) -> None:
    seen.count()
    weight = weight_of(seen.node)
    assert seen.line("all").delivered == 29 * weight
    lines = WeekSum.objects.filter(of="account")
    assert sum(line.delivered for line in lines) == 29 * weight
    assert sum(line.promised for line in lines) == 1
    for of in ("owner", "country"):
        assert WeekSum.objects.get(of=of).delivered == 29 * weight
    assert seen.line("all").entries == 4


def test_what_one_private_project_used_stands_with_others_and_unnamed(seen: Seen) -> None:
    """Of three accounts one may not be told, and the others make up the three projects that hide it."""
    seen.count()
    pool = seen.line("account")
    assert (pool.name, pool.projects, pool.delivered) == ("", 3, 29 * weight_of(seen.node))
    assert WeekSum.objects.filter(of="account").count() == 1
    assert not WeekSum.objects.filter(name__contains="Quiet").exists()
    classes = WeekSum.objects.filter(of="class")
    assert {line.key for line in classes if line.delivered} == {""}


def test_demand_counts_what_was_refused_and_not_twice_what_was_then_granted(seen: Seen) -> None:
    seen.count()
    # Three devices for four hours were refused, one was granted in their stead: three were wanted.
    assert seen.line("account").demanded == (20 + 5 + 12) * weight_of(seen.node)
    assert (seen.line("all").asked, seen.line("all").granted) == (0, 0)  # they asked in another week
    asked = Week.of(clock.now())
    weeks.count_week(asked, at=asked.end + HOUR)
    line = WeekSum.objects.get(week=asked.start.date(), of="all")
    assert (line.asked, line.granted, line.refused) == (4, 3, 1)
    assert WeekSum.objects.get(week=asked.start.date(), of="rule", key="free").refused == 1


def test_the_floor_is_promised_of_bookable_hours_and_delivered_to_public_interest(seen: Seen) -> None:
    seen.count()
    key = seen.node.devices.all()[0].model_key
    for line in (seen.line("model", key), seen.line("node", seen.node.slug)):
        assert line.bookable == 4 * 168
        assert (line.demanded, line.delivered) == (20, 20)  # by one project, under its own name
        assert line.others is None  # by two, of which one stands under a pseudonym
    assert Fraction(seen.line("model", key).promised) == Fraction(4 * 168, 5)
    # Public money paid three fifths of this node, which is more than a fifth.
    assert Fraction(seen.line("node", seen.node.slug).promised) == Fraction(4 * 168 * 3, 5)


def test_what_few_projects_did_on_a_node_is_told_of_no_node(seen: Seen) -> None:
    """A citizen project under a pseudonym: neither its hours nor what it was refused can be read."""
    Project.objects.filter(pk=seen.public.project.pk).update(uses_public_money=False)
    seen.count()
    key = seen.node.devices.all()[0].model_key
    for of, one in (("model", key), ("node", seen.node.slug)):
        line, rest = seen.line(of, one), seen.line(of)
        assert (line.demanded, line.delivered, line.others) == (None, None, None)
        assert (rest.demanded, rest.delivered, rest.others) == (None, None, None)
        assert line.promised
    # Three projects had hours on the owner's devices: enough. With one of them gone they are not.
    assert seen.line("owner", seen.node.owner.slug).delivered
    alone = Week.of(clock.now()).next.next.next
    seen.private.book([seen.node.devices.all()[0]], alone.start + 12 * HOUR, hours=5)
    for reservation in Reservation.objects.all():
        usage.count_usage(reservation=reservation)
    weeks.count_week(alone, at=alone.end + HOUR)
    for of in ("owner", "country"):
        line = WeekSum.objects.get(week=alone.start.date(), of=of)
        assert (line.key, line.name, line.delivered) == ("", "", None)


def test_a_week_is_counted_by_the_policy_of_its_last_moment_and_not_of_the_next_week(seen: Seen) -> None:
    before = Policy.objects.get()
    Policy.objects.update(effective=between(before.published_at, seen.week.end))
    without = policy.Policy()
    Policy.objects.create(
        version=2, effective=between(seen.week.end, None), rules=without.to_json(), reason="No floor",
        digest=without.digest, entry=factories.make_entry(), published_at=before.published_at,
    )  # fmt: skip
    seen.count()
    assert seen.line("node", seen.node.slug).promised
    weeks.count_week(seen.week.next, at=seen.week.next.end + HOUR)
    assert not WeekSum.objects.filter(week=seen.week.next.start.date(), of="node").exists()


def test_closures_are_not_bookable(seen: Seen) -> None:
    occupancy.close_devices(
        device_ids=[seen.node.devices.all()[0].pk], during=between(seen.week.end - 5 * HOUR, seen.week.end),
        kind="closure", reason="Cleaning", at=clock.now(),
    )  # fmt: skip
    seen.count()
    assert seen.line("node", seen.node.slug).bookable == 4 * 168 - 5


def test_first_slots_count_from_when_a_project_was_opened(seen: Seen) -> None:
    seen.count()
    line = seen.line("first")
    opened = seen.public.project.created_at
    assert (line.projects, line.waiting) == (3, 0)
    hours = Decimal((seen.week.start + 10 * HOUR - opened) / HOUR)
    assert line.median_hours == pytest.approx(hours, abs=Decimal("0.01"))
    # One of a class alone: its wait would be that project's.
    assert seen.line("first", "citizen").median_hours is None


def test_counted_again_it_is_the_same_and_a_difference_is_found(seen: Seen) -> None:
    seen.count()
    before = list(WeekSum.objects.values_list("of", "key", "delivered", "demanded", "promised", "jain"))
    weeks.recount(at=seen.over)
    again = WeekSum.objects.filter(week=seen.week.start.date())
    assert list(again.values_list("of", "key", "delivered", "demanded", "promised", "jain")) == before
    assert weeks.differences(at=seen.over) == []
    again.filter(of="all").update(delivered=1)
    (found,) = weeks.differences(at=seen.over)
    assert "all" in found


def test_what_was_promised_in_a_week_that_is_over_stays(seen: Seen) -> None:
    seen.count()
    promised = seen.line("node", seen.node.slug).promised
    factories.publish_prices(factories.make_node(site=seen.node.site))
    Node.objects.filter(pk=seen.node.pk).update(state=Node.State.WITHDRAWN)
    weeks.count_week(seen.week, at=seen.over + HOUR)
    assert seen.line("node", seen.node.slug).promised == promised


def test_shares_and_projects_of_later_change_nothing_about_a_week_that_is_over(seen: Seen) -> None:
    Project.objects.update(uses_public_money=True)
    seen.count()
    before = list(WeekSum.objects.values_list("of", "key", "promised", "entitled", "jain", "projects"))
    assert len([line for line in before if line[0] == "account"]) == 3
    Vertex.objects.filter(pk=seen.public.vertex.pk).update(shares=50)
    make_lab(name="Latecomers", uses_public_money=True, shares=9)
    idle = factories.make_node(site=seen.node.site)
    Node.objects.filter(pk=seen.node.pk).update(name="Renamed")
    assert weeks.differences(at=seen.over) == []
    weeks.recount(at=seen.over)
    again = WeekSum.objects.filter(week=seen.week.start.date())
    assert list(again.values_list("of", "key", "promised", "entitled", "jain", "projects")) == before
    assert not WeekSum.objects.filter(key=idle.slug).exists()


def test_a_node_that_is_withdrawn_later_stays_in_the_weeks_that_it_was_there(seen: Seen) -> None:
    idle = make_open_node(devices=1)
    seen.count()
    promised = seen.line("node", idle.slug).promised
    assert promised
    Node.objects.filter(pk=idle.pk).update(state=Node.State.WITHDRAWN)
    assert weeks.differences(at=seen.over) == []
    weeks.count_week(seen.week, at=seen.over + HOUR)
    assert seen.line("node", idle.slug).promised == promised


def test_what_ones_own_limits_refused_is_no_broken_promise_of_the_floor(seen: Seen) -> None:
    """Too much of a model for one project is refused to it; what somebody else had is wanted and not had."""
    devices = list(seen.node.devices.all())
    start = seen.week.start + 60 * HOUR
    with pytest.raises(Refused):
        seen.public.book(devices, start, hours=80)
    seen.count()
    assert seen.line("node", seen.node.slug).demanded == 20
    with pytest.raises(Refused):
        seen.public.book(devices[:3], seen.week.start + 12 * HOUR, hours=5)
    seen.count()
    assert seen.line("node", seen.node.slug).demanded == 25


def test_the_sweep_counts_weeks_of_which_it_knows_too_little_and_no_other(seen: Seen) -> None:
    at = seen.over
    assert weeks.count_weeks(at=at) >= 3  # since they first asked
    assert seen.line("all").delivered == 0  # nothing is settled yet
    stamps = dict(WeekSum.objects.filter(of="all").values_list("week", "counted_at"))
    for reservation in Reservation.objects.all():
        usage.count_usage(reservation=reservation)
    later = at + 21 * 24 * HOUR
    weeks.count_weeks(at=later)
    assert seen.line("all").delivered == 29 * weight_of(seen.node)
    first = min(stamps)
    assert WeekSum.objects.get(week=first, of="all").counted_at == stamps[first]


@pytest.mark.django_db(transaction=True)
def test_two_who_count_at_once_leave_one_set_of_lines() -> None:
    node, lab = make_open_node(), make_lab(uses_public_money=True)
    week = Week.of(clock.now()).next
    lab.book([node.devices.all()[0]], week.start + 30 * HOUR)
    assert at_once(*[lambda: weeks.count_week(week, at=week.end)] * 4) == [None] * 4
    assert WeekSum.objects.filter(of="all").count() == 1
