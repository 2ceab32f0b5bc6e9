"""Where every project stood, kept once a day."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from common import clock
from reservations.models import DailyStanding, Vertex
from reservations.services import levels, usage
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


def test_after_a_year_and_a_bit_a_day_is_forgotten() -> None:
    make_open_node()
    make_lab()
    at = clock.now()
    levels.record_day(at=at)
    DailyStanding.objects.update(day=at.date() - levels.KEPT - timedelta(days=1))
    levels.record_day(at=at)
    assert [kept.day for kept in DailyStanding.objects.all()] == [at.date()]
