"""Where every project stood, kept once a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from common import clock
from reservations.domain.policy import standard
from reservations.models import DailyStanding, Vertex
from reservations.services import counting, levels, policy, usage
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def test_each_day_is_kept_once_with_the_sums_of_its_beginning() -> None:
    node = make_open_node()
    one, other = make_lab(shares=1), make_lab(shares=3)
    usage.count_usage(reservation=one.book([node.devices.first()], in_days(1), hours=8))
    other.book([node.devices.last()], in_days(2), hours=1)
    at = clock.now()
    assert levels.record_day(at=at) == 2
    assert levels.record_day(at=at) == 0
    kept = DailyStanding.objects.get(vertex=one.vertex)
    leaf, beside = (Vertex.objects.get(pk=lab.vertex.pk) for lab in (one, other))
    assert (kept.promised, kept.day) == ("1/4", at.date())
    assert (kept.stored, kept.committed) == (leaf.decayed_usage, 0)
    assert (kept.stored_by_all, kept.committed_by_all) == (leaf.decayed_usage, beside.committed)
    assert Fraction(kept.stored_by_all) == Fraction(leaf.decayed_usage) > 0  # to the last digit
    tomorrow = at + timedelta(days=1)
    assert levels.record_day(at=tomorrow) == 2
    assert DailyStanding.objects.count() == 4


def test_a_day_that_begins_with_another_half_life_is_kept_once_all_is_counted_by_it() -> None:
    node = make_open_node()
    lab = make_lab()
    used = lab.book([node.devices.first()], in_days(1), hours=8)
    now = clock.now()
    midnight = (now + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    policy.publish_policy(
        rules=replace(standard(), half_life_hours=168), reason="A shorter memory", at=now,
        effective_from=midnight, by=factories.make_user(is_steward=True),
    )  # fmt: skip
    usage.count_usage(reservation=used)
    assert levels.record_day(at=midnight + timedelta(seconds=3)) == 0  # sums are still of the one before
    assert counting.let_take_effect(at=midnight + timedelta(seconds=8))
    assert levels.record_day(at=midnight + timedelta(minutes=1)) == 1
    kept = DailyStanding.objects.get()
    assert (kept.half_life_hours, kept.day) == (168, midnight.date())
    assert kept.stored == Vertex.objects.get(pk=lab.vertex.pk).decayed_usage > 0


def test_after_a_year_and_a_bit_a_day_is_forgotten() -> None:
    make_open_node()
    make_lab()
    at = clock.now()
    levels.record_day(at=at)
    DailyStanding.objects.update(day=at.date() - levels.KEPT - timedelta(days=1))
    levels.record_day(at=at)
    assert [kept.day for kept in DailyStanding.objects.all()] == [at.date()]
