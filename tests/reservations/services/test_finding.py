"""Slots that answer a need: free, in time, paid for and granted; and what keeps others from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project
from common import clock
from reservations.domain.decision import Answer
from reservations.domain.needs import Need, Order, Priced
from reservations.domain.slots import mark_after
from reservations.errors import NotAMember
from reservations.models import Capacity, Decision
from reservations.selectors.needs import Answers
from reservations.services import booking, finding
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node, make_rules

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GIB = 1024**3


def found(lab: Lab, at: datetime | None = None, **need: Any) -> Answers:
    asked = Need(**{"devices": 1, "length": 2 * HOUR} | need)
    return finding.find(need=asked, project=lab.project, asked_by=lab.member, at=at or clock.now())


def node_of(one: Priced, answers: Answers) -> str:
    return answers.places[one.tried.place].group.node


def previewed(lab: Lab, one: Priced, at: datetime) -> Answer:
    start = None if one.tried.start == at else one.tried.start
    return booking.preview(
        project=lab.project, devices=[UUID(uid) for uid in one.tried.devices], start=start, end=one.tried.end,
        asked_by=lab.member, at=at,
    )  # fmt: skip


def test_every_slot_is_told_as_a_preview_of_it_is_answered() -> None:
    """Price, level and the rules in the way, whatever stands in it."""
    make_rules()
    lab, other = make_lab(budget="100000", shares=1), make_lab(budget="100000", shares=30)
    near, far = make_open_node(devices=4), make_open_node(devices=8, model="A40")
    other.book(list(near.devices.all()), in_days(1), hours=20)
    lab.book(list(far.devices.all()[:3]), in_days(2), hours=5)
    Project.objects.filter(pk=lab.project.pk).update(expires_at=in_days(9))
    at = clock.now()
    answers = found(lab, at, devices=3, length=120 * HOUR)
    group = vars(answers.sorted)
    every = [one for its in group.values() for one in its]
    assert {node_of(one, answers) for one in every} == {near.slug, far.slug}
    assert group["fitting"]
    # What begins a week later is over after the project.
    assert "project_standing" in {code for one in group["refused"] for code in one.refused}
    for one in every:
        told = previewed(lab, one, at)
        assert told.quote is not None
        assert one.total == told.quote.total
        assert (answers.level, one.level_after) == (told.level.before, told.level.after)
        assert one.refused == tuple(rule.code for rule in told.refusing)
    assert not Decision.objects.exclude(outcome="granted").exists()  # nothing was stored


def test_the_first_is_over_first_and_begins_now_where_devices_are_free() -> None:
    lab, other, busy, idle = make_lab(), make_lab(), make_open_node(devices=1), make_open_node(devices=1)
    other.book([busy.devices.get()], None, hours=6)
    at = clock.now()
    first, *rest = found(lab, at).sorted.fitting
    assert (first.tried.start, first.tried.end) == (at, mark_after(at + 2 * HOUR))
    assert first.tried.devices == (str(idle.devices.get().uid),)
    begins = [one.tried.start for one in (first, *rest)]
    assert begins == sorted(begins)
    assert str(busy.devices.get().uid) in {one.tried.devices[0] for one in rest}  # once it is free
    later = found(lab, at, not_before=in_days(3)).sorted.fitting
    assert min(one.tried.start for one in later) == in_days(3)


def test_a_model_or_memory_is_asked_for_and_devices_stand_on_one_node() -> None:
    lab, at = make_lab(), clock.now()
    small, large = make_open_node(devices=2), make_open_node(devices=4, model="B200")
    large.devices.update(memory_bytes=180 * GIB)
    key = large.devices.all()[0].model_key
    for need, nodes in (
        ({}, {small.slug, large.slug}),
        ({"model": key}, {large.slug}),
        ({"memory_bytes": 81 * GIB}, {large.slug}),
        ({"devices": 3}, {large.slug}),
        ({"devices": 5}, set()),
        ({"model": "none-such"}, set()),
    ):
        answers = found(lab, at, **need)
        assert {place.group.node for place in answers.places} == nodes, need
        assert {node_of(one, answers) for one in answers.sorted.fitting} == nodes, need


def test_a_host_is_found_by_its_model_alone() -> None:
    lab, node = make_lab(), make_open_node(devices=1, model="EPYC")
    node.devices.update(kind="host")
    assert not found(lab).places
    assert found(lab, model=node.devices.get().model_key).sorted.fitting


def test_what_is_too_late_or_too_dear_stands_apart() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=1)
    other.book([node.devices.get()], None, hours=10)
    late = found(lab, done_by=clock.now() + 8 * HOUR).sorted
    assert (late.fitting, late.refused) == ([], [])
    assert late.too_late
    price = late.too_late[0].total
    assert found(lab, at_most=price).sorted.fitting
    dear = found(lab, at_most=price - Decimal("0.000001")).sorted
    assert (dear.fitting, dear.too_late) == ([], [])
    assert dear.too_dear


def test_carbon_is_that_of_the_hours_of_the_slot_and_orders_slots() -> None:
    """A clean hour tomorrow in one zone; the other zone has a mean of its country alone."""
    at = clock.now()
    clean = mark_after(at, HOUR) + 30 * HOUR
    start = clean - 40 * HOUR
    hours = [start + number * HOUR for number in range(200)]
    rows = "".join(f"{hour:%Y-%m-%dT%H:%MZ},{1 if hour == clean else 500}\n" for hour in hours)
    factories.import_hours(f"hour_utc,FR_lca_g_kwh\n{rows}", content="carbon")
    lab, node = make_lab(), make_open_node(devices=2)
    answers = found(lab, at, devices=2, length=HOUR, order=Order.CARBON)
    first = answers.sorted.fitting[0]
    assert first.tried.start == clean
    declared = factories.make_declared()
    energy = declared.active_kilowatts * declared.pue  # both devices of the node, for an hour
    carbon = answers.carbon[first.tried]
    assert carbon is not None
    assert (round(carbon.operational, 6), carbon.is_estimated) == (round(energy, 6), False)
    farthest = max(answers.sorted.fitting, key=lambda one: one.tried.start)
    weeks_later = answers.carbon[farthest.tried]
    assert weeks_later is not None
    assert weeks_later.is_estimated == (farthest.tried.end > hours[-1] + HOUR)
    assert node_of(first, answers) == node.slug


def test_without_any_figure_carbon_is_not_known_and_slots_are_found_all_the_same() -> None:
    lab = make_lab()
    make_open_node(devices=1)
    answers = found(lab, order=Order.CARBON)
    assert answers.sorted.fitting
    assert {answers.carbon[one.tried] for one in answers.sorted.fitting} == {None}


def test_queries_do_not_grow_with_nodes_and_slots() -> None:
    lab = make_lab()
    make_open_node(devices=2)
    counts = []
    for more in (0, 3):
        for _each in range(more):
            make_open_node(devices=4)
        found(lab)  # what is read once is read now
        with CaptureQueriesContext(connection) as queries:
            found(lab)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18, counts


def test_only_for_members_and_without_a_measured_capacity_too() -> None:
    lab, stranger = make_lab(), make_lab()
    make_open_node()
    assert not Capacity.objects.exists()
    assert found(lab).sorted.fitting
    with pytest.raises(NotAMember):
        found(replace(stranger, project=lab.project))
