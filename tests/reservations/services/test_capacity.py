"""What is measured every minute does not pile up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common import clock
from reservations import tasks
from reservations.management.commands.replay_decisions import difference_of
from reservations.models import Capacity
from reservations.services import capacity
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def measured(*moments: datetime) -> None:
    Capacity.objects.bulk_create(
        [Capacity(at=moment, horizon_hours=672, cost_weighted_hours=1) for moment in moments]
    )


def test_a_day_is_kept_in_full_and_of_each_day_before_it_the_last() -> None:
    measured(*(NOON - number * HOUR for number in range(24 * 3)))
    assert capacity.forget_old(at=NOON) == 24 * 3 - 25 - 2
    kept = list(Capacity.objects.order_by("at").values_list("at", flat=True))
    last_of_their_days = [datetime(2026, 11, day, 23, tzinfo=UTC) for day in (19, 20)]
    assert kept == last_of_their_days + [NOON - number * HOUR for number in range(24, -1, -1)]
    assert capacity.forget_old(at=NOON) == 0


def test_the_newest_is_kept_however_old() -> None:
    measured(NOON - timedelta(days=40), NOON - timedelta(days=40, seconds=60))
    capacity.forget_old(at=NOON)
    assert Capacity.objects.get().at == NOON - timedelta(days=40)


def test_the_sweep_forgets_and_old_decisions_still_replay() -> None:
    lab, node = make_lab(), make_open_node()
    before = clock.now() - timedelta(days=3)
    measured(before.replace(hour=10), before.replace(hour=11))
    decision = lab.book([node.devices.first()], in_days(2)).decision
    tasks.measure_capacity()
    assert [row.at.hour for row in Capacity.objects.filter(at__lt=clock.now() - timedelta(days=2))] == [11]
    assert decision.snapshot["standing"]["capacity"] == "1.000000"
    Capacity.objects.all().delete()
    assert difference_of(decision) == ""
