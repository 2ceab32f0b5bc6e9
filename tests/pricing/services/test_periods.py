"""No two published rows of a node are in force at one moment, however many publish at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, models

from common import clock
from common.ids import uuid7
from common.ranges import between
from nodes.models import Node
from pricing.errors import PeriodTaken
from pricing.models import CostStatement, SiteFee, Tariff
from pricing.services.fees import set_site_fee
from pricing.services.statements import publish_statement
from pricing.services.tariffs import publish_tariff
from tests import factories
from tests.races import at_once, split

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
PUBLISHED = [
    pytest.param(CostStatement, "statements_do_not_overlap", id="statements"),
    pytest.param(Tariff, "tariffs_do_not_overlap", id="tariffs"),
]


def copies(row: CostStatement | Tariff, start: Any, count: int) -> list[Any]:
    """The same row again and again, from `start` on, each with a number and an entry of its own."""
    made = []
    for number in range(2, 2 + count):
        again = type(row).objects.get(pk=row.pk)
        again.pk, again.uid, again.number = None, uuid7(), number
        again.effective, again.entry = between(start, None), factories.make_entry()
        made.append(again)
    return made


def overlapping(rows: Sequence[Any]) -> list[tuple[int, int]]:
    """Neighbours in time that are both in force for a while."""
    in_order = sorted(rows, key=lambda row: row.effective.lower)
    return [
        (one.pk, other.pk)
        for one, other in pairwise(in_order)
        if one.effective.upper is None or one.effective.upper > other.effective.lower
    ]


def published(model: type[models.Model]) -> Any:
    """One row of this model whose time is over, so that nothing but the two to come is in the way."""
    now = clock.now()
    statement = publish_statement(
        node=factories.make_node(devices=8), declared=factories.make_declared(),
        effective_from=now - 30 * DAY, effective_until=now - 20 * DAY,
        published_by=factories.make_user(), at=now,
    )  # fmt: skip
    if model is CostStatement:
        return statement
    return publish_tariff(
        statement=statement, effective_from=now - 30 * DAY, effective_until=now - 20 * DAY,
        published_by=statement.published_by, at=now,
    )  # fmt: skip


@pytest.mark.parametrize(("model", "constraint"), PUBLISHED)
def test_the_database_takes_one_of_two_rows_written_at_once_for_one_moment(
    model: type[models.Model], constraint: str
) -> None:
    """Past every service: seen to fail without the exclusion constraint, where both rows stay."""
    both = copies(published(model), clock.now(), 2)
    written, refused = split(at_once(*(partial(model.objects.bulk_create, [row]) for row in both)))
    assert (len(written), len(refused)) == (1, 1)
    assert isinstance(refused[0], DatabaseError)
    # Each may have to wait for the other; the database then ends one of the two.
    assert constraint in str(refused[0]) or "deadlock" in str(refused[0])
    assert overlapping(model.objects.all()) == []


def publish_statements(node: Node) -> list[Callable[[], Any]]:
    by, now = factories.make_user(), clock.now()
    return [
        partial(
            publish_statement,
            node=node, declared=factories.make_declared(), effective_from=now, published_by=by, at=now,
        )
    ] * 4  # fmt: skip


def publish_tariffs(node: Node) -> list[Callable[[], Any]]:
    statement, now = CostStatement.objects.get(node=node), clock.now()
    return [
        partial(
            publish_tariff,
            statement=statement, effective_from=now, published_by=statement.published_by, at=now,
        )
    ] * 4  # fmt: skip


@pytest.mark.parametrize(
    ("calls_for", "model"), [(publish_statements, CostStatement), (publish_tariffs, Tariff)]
)
def test_who_publishes_second_is_told_that_the_time_is_taken(
    calls_for: Callable[[Node], list[Callable[[], Any]]], model: type[models.Model]
) -> None:
    """Without the lock on the node they would all end the row in force, and get no sentence."""
    node = factories.make_node(devices=8)
    factories.publish_prices(node)
    done, refused = split(at_once(*calls_for(node)))
    assert len(done) == 1
    assert [type(error) for error in refused] == [PeriodTaken] * 3
    rows = list(model.objects.filter(node=node))
    assert len(rows) == 2
    assert overlapping(rows) == []


def test_of_fees_set_at_once_one_takes_effect() -> None:
    now = clock.now()
    costs = factories.make_site_costs(fee=Decimal("0.01"))
    again = partial(set_site_fee, effective_from=now, reason="Dearer power", by=costs.published_by, at=now)
    done, refused = split(at_once(*(partial(again, amount=Decimal(cents) / 100) for cents in range(2, 6))))
    assert len(done) == 1
    assert [type(error) for error in refused] == [PeriodTaken] * 3
    assert overlapping(SiteFee.objects.all()) == []
