from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from common import clock
from common.ranges import bounds
from nodes.services import occupancy
from reservations.domain import decay
from reservations.domain.policy import Policy
from reservations.models import MemberUse, Reservation, UsageEntry, Vertex
from reservations.selectors.standing import position_of
from reservations.services import booking, policy, usage
from tests.races import at_once
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

HALF_LIFE = Policy().half_life


def vertex_of(lab: Lab) -> Vertex:
    return Vertex.objects.get(pk=lab.vertex.pk)


def assert_as_events_say(*labs: Lab) -> None:
    found = usage.from_events(half_life=HALF_LIFE)
    for lab in labs:
        vertex = vertex_of(lab)
        decayed, committed = found.get(lab.project.pk, (Fraction(0), Fraction(0)))
        assert (Fraction(vertex.decayed_usage), Fraction(vertex.committed)) == (decayed, committed)
    # What a decision reads of the accounts is the sum of the same events, to the last digit.
    position = position_of(project_id=labs[0].project.pk, policy=Policy(), at=clock.now())
    assert position is not None
    (step,) = position.standing.path
    assert step.stored_of_all is not None
    assert step.committed_of_all is not None
    sums = Fraction(step.stored_of_all), Fraction(step.committed_of_all)
    assert sums == tuple(sum((one[part] for one in found.values()), Fraction(0)) for part in (0, 1))


@pytest.mark.django_db
def test_what_was_held_to_its_end_is_counted_once_and_no_longer_as_booked() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book(list(node.devices.all()[:2]), in_days(2), hours=3)
    start, end = bounds(reservation.during)
    entries = usage.count_usage(reservation=reservation)
    assert len(entries) == 2
    weight = reservation.devices.first().weight
    assert [entry.cost_weighted_hours for entry in entries] == [3 * weight] * 2
    vertex = vertex_of(lab)
    assert vertex.committed == 0
    counted = Fraction(decay.counted(weight, start, end, HALF_LIFE))
    assert Fraction(vertex.decayed_usage) == 2 * counted  # to the last of 34 digits: sums are exact
    assert vertex.last_active_at == end
    assert usage.count_usage(reservation=reservation) == []
    assert vertex_of(lab).decayed_usage == vertex.decayed_usage


@pytest.mark.django_db
def test_time_given_back_early_is_not_used() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2), hours=4)
    start, _ = bounds(reservation.during)
    events = occupancy.release_holds(reference=reservation.reference, at=start + timedelta(minutes=61))
    usage.give_back(events=events, project_id=lab.project.pk)
    assert_as_events_say(lab)
    (entry,) = usage.count_usage(reservation=reservation)
    assert entry.during.upper == start + timedelta(minutes=61)
    assert vertex_of(lab).committed == 0
    assert_as_events_say(lab)


@pytest.mark.django_db
def test_a_cancelled_slot_is_not_used() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    booking.cancel(reservation=reservation, by=lab.member, at=clock.now())
    assert usage.count_usage(reservation=reservation) == []
    vertex = vertex_of(lab)
    assert (vertex.committed, vertex.decayed_usage) == (0, 0)


@pytest.mark.django_db
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(2, 24), st.sampled_from(["keep", "cancel", "release", "count"])
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_usage_is_what_the_events_say_after_any_history(steps: list[tuple[int, int, str]]) -> None:
    node = make_open_node(devices=1)
    labs = [make_lab(), make_lab()]
    start = in_days(2)
    for chosen, quarters, fate in steps:
        lab = labs[chosen]
        reservation = lab.book([node.devices.first()], start, hours=quarters / 4)
        begin, end = bounds(reservation.during)
        if fate == "cancel":
            booking.cancel(reservation=reservation, by=lab.member, at=clock.now())
        elif fate == "release":
            moment = begin + (end - begin) / 3
            events = occupancy.release_holds(reference=reservation.reference, at=moment)
            usage.give_back(events=events, project_id=lab.project.pk)
        if fate in ("release", "count"):
            usage.count_usage(reservation=reservation)
        assert_as_events_say(*labs)
        start = end
    Reservation.objects.update(settled_at=clock.now())  # room for the next history


@pytest.mark.django_db
def test_another_half_life_counts_everything_again_from_events() -> None:
    lab, node = make_lab(), make_open_node()
    used = lab.book([node.devices.first()], in_days(2), hours=3)
    lab.book([node.devices.last()], in_days(3), hours=1)
    usage.count_usage(reservation=used)
    before = vertex_of(lab)
    rules = Policy(half_life_hours=168)
    policy.publish_policy(rules=rules, reason="A week is the rhythm of courses.", at=clock.now())
    after = vertex_of(lab)
    start, end = bounds(used.during)
    weight = used.devices.first().weight
    assert Fraction(after.decayed_usage) == Fraction(decay.counted(weight, start, end, rules.half_life))
    assert after.decayed_usage != before.decayed_usage
    assert after.committed == before.committed


@pytest.mark.django_db
def test_a_slot_that_is_settled_after_a_new_half_life_counts_with_it() -> None:
    lab, node = make_lab(), make_open_node()
    first = lab.book([node.devices.first()], in_days(2), hours=3)
    second = lab.book([node.devices.last()], in_days(2), hours=1)
    usage.count_usage(reservation=first)
    rules = Policy(half_life_hours=168)
    end = bounds(second.during)[1]
    policy.publish_policy(rules=rules, reason="A week is the rhythm of courses.", at=end + timedelta(hours=1))
    usage.count_usage(reservation=second)
    found = usage.from_events(half_life=rules.half_life)
    assert Fraction(vertex_of(lab).decayed_usage) == found[lab.project.pk][0]


@pytest.mark.django_db
def test_use_is_rolled_up_for_whoever_held_the_slots() -> None:
    lab, node = make_lab(), make_open_node()
    devices, colleague = list(node.devices.all()), lab.join()
    for days, person in ((1, lab.member), (2, lab.member), (3, colleague)):
        usage.count_usage(reservation=lab.book(devices[:2], in_days(days), asked_by=person))
    sums = {row.person_id: row.cost_weighted_hours for row in MemberUse.objects.filter(vertex=lab.vertex)}
    entries = list(UsageEntry.objects.order_by("pk").values_list("cost_weighted_hours", flat=True))
    assert sums == {lab.member.pk: sum(entries[:4]), colleague.pk: sum(entries[4:])}


def test_hours_between_marks_leave_nothing_behind() -> None:
    third = timedelta(minutes=20)
    assert usage.weighted_hours(Decimal("1.000001"), third) == Decimal("0.333333666666666667")


@pytest.mark.django_db(transaction=True)
def test_counting_at_once_counts_once() -> None:
    """Without lock_vertex the second finds no entry yet and fails on the unique hold."""
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    answers = at_once(*[lambda: usage.count_usage(reservation=reservation)] * 4)
    assert sorted(len(entries) for entries in answers) == [0, 0, 0, 1]
    assert UsageEntry.objects.count() == 1
    assert vertex_of(lab).committed == 0
