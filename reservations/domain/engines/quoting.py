"""What an answer says of money and level: the quote, and the level before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import groupby

from pricing.domain.cost import split
from pricing.domain.declared import EXACT
from pricing.domain.grants import Cover
from reservations.domain import room, rules
from reservations.domain.decision import LevelChange, Line, Payment, Quote
from reservations.domain.room import Standing
from reservations.domain.rules import Case
from reservations.domain.shares import UNUSED


def quote_of(case: Case) -> Quote:
    """Lines per node: first its device-hours, then the fee for them."""
    paid = rules.covered(case)
    bare = list(_bare_lines(case))
    amounts = [Decimal(0)] * len(bare)
    if paid.total:
        with localcontext(EXACT):
            amounts = split(paid.total, [line.quantity * line.unit_price for line in bare])
    return Quote(
        lines=tuple(replace(line, amount=amount) for line, amount in zip(bare, amounts, strict=True)),
        total=paid.total,
        per_hour=case.price_per_hour,
        cost_weighted_hours=room.rounded_up(case.weight * case.hours),
        payments=tuple(_payments(case, paid)),
        short=paid.short,
    )


def _payments(case: Case, paid: Cover) -> Iterator[Payment]:
    grants = {grant.id: grant for grant in case.snapshot.grants}
    for part in paid.parts:
        grant = grants[part.grant_id]
        yield Payment(grant.id, grant.name, part.amount, None if grant.hours_left is None else part.hours)


def _bare_lines(case: Case) -> list[Line]:
    lines = []
    devices = sorted(case.snapshot.devices, key=lambda device: device.node)
    for node, group in groupby(devices, key=lambda device: device.node):
        prices = [device.price for device in group if device.price]
        quantity = room.rounded_up(case.hours * len(prices))
        for item, unit_price in (("slot", prices[0].price), ("fee", prices[0].fee)):
            if unit_price or item == "slot":
                lines.append(Line(item, node, len(prices), quantity, unit_price, Decimal(0)))
    return lines


def level_change(case: Case) -> LevelChange:
    def level(added: Fraction) -> Decimal | None:
        return shown_level(
            case.snapshot.standing, half_life=case.policy.half_life, at=case.request.at, added=added
        )

    wanted = case.weight * case.hours if case.request.has_length else Fraction(0)
    return LevelChange(before=level(Fraction(0)), after=level(wanted))


def shown_level(
    standing: Standing, *, half_life: timedelta, at: datetime, added: Fraction = Fraction(0)
) -> Decimal | None:
    """As answers have it: rounded down, None where nothing is used."""
    level = room.level_of(standing, half_life=half_life, at=at, added=added)
    return None if level == UNUSED else room.rounded_down(Fraction(level))
