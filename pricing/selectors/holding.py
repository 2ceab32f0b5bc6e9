"""Prices that a statement does not allow: which, from when, and what they may be then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.ranges import between, bounds
from pricing.domain.cost import Cost
from pricing.models import CostStatement, Tariff
from pricing.selectors.caps import Bound, bound, carried_into, cost_of_statement


@dataclass(frozen=True)
class Lowering:
    """A tariff that lies above the cap from a moment on, by another statement than its own."""

    tariff: Tariff
    begins: datetime
    ends: datetime | None
    bound: Bound

    @property
    def before(self) -> Decimal:
        price: Decimal = self.tariff.price
        return price

    @property
    def now(self) -> Decimal:
        """The highest that passes, which is less than it was."""
        return self.bound.limit


def lowerings(
    *, statement: CostStatement, since: datetime, until: datetime | None, cost: Cost | None = None
) -> list[Lowering]:
    """What becomes of a node's tariffs under a statement from then on; it need not be published yet.

    Those that follow from it were held against it as they were published. An exception in force covers
    a price for as long as it lasts.
    """
    cost = cost or cost_of_statement(statement)
    taken = Tariff.objects.filter(node=statement.node, effective__overlap=between(since, until))
    if statement.pk is not None:
        taken = taken.exclude(statement=statement.pk)
    found: list[Lowering] = []
    for tariff in taken.select_related("statement", "exception").order_by("effective"):
        found.extend(_lowering(tariff, statement, cost, since, until))
    return found


def _lowering(
    tariff: Tariff, statement: CostStatement, cost: Cost, since: datetime, until: datetime | None
) -> Iterator[Lowering]:
    moment = max(since, tariff.effective_from)
    ends = min((end for end in (until, tariff.effective_until) if end is not None), default=None)
    while ends is None or moment < ends:
        held = bound(
            tariff.price, statement=statement, cost=cost, over_recovered=carried_into(tariff), at=moment
        )
        if not held.needs_exception:
            return
        if held.exception is None or not held.passes:
            yield Lowering(tariff, moment, tariff.effective_until, held)
            return
        moment = bounds(held.exception.in_force)[1]
