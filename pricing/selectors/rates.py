"""The price of a device-hour at a moment, and how it comes about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.prepared import prepared
from pricing import wording
from pricing.domain.cost import MICRO, Kind, rounded, split
from pricing.domain.working import shown
from pricing.models import CostComponent

ZERO = Decimal(0)
SHOWN = Decimal("0.0001")  # the grain of a line of the drawing

# Written by hand: every booking asks this, and building it from querysets costs more than running it.
_RATES = """
    SELECT device.id, device.node_id, statement.full_available, tariff.price, COALESCE(fee.amount, 0),
           tariff.id, statement.id, statement.full_delivered, statement.chargeable_delivered,
           tariff.carried, tariff.owner_adjustment, statement.publicly_funded_share
      FROM nodes_device device
      JOIN pricing_coststatement statement
        ON statement.node_id = device.node_id AND statement.effective @> %(at)s::timestamptz
      JOIN pricing_tariff tariff
        ON tariff.node_id = device.node_id AND tariff.effective @> %(at)s::timestamptz
      LEFT JOIN pricing_sitefee fee ON fee.effective @> %(at)s::timestamptz
     WHERE device.id = ANY(%(devices)s)
"""


@dataclass(frozen=True)
class Rate:
    """What an hour on a device costs and is worth. EUR per device-hour unless said otherwise."""

    device_id: int
    node_id: int
    weight: Decimal  # full cost per available device-hour: cost-weighted hours per device-hour
    price: Decimal  # the tariff, before VAT and the site's fee
    fee: Decimal
    tariff_id: int
    statement_id: int
    full_delivered: Decimal
    chargeable_delivered: Decimal
    carried: Decimal
    owner_adjustment: Decimal
    publicly_funded_share: Decimal  # of the purchase, 0 to 1

    @property
    def to_pay(self) -> Decimal:
        return self.price + self.fee


@dataclass(frozen=True)
class WaterfallStep:
    """One line from cost to price. `kind` is plus, minus, sum (a total so far) or price (the last)."""

    code: str
    label: str
    amount: Decimal
    kind: str


def rates(*, device_ids: Sequence[int], at: datetime) -> dict[int, Rate]:
    """The rates in force, by device; devices without a statement and a tariff in force are left out."""
    with prepared() as cursor:
        cursor.execute(_RATES, {"at": at, "devices": list(device_ids)})
        return {row[0]: Rate(*row) for row in cursor.fetchall()}


def waterfalls(rates: Sequence[Rate]) -> list[list[WaterfallStep]]:
    """From full cost to what is paid, line by line; every total is the sum of the lines above it.

    One for each rate, in their order and in one query.
    """
    statements: dict[int, list[CostComponent]] = {rate.statement_id: [] for rate in rates}
    for component in CostComponent.objects.filter(statement__in=list(statements)).order_by("position"):
        statements[component.statement_id].append(component)
    return [waterfall_of(rate, statements[rate.statement_id]) for rate in rates]


def waterfall_of(rate: Rate, components: Sequence[CostComponent]) -> list[WaterfallStep]:
    """The same from components already read."""
    # Rounding each line by itself would leave the sum a millionth off now and then.
    amounts = split(rate.full_delivered, [component.full_year for component in components])
    steps = [
        step
        for line, amount in zip(components, amounts, strict=True)
        # A year of negative prices makes electricity an income.
        for step in _change(line.kind, wording.component_label(Kind(line.kind), line.detail), amount)
    ]
    granted = rate.chargeable_delivered - rate.full_delivered
    tariff_cost = rate.price - rate.carried - rate.owner_adjustment
    steps += [
        WaterfallStep("full", _("Full cost"), rate.full_delivered, "sum"),
        *_not_charged(granted, components),
        WaterfallStep("chargeable", _("Chargeable cost"), rate.chargeable_delivered, "sum"),
        *_change(
            "restated", _("Cost changed since the tariff was set"), tariff_cost - rate.chargeable_delivered
        ),
        *_carried(rate.carried),
        *_adjusted(rate.owner_adjustment),
        WaterfallStep("tariff", _("Price"), rate.price, "sum"),
        *_change("fee", _("Equinode fee"), rate.fee),
        WaterfallStep("to_pay", _("You pay"), rate.to_pay, "price"),
    ]
    return steps


def to_four_places(steps: Sequence[WaterfallStep]) -> list[WaterfallStep]:
    return adding_up(steps, grain=SHOWN)


def adding_up(steps: Sequence[WaterfallStep], *, grain: Decimal) -> list[WaterfallStep]:
    """Every total rounded, and the lines between two totals so that they lead from one to the other."""
    found: list[WaterfallStep] = []
    lines: list[WaterfallStep] = []
    level = ZERO
    for step in steps:
        if step.kind not in ("sum", "price"):
            lines.append(step)
            continue
        total = rounded(step.amount, grain)
        amounts = shown(total - level, [line.amount for line in lines], grain=grain)
        found += [replace(line, amount=amount) for line, amount in zip(lines, amounts, strict=True)]
        found.append(replace(step, amount=total))
        level, lines = total, []
    return found


def owners_interest(components: Sequence[CostComponent]) -> Decimal:
    """EUR a year: interest on money of the owner's own, which is a cost and may not be charged."""
    return sum(
        (
            line.full_year - line.chargeable_year - Decimal(line.detail.get("supported", "0"))
            for line in components
            if line.kind == Kind.FINANCING
        ),
        ZERO,
    )


def parted(amount: Decimal, components: Sequence[CostComponent], *, grain: Decimal = MICRO) -> list[Decimal]:
    """What is not charged, as what public money carries and what the owner's own money costs."""
    own = owners_interest(components)
    direct = (line for line in components if line.kind != Kind.OVERHEAD)
    every = sum((line.full_year - line.chargeable_year for line in direct), ZERO)
    return split(amount, [every - own, own], grain=grain) if own else [amount, ZERO]


def _not_charged(amount: Decimal, components: Sequence[CostComponent]) -> list[WaterfallStep]:
    public, own = parted(amount, components)
    is_supported = any("supported" in line.detail for line in components)
    label = _("Paid by public grants and support") if is_supported else _("Paid by public grants")
    interest = _("Interest on the owner’s own money, not charged")
    return [*_change("granted", label, public), *_change("own_interest", interest, own)]


def _carried(amount: Decimal) -> list[WaterfallStep]:
    label = _("Over-recovered before, given back") if amount < 0 else _("Deficit of before, made up")
    return _change("carried", label, amount)


def _adjusted(amount: Decimal) -> list[WaterfallStep]:
    label = _("Left off by the owner") if amount < 0 else _("Added by the owner")
    return _change("owner_adjustment", label, amount)


def _change(code: str, label: str, amount: Decimal) -> list[WaterfallStep]:
    if amount == ZERO:
        return []
    return [WaterfallStep(code, label, amount, "minus" if amount < 0 else "plus")]
