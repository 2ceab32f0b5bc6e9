"""Which grants pay for a slot, and which of them pay for what was used in the end.

Both are pure: rows are locked and changed in pricing.services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from itertools import pairwise
from typing import Protocol

from pricing.domain.cost import MICRO, rounded, split
from pricing.domain.declared import EXACT, ZERO

HOUR = timedelta(hours=1)
HOURS_GRAIN = Decimal("0.00000001")  # of stored device-hours
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
    @property
    def hours_left(self) -> Decimal | None: ...


@dataclass(frozen=True)
class Period:
    lower: datetime | None
    upper: datetime | None


@dataclass(frozen=True)
class Funds:
    """A grant as numbers, for a snapshot. Where `hours_left` is None only money counts."""

    id: int
    valid: Period
    left: Decimal
    hours_left: Decimal | None = None


@dataclass(frozen=True)
class Part:
    """What one grant pays, and for how many device-hours."""

    grant_id: int
    amount: Decimal
    hours: Decimal = ZERO


@dataclass(frozen=True)
class Cover:
    """Who pays for a slot: `total` is what `parts` pay and what is `short`.

    Device-hours are told besides: of every part, and `short_hours` that nobody pays in full.
    """

    total: Decimal
    parts: tuple[Part, ...]
    short: Decimal
    short_from: datetime | None = None  # the beginning of the first hours that nobody pays in full
    short_hours: Decimal = ZERO

    @property
    def is_full(self) -> bool:
        return self.short == 0


def cover(grants: Sequence[HasFunds], *, hours: Interval, price_per_hour: Decimal, devices: int = 1) -> Cover:
    """Let the grant that expires first pay first, each only for hours inside its validity.

    The slot is cut where a grant begins or expires; taking the pieces in order and, in each, the
    earliest expiry first covers as much as any choice could (intervals with deadlines). A grant of
    device-hours pays while both its money and its hours last; `devices` are used at once.
    """
    if hours.lower is None or hours.upper is None or hours.upper <= hours.lower:
        raise ValueError("a slot has two ends and some length")
    by_expiry = sorted(grants, key=lambda grant: (_end(grant), _start(grant), grant.id))
    purses = [_Fund(grant) for grant in by_expiry]
    short, short_hours, short_from = ZERO, ZERO, None
    for piece in _pieces(by_expiry, hours.lower, hours.upper, price_per_hour, devices):
        missing = piece
        for purse in purses:
            if missing.cost and purse.is_valid(piece.start):
                missing = purse.pay(missing)
        if missing.cost:
            short_from = short_from or piece.start
            short, short_hours = short + missing.cost, short_hours + missing.hours
    parts = tuple(purse.part for purse in purses if purse.paid)
    return Cover(sum((part.amount for part in parts), short), parts, short, short_from, short_hours)


@dataclass(frozen=True)
class _Piece:
    """A stretch of the slot, or what of it is not yet paid."""

    start: datetime
    cost: Decimal
    hours: Decimal  # device-hours

    def without(self, cost: Decimal, hours: Decimal) -> _Piece:
        return _Piece(self.start, self.cost - cost, self.hours - hours)


class _Fund:
    """What is left of one grant while a slot is paid for, piece by piece."""

    def __init__(self, grant: HasFunds) -> None:
        self.grant = grant
        self.left = max(ZERO, grant.left)
        self.hours_left = None if grant.hours_left is None else max(ZERO, grant.hours_left)
        self.paid = self.hours = ZERO

    @property
    def part(self) -> Part:
        return Part(self.grant.id, self.paid, self.hours)

    def is_valid(self, moment: datetime) -> bool:
        return _start(self.grant) <= moment < _end(self.grant)

    def pay(self, missing: _Piece) -> _Piece:
        """Pay as much of it as both limits allow; what then is still missing."""
        amount, hours = self._most(missing)
        if amount:
            self.left -= amount
            self.paid += amount
            self.hours += hours
            if self.hours_left is not None:
                self.hours_left -= hours
            missing = missing.without(amount, hours)
        return missing

    def _most(self, missing: _Piece) -> tuple[Decimal, Decimal]:
        amount, hours = missing.cost, missing.hours
        with localcontext(EXACT):
            if self.hours_left is not None and self.hours_left < hours:
                # Rounded down, so that the whole hours left never cost more than their part.
                hours = self.hours_left
                amount = (missing.cost * hours / missing.hours).quantize(MICRO, ROUND_FLOOR)
            if self.left < amount:
                # Rounded up: a grain of an hour begun is an hour's grain used, and never one too many.
                amount = self.left
                wanted = missing.hours * amount / missing.cost
                hours = min(hours, wanted.quantize(HOURS_GRAIN, ROUND_CEILING))
        return amount, hours


def settle(pool: Iterable[Part], amounts: Sequence[Decimal]) -> list[tuple[Part, ...]]:
    """Which part of the pool pays each amount, first parts first; a credit goes back the other way.

    Raises ValueError when the pool cannot pay, or a credit gives back more than was paid.
    """
    purses = [_Purse(part.grant_id, part.amount) for part in pool]
    return [tuple(_moved(purses, amount)) for amount in amounts]


def settle_hours(pool: Iterable[Part], used: Decimal) -> dict[int, Decimal]:
    """How many of its device-hours each part used, first parts first; by grant.

    Hours of several nodes, each rounded, may exceed by a grain or two what was set aside together:
    the last part keeps to its own.
    """
    left, settled = max(ZERO, used), {}
    for part in pool:
        settled[part.grant_id] = min(part.hours, left)
        left -= settled[part.grant_id]
    return settled


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
    grants: Sequence[HasFunds], start: datetime, end: datetime, price_per_hour: Decimal, devices: int
) -> list[_Piece]:
    """The slot cut at the ends of grants; costs add up to the rounded total, and so do device-hours."""
    cuts = {start, end} | {
        moment for grant in grants for moment in (_start(grant), _end(grant)) if start < moment < end
    }
    spans = list(pairwise(sorted(cuts)))
    with localcontext(EXACT):
        length = hours_between(start, end)
        total, total_hours = rounded(price_per_hour * length), (devices * length).quantize(HOURS_GRAIN)
    lengths = [hours_between(lower, upper) for lower, upper in spans]
    costs, hours = split(total, lengths), split(total_hours, lengths, grain=HOURS_GRAIN)
    return [_Piece(lower, cost, used) for (lower, _), cost, used in zip(spans, costs, hours, strict=True)]


def _start(grant: HasFunds) -> datetime:
    return grant.valid.lower or _ALWAYS


def _end(grant: HasFunds) -> datetime:
    return grant.valid.upper or _EVER
