"""From a cost to a price, and a price held against a cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.cost.units import unit_cost
from pricing.domain.cost.year import Cost
from pricing.domain.exact import EXACT, ZERO, rounded


@dataclass(frozen=True)
class Price:
    """A tariff and where it comes from: chargeable cost + carried + what the owner adds."""

    price: Decimal
    carried: Decimal
    owner_adjustment: Decimal


def price_of(*, cost: Cost, over_recovered: Decimal = ZERO, owner_adjustment: Decimal = ZERO) -> Price:
    """The price of a device-hour: (chargeable cost - what was over-recovered) / delivered hours.

    A deficit is a negative over-recovery (2 CFR 200.468(b)(2): rates "must consider any over or
    under-applied costs of the previous period(s)"). The price is rounded once; `carried` takes
    the rounding, so that published chargeable cost + carried + adjustment is the price exactly.
    """
    before = rounded(cost.chargeable_delivered)
    with localcontext(EXACT):
        due = cost.chargeable_year - over_recovered
    after = rounded(unit_cost(due, units=cost.available_device_hours, used_share=cost.used_share))
    return Price(price=after + owner_adjustment, carried=after - before, owner_adjustment=owner_adjustment)


def markup(price: Decimal, cost: Decimal) -> Decimal | None:
    """What is asked on top of the cost, as a share of the cost; None for a cost of nothing."""
    with localcontext(EXACT):
        return (price - cost) / cost if cost else None


def margin(price: Decimal, cost: Decimal) -> Decimal | None:
    """What is asked on top of the cost, as a share of the price; None for a price of nothing."""
    with localcontext(EXACT):
        return (price - cost) / price if price else None
