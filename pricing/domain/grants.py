"""Which grants pay for a slot, and which of them pay for what was used in the end.

Both are pure: rows are locked and changed in pricing.services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Protocol

from pricing.domain.cost import rounded, split
from pricing.domain.declared import EXACT, ZERO

HOUR = timedelta(hours=1)
_EVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Interval(Protocol):
    """A half-open period; an end that is None is open. A database range is one."""

    @property
    def lower(self) -> datetime | None: ...
    @property
    def upper(self) -> datetime | None: ...


class HasFunds(Protocol):
    """What `cover` needs to know of a grant; a pricing.models.Grant is one."""

    @property
    def id(self) -> int: ...
    @property
    def valid(self) -> Interval: ...
    @property
    def left(self) -> Decimal: ...


@dataclass(frozen=True)
class Period:
    lower: datetime | None
    upper: datetime | None


@dataclass(frozen=True)
class Funds:
    """A grant as numbers, for a snapshot."""

    id: int
    valid: Period
    left: Decimal


@dataclass(frozen=True)
class Part:
    """What one grant pays."""

    grant_id: int
    amount: Decimal


@dataclass(frozen=True)
class Cover:
    """Who pays for a slot: `total` is what `parts` pay and what is `short`."""

    total: Decimal
    parts: tuple[Part, ...]
    short: Decimal
    short_from: datetime | None = None  # the beginning of the first hours that nobody pays in full

    @property
    def is_full(self) -> bool:
        return self.short == 0


def cover(grants: Sequence[HasFunds], *, hours: Interval, price_per_hour: Decimal) -> Cover:
    """Let the grant that expires first pay first, each only for hours inside its validity.

    The slot is cut where a grant begins or expires; taking the pieces in order and, in each, the
    earliest expiry first covers as much as any choice could (intervals with deadlines).
    """
    if hours.lower is None or hours.upper is None or hours.upper <= hours.lower:
        raise ValueError("a slot has two ends and some length")
    by_expiry = sorted(grants, key=lambda grant: (_end(grant), _start(grant), grant.id))
    left = {grant.id: max(ZERO, grant.left) for grant in by_expiry}
    paid: dict[int, Decimal] = {}
    short, short_from = ZERO, None
    for piece, due in _pieces(by_expiry, hours.lower, hours.upper, price_per_hour):
        missing = due
        for grant in by_expiry:
            if missing and _start(grant) <= piece and piece < _end(grant):
                amount = min(missing, left[grant.id])
                left[grant.id] -= amount
                missing -= amount
                paid[grant.id] = paid.get(grant.id, ZERO) + amount
        short_from = piece if missing and short_from is None else short_from
        short += missing
    parts = tuple(Part(grant.id, paid[grant.id]) for grant in by_expiry if paid.get(grant.id))
    return Cover(sum((part.amount for part in parts), short), parts, short, short_from)


def settle(pool: Iterable[Part], amounts: Sequence[Decimal]) -> list[tuple[Part, ...]]:
    """Which part of the pool pays each amount, first parts first; a credit goes back the other way.

    Raises ValueError when the pool cannot pay, or a credit gives back more than was paid.
    """
    purses = [_Purse(part.grant_id, part.amount) for part in pool]
    return [tuple(_moved(purses, amount)) for amount in amounts]


def hours_between(start: datetime, end: datetime) -> Decimal:
    """Hours as an exact decimal, to the microsecond."""
    with localcontext(EXACT):
        return Decimal((end - start) // timedelta(microseconds=1)) / Decimal(3_600_000_000)


@dataclass
class _Purse:
    grant_id: int
    left: Decimal
    drawn: Decimal = ZERO


def _moved(purses: Sequence[_Purse], amount: Decimal) -> Iterator[Part]:
    missing = amount
    for purse in purses if amount > 0 else reversed(purses):
        step = min(missing, purse.left) if amount > 0 else max(missing, -purse.drawn)
        purse.left -= step
        purse.drawn += step
        missing -= step
        if step:
            yield Part(purse.grant_id, step)
    if missing:
        raise ValueError(f"{missing} EUR cannot be moved")


def _pieces(
    grants: Sequence[HasFunds], start: datetime, end: datetime, price_per_hour: Decimal
) -> list[tuple[datetime, Decimal]]:
    """The slot cut at the ends of grants, with what each piece costs; the sum is the rounded total."""
    cuts = {start, end} | {
        moment for grant in grants for moment in (_start(grant), _end(grant)) if start < moment < end
    }
    spans = list(pairwise(sorted(cuts)))
    with localcontext(EXACT):
        total = rounded(price_per_hour * hours_between(start, end))
    costs = split(total, [hours_between(lower, upper) for lower, upper in spans])
    return [(lower, cost) for (lower, _), cost in zip(spans, costs, strict=True)]


def _start(grant: HasFunds) -> datetime:
    return grant.valid.lower or _ALWAYS


def _end(grant: HasFunds) -> datetime:
    return grant.valid.upper or _EVER
