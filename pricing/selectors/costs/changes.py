"""What changed from one cost statement to the next, component by component, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.utils.translation import gettext as _

from pricing import wording
from pricing.domain.cost import MICRO, Kind, split
from pricing.domain.exact import EXACT
from pricing.domain.working import shown
from pricing.models import CostComponent, CostStatement
from pricing.selectors.rates import parted

ZERO = Decimal(0)


@dataclass(frozen=True)
class Changed:
    """A figure before and after, EUR per delivered device-hour unless its unit says otherwise."""

    code: str
    label: str
    old: Decimal
    new: Decimal
    is_sum: bool = False

    @property
    def difference(self) -> Decimal:
        return self.new - self.old


@dataclass(frozen=True)
class Change:
    """A statement and the one published before it."""

    old: CostStatement
    new: CostStatement
    rows: list[Changed]  # what is the same is left out; the lines add up to the totals
    same: list[str]  # the names of what stayed as it was
    hours: Changed | None  # delivered device-hours a year, where they changed

    @property
    def reason(self) -> str:
        return self.new.reason

    @property
    def corrects(self) -> int | None:
        return self.new.corrects.number if self.new.corrects else None


def changes_of(
    statements: Sequence[CostStatement], components: Mapping[int, Sequence[CostComponent]]
) -> list[Change]:
    """Newest first, as the statements are."""
    return [
        _change(old, new, components.get(old.pk, []), components.get(new.pk, []))
        for new, old in pairwise(statements)
    ]


def _change(
    old: CostStatement,
    new: CostStatement,
    before: Sequence[CostComponent],
    after: Sequence[CostComponent],
) -> Change:
    lines = _lines(old, new, before, after)
    then, now = _totals(old, before), _totals(new, after)
    totals = [Changed(code, _name(code), then[code], now[code], code in _SUMS) for code in _TOTALS]
    hours = Changed(
        "hours", _("Device-hours delivered"), old.delivered_device_hours, new.delivered_device_hours
    )
    return Change(
        old=old,
        new=new,
        rows=[row for row in lines if row.difference]
        + [row for row in totals if row.difference or row.is_sum],
        same=[row.label for row in lines if row.new and not row.difference],
        hours=hours if hours.difference else None,
    )


_TOTALS = ("full", "granted", "own_interest", "chargeable")
_SUMS = ("full", "chargeable")


def _lines(
    old: CostStatement,
    new: CostStatement,
    before: Sequence[CostComponent],
    after: Sequence[CostComponent],
) -> list[Changed]:
    """Every component: the differences add up to that of the full cost, in millionths.

    What was before is the present amount less the difference: the two statements were each rounded by
    themselves, and a line that is the same must not seem to have changed.
    """
    now = dict(zip((line.kind for line in after), _hours(new, after), strict=True))
    exact = {
        kind: _exact(new, after, kind) - _exact(old, before, kind)
        for kind in dict.fromkeys(line.kind for line in (*after, *before))
    }
    changed = [kind for kind, amount in exact.items() if amount]
    parts = shown(new.full_delivered - old.full_delivered, [exact[kind] for kind in changed], grain=MICRO)
    differences = dict(zip(changed, parts, strict=True))
    return [
        Changed(kind, _name(kind), now.get(kind, ZERO) - differences.get(kind, ZERO), now.get(kind, ZERO))
        for kind in (*Kind,)
        if kind in exact
    ]


def _exact(statement: CostStatement, components: Sequence[CostComponent], kind: str) -> Decimal:
    year = next((line.full_year for line in components if line.kind == kind), ZERO)
    return EXACT.divide(year, statement.delivered_device_hours)


def _hours(statement: CostStatement, components: Sequence[CostComponent]) -> list[Decimal]:
    """EUR per delivered device-hour, in millionths that add up to the full cost."""
    return split(statement.full_delivered, [line.full_year for line in components])


def _totals(statement: CostStatement, components: Sequence[CostComponent]) -> dict[str, Decimal]:
    public, own = parted(statement.chargeable_delivered - statement.full_delivered, components)
    return {
        "full": statement.full_delivered,
        "granted": public,
        "own_interest": own,
        "chargeable": statement.chargeable_delivered,
    }


def _name(code: str) -> str:
    names = {
        "full": _("Full cost"),
        "granted": _("Carried by public money"),
        "own_interest": _("Interest on the owner’s own money, not charged"),
        "chargeable": _("Chargeable cost"),
    }
    return names[code] if code in names else str(wording.COMPONENT_NAMES[Kind(code)])
