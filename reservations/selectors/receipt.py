"""What a slot costs or did cost, line by line; the lines shown add up to the total shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from common import formats
from common.ranges import bounds
from pricing.models import Charge
from reservations.models import Reservation, ReservedDevice

_PLACES = 6  # unit prices and rows keep six decimals; an invoice alone is rounded, once


@dataclass(frozen=True)
class Line:
    label: str
    why: str
    amount: Decimal
    is_sum: bool = False


@dataclass(frozen=True)
class Receipt:
    """`lines` ends with their sum."""

    title: str
    lines: tuple[Line, ...]
    note: str
    is_final: bool


def quoted(reservation: Reservation, devices: Sequence[ReservedDevice]) -> Receipt:
    """Before the slot is settled: what was agreed, frozen by the decision."""
    start, end = bounds(reservation.during)
    length = end - start
    hours = Decimal(length // timedelta(microseconds=1)) / 3_600_000_000
    lines = [*_slots(devices, hours, length), *_fees(devices, hours)]
    is_cancelled = reservation.state == Reservation.State.CANCELLED
    label = gettext("Agreed, EUR") if is_cancelled else gettext("To be charged, EUR")
    return Receipt(
        title=gettext("Price agreed"),
        lines=_summed(lines, label, gettext("Frozen when you booked")),
        note=gettext("You pay for the slot, not for the load. It is charged once the slot is over."),
        is_final=False,
    )


def charged(charges: Sequence[Charge], start_delay_ms: int | None) -> Receipt:
    """After the slot: the charges as they were posted."""
    grants = sorted({charge.grant.name for charge in charges if charge.grant})
    paid_from = gettext("Paid from %s") % ", ".join(grants) if grants else ""
    lines = _summed(
        [_charge(charge, start_delay_ms) for charge in charges], gettext("Charged, EUR"), paid_from
    )
    return Receipt(
        title=gettext("Charged"),
        lines=lines,
        note=gettext("You pay for the slot, not for the load. An invoice is rounded once, to cents: %s.")
        % formats.money(lines[-1].amount),
        is_final=True,
    )


def _summed(lines: Sequence[Line], label: str, why: str) -> tuple[Line, ...]:
    total = sum((line.amount for line in lines), Decimal(0))
    return (*lines, Line(label, why, total, is_sum=True))


def _slots(devices: Iterable[ReservedDevice], hours: Decimal, length: timedelta) -> list[Line]:
    by_price: dict[Decimal, int] = defaultdict(int)
    for reserved in devices:
        by_price[reserved.price] += 1
    return [
        Line(
            ngettext("Slot, %(count)d device × %(length)s", "Slot, %(count)d devices × %(length)s", count)
            % {"count": count, "length": formats.duration(length)},
            _multiplied(count * hours, price),
            _amount(count * hours * price),
        )
        for price, count in by_price.items()
    ]


def _fees(devices: Iterable[ReservedDevice], hours: Decimal) -> list[Line]:
    by_fee: dict[Decimal, int] = defaultdict(int)
    for reserved in devices:
        by_fee[reserved.fee] += 1
    return [
        Line(gettext("Equinode fee"), _multiplied(count * hours, fee), _amount(count * hours * fee))
        for fee, count in by_fee.items()
    ]


def _charge(charge: Charge, start_delay_ms: int | None) -> Line:
    why = _multiplied(charge.quantity, charge.unit_price)
    if charge.item == Charge.Item.LATE_START and start_delay_ms is not None:
        late = formats.duration(timedelta(milliseconds=start_delay_ms))
        why = gettext("Your job started %(late)s late. %(why)s") % {"late": late, "why": why}
    return Line(str(Charge.Item(charge.item).label), why, charge.amount)


def _multiplied(quantity: Decimal, unit_price: Decimal) -> str:
    return gettext("%(quantity)s device-hours at %(price)s EUR") % {
        "quantity": formats.number(quantity, _PLACES),
        "price": formats.number(unit_price, _PLACES),
    }


def _amount(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-_PLACES))
