"""What a slot costs or did cost, line by line; the lines shown add up to the total shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from common import formats
from pricing.models import Charge
from reservations.domain import exact_json
from reservations.domain.decision import Line as Agreed, Quote
from reservations.models import Decision, Reservation

_EXACT, _HUNDREDTH = Decimal("0.000001"), Decimal("0.01")
_PLACES = 6  # unit prices and rows keep six decimals; an invoice alone is rounded, once


@dataclass(frozen=True)
class Line:
    label: str
    why: str
    amount: Decimal
    is_sum: bool = False


@dataclass(frozen=True)
class AgainstCost:
    """What the hours cost their owners, all counted, beside what is paid for them."""

    full_cost: Decimal
    ratio: Decimal | None  # the price against it: -0.3 is 30 % less; None where they cost nothing


@dataclass(frozen=True)
class Receipt:
    """`lines` ends with their sum."""

    title: str
    lines: tuple[Line, ...]
    note: str
    is_final: bool
    cost: AgainstCost | None  # None where there is nothing to compare


def quoted(reservation: Reservation, costs: Mapping[str, Decimal]) -> Receipt:
    """Before the slot is settled: what was agreed, as the decision stored it.

    `costs` is the full cost of a device-hour when it was booked, by the node's slug.
    """
    given_back = reservation.state in (Reservation.State.CANCELLED, Reservation.State.RELEASED)
    label = gettext("Agreed, EUR") if given_back else gettext("To be charged, EUR")
    quote = _quote(reservation.decision)
    lines = [_agreed(line) for line in quote.lines] if quote else []
    hours = {line.node: line.quantity for line in quote.lines if line.item == "slot"} if quote else {}
    return Receipt(
        title=gettext("Price agreed"),
        lines=_summed(lines, label, gettext("Frozen when you booked")),
        note=gettext("You pay for the slot, not for the load. It is charged once the slot is over."),
        is_final=False,
        cost=_against(hours, costs, sum((line.amount for line in lines), Decimal(0))),
    )


def charged(charges: Sequence[Charge], costs: Mapping[str, Decimal]) -> Receipt:
    """After the slot: the charges as they were posted."""
    if not charges:
        return Receipt(
            gettext("Nothing charged"), (), gettext("No hour of this slot is paid for."), True, None
        )
    hours: dict[str, Decimal] = {}
    for charge in charges:
        if charge.item == Charge.Item.SLOT:
            hours[charge.node.slug] = hours.get(charge.node.slug, Decimal(0)) + charge.quantity
    agreed = (Charge.Item.SLOT, Charge.Item.FEE)
    price = sum((charge.amount for charge in charges if charge.item in agreed), Decimal(0))
    grants = sorted({charge.grant.name for charge in charges if charge.grant})
    paid_from = gettext("Paid from %s") % ", ".join(grants) if grants else ""
    lines = _summed([_charge(charge) for charge in charges], gettext("Charged, EUR"), paid_from)
    return Receipt(
        title=gettext("Charged"),
        lines=lines,
        note=gettext("You pay for the slot, not for the load. An invoice is rounded once, to cents: %s.")
        % formats.money(lines[-1].amount),
        is_final=True,
        cost=_against(hours, costs, price),
    )


def _against(
    hours: Mapping[str, Decimal], costs: Mapping[str, Decimal], price: Decimal
) -> AgainstCost | None:
    """Device-hours of each node at their full cost, and their price before any refund against it."""
    if not hours or not hours.keys() <= costs.keys():
        return None
    full_cost = sum((costs[node] * quantity for node, quantity in hours.items()), Decimal(0))
    return AgainstCost(full_cost.quantize(_EXACT), price / full_cost - 1 if full_cost else None)


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
    exact = quantity.quantize(_EXACT)
    rounded = exact.quantize(_HUNDREDTH)
    return gettext("%(quantity)s at %(price)s EUR") % {
        "quantity": formats.device_hours(rounded if rounded == exact else exact.normalize()),
        "price": formats.number(unit_price, _PLACES),
    }
