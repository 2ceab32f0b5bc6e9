"""What a slot costs or did cost, line by line; the lines shown add up to the total shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from common import formats
from pricing.models import Charge
from reservations.domain import exact_json
from reservations.domain.decision import Line as Agreed, Quote
from reservations.models import Decision, Reservation

_EXACT = Decimal("0.000001")
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


def quoted(reservation: Reservation) -> Receipt:
    """Before the slot is settled: what was agreed, as the decision stored it."""
    is_cancelled = reservation.state == Reservation.State.CANCELLED
    label = gettext("Agreed, EUR") if is_cancelled else gettext("To be charged, EUR")
    quote = _quote(reservation.decision)
    lines = [_agreed(line) for line in quote.lines] if quote else []
    return Receipt(
        title=gettext("Price agreed"),
        lines=_summed(lines, label, gettext("Frozen when you booked")),
        note=gettext("You pay for the slot, not for the load. It is charged once the slot is over."),
        is_final=False,
    )


def charged(charges: Sequence[Charge]) -> Receipt:
    """After the slot: the charges as they were posted."""
    if not charges:
        return Receipt(gettext("Nothing charged"), (), gettext("No hour of this slot is paid for."), True)
    grants = sorted({charge.grant.name for charge in charges if charge.grant})
    paid_from = gettext("Paid from %s") % ", ".join(grants) if grants else ""
    lines = _summed([_charge(charge) for charge in charges], gettext("Charged, EUR"), paid_from)
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


def _quote(decision: Decision) -> Quote | None:
    stored = (decision.quote or {}).get("quote")
    return exact_json.read(Quote, stored) if stored else None


def _agreed(line: Agreed) -> Line:
    if line.item == "fee":
        label = gettext("Equinode fee")
    else:
        label = ngettext("Slot, %d device", "Slot, %d devices", line.devices) % line.devices
    return Line(label, _multiplied(line.quantity, line.unit_price), line.amount)


def _charge(charge: Charge) -> Line:
    label = str(Charge.Item(charge.item).label)
    if charge.item == Charge.Item.ROUNDING:
        return Line(label, gettext("So that the lines add up to the price agreed"), charge.amount)
    why = _multiplied(charge.quantity, charge.unit_price)
    if charge.item == Charge.Item.LATE_START:
        # Of the job that was late, which need not be the newest.
        late = formats.duration(charge.detail["seconds"])
        why = gettext("Your job started %(late)s late. %(why)s") % {"late": late, "why": why}
    return Line(label, why, charge.amount)


def _multiplied(quantity: Decimal, unit_price: Decimal) -> str:
    return gettext("%(quantity)s device-hours at %(price)s EUR") % {
        "quantity": formats.number(quantity.quantize(_EXACT).normalize()),
        "price": formats.number(unit_price, _PLACES),
    }
