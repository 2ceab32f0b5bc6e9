"""Posting what a slot came to, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project
from common.ranges import between
from pricing.domain.cost import MICRO, rounded
from pricing.domain.declared import EXACT, ZERO, plain
from pricing.domain.grants import HOURS_GRAIN, Part, settle, settle_hours
from pricing.errors import ChargeRefused
from pricing.models import Charge, Encumbrance
from pricing.services.grants import lock_encumbrances, settle_encumbrance

# Their quantities are not hours of their own: a fee is for the hours of the slot beside it.
_WITHOUT_HOURS = frozenset({Charge.Item.FEE, Charge.Item.ROUNDING})


@dataclass(frozen=True)
class ChargeLine:
    """One row to post. A credit has a negative quantity."""

    position: int
    node_id: int
    category: str  # Charge.Category
    item: str  # Charge.Item
    quantity: Decimal  # device-hours
    unit_price: Decimal  # EUR per device-hour
    start: datetime
    end: datetime
    tariff_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def hours(self) -> Decimal:
        """The quantity as it is stored, so that stored quantity x price is the stored amount."""
        return self.quantity.quantize(HOURS_GRAIN)

    @property
    def device_hours(self) -> Decimal:
        """What it adds to the device-hours used of a grant; a credit takes away."""
        return device_hours_of(self.item, self.hours)

    @property
    def amount(self) -> Decimal:
        with localcontext(EXACT):
            return rounded(self.hours * self.unit_price)


def device_hours_of(item: str, quantity: Decimal) -> Decimal:
    return ZERO if item in _WITHOUT_HOURS else quantity


@transaction.atomic
def post(*, reference: str, lines: Sequence[ChargeLine], project: Project, at: datetime) -> list[Charge]:
    """Charge the project what the lines say, out of what was set aside for the reference.

    What was set aside and is not charged goes back to its grants. Posting the same positions
    again changes nothing and answers the rows of the first time.
    """
    # A sweep that runs twice at once waits here, then finds the rows.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    posted = list(Charge.objects.filter(reference=reference))
    if posted:
        return _same_as_before(posted, lines)
    encumbrances = lock_encumbrances(reference=reference)
    lines = [*lines, *_rounding(encumbrances, lines)]
    paid = _paid_by(encumbrances, lines)
    used = {encumbrance.grant_id: ZERO for encumbrance in encumbrances}
    for parts in paid:
        for part in parts:
            used[part.grant_id] += part.amount
    hours_used = settle_hours(
        [Part(one.grant_id, one.amount, one.hours) for one in encumbrances],
        sum((line.device_hours for line in lines), ZERO),
    )
    for encumbrance in encumbrances:
        grant = encumbrance.grant_id
        settle_encumbrance(encumbrance, used=used[grant], hours_used=hours_used[grant], at=at)
    names = {encumbrance.grant_id: str(encumbrance.grant.uid) for encumbrance in encumbrances}
    return Charge.objects.bulk_create(
        [
            _charge(reference, line, parts, names, project=project, at=at)
            for line, parts in zip(lines, paid, strict=True)
        ]
    )


def _same_as_before(posted: list[Charge], lines: Sequence[ChargeLine]) -> list[Charge]:
    if not {line.position for line in lines} <= {charge.position for charge in posted}:
        raise ChargeRefused(_("This slot has been settled; a correction is a posting of its own."))
    return posted


def _rounding(encumbrances: Sequence[Encumbrance], lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Lines rounded one by one can differ a little from their rounded sum: said in a row of its own.

    A slot kept in full so costs what was quoted, to the last digit. Where something was credited
    there is less to charge than was set aside, and only what is above it is rounding.
    """
    drift = sum((line.amount for line in lines), ZERO) - _set_aside(encumbrances)
    has_credits = any(line.quantity < 0 for line in lines)
    if not drift or abs(drift) > _most_drift(lines) or (drift < 0 and has_credits):
        return []
    last = max(lines, key=lambda line: line.position)
    return [
        replace(
            last,
            position=last.position + 1,
            category=Charge.Category.ADJUSTMENT,
            item=Charge.Item.ROUNDING,
            quantity=Decimal(1),
            unit_price=-drift,
            detail={},
        )
    ]


def _paid_by(encumbrances: Sequence[Encumbrance], lines: Sequence[ChargeLine]) -> list[tuple[Part, ...]]:
    pool = [Part(encumbrance.grant_id, encumbrance.amount) for encumbrance in encumbrances]
    if pool:
        # Until the credits and the rounding behind them are counted, the drift is lent to the last.
        pool[-1] = replace(pool[-1], amount=pool[-1].amount + _most_drift(lines))
    try:
        return settle(pool, [line.amount for line in lines])
    except ValueError as exc:
        raise ChargeRefused(
            _("The charge is more than what was set aside for it."),
            charged=sum(line.amount for line in lines),
            set_aside=_set_aside(encumbrances),
        ) from exc


def _set_aside(encumbrances: Sequence[Encumbrance]) -> Decimal:
    return sum((encumbrance.amount for encumbrance in encumbrances), ZERO)


def _most_drift(lines: Sequence[ChargeLine]) -> Decimal:
    """How much rounding each line can add up to: its hours to the eighth decimal, its amount to a grain."""
    return MICRO * len(lines) + sum((HOURS_GRAIN * abs(line.unit_price) for line in lines), ZERO)


def _charge(
    reference: str,
    line: ChargeLine,
    parts: Sequence[Part],
    names: dict[int, str],
    *,
    project: Project,
    at: datetime,
) -> Charge:
    paid_by = [{"grant": names[part.grant_id], "amount": plain(part.amount)} for part in parts]
    return Charge(
        project=project,
        node_id=line.node_id,
        reference=reference,
        position=line.position,
        category=line.category,
        item=line.item,
        quantity=line.hours,
        unit_price=line.unit_price,
        amount=line.amount,
        period=between(line.start, line.end),
        grant_id=parts[0].grant_id if len(parts) == 1 else None,
        tariff_id=line.tariff_id,
        detail=line.detail | {"paid_by": paid_by},
        posted_at=at,
    )
