"""How much a project may hold in advance: its share of what can be booked, more after little use.

room = s x C x f, and never less than one whole node for some hours. C: cost-weighted hours that
can be booked within the horizon. s: the product of shares along the project's path, among those
active. f = 2 - U/E within bounds: U what it used, decayed; E what its share would use for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction

from reservations.domain import decay
from reservations.domain.exact_json import newer
from reservations.domain.policy import Policy
from reservations.domain.shares import UNUSED, Level, level_of as level_fs

_WIDE = Context(prec=60)


@dataclass(frozen=True)
class Step:
    """One vertex of a project's path, beside those it competes with."""

    name: str
    shares: int | None  # None: all that its account has
    of_all: int  # shares of all its siblings and itself
    of_active: int  # the same, of those active lately
    # Forward-decayed usage and cost-weighted hours booked: the vertex's, and those of all who compete with
    # it and its own. Snapshots of before they were read say nothing of them.
    stored: Decimal | None = newer()
    committed: Decimal | None = newer()
    stored_of_all: Decimal | None = newer()
    committed_of_all: Decimal | None = newer()


@dataclass(frozen=True)
class Standing:
    """What room and level are computed from. `stored` is forward-decayed usage (domain.decay)."""

    path: tuple[Step, ...]
    stored: Decimal
    committed: Decimal  # cost-weighted hours booked and not yet used
    stored_by_all: Decimal
    committed_by_all: Decimal
    capacity: Decimal  # C, cost-weighted hours
    capacity_hours: Decimal  # the time C is counted over
    held: Fraction  # cost-weighted hours that need room


@dataclass(frozen=True)
class Room:
    """The limit and every number it comes from, in cost-weighted hours."""

    limit: Decimal
    share: Fraction
    factor: Fraction
    usage: Fraction
    entitled: Fraction
    minimum: Fraction


def room_of(standing: Standing, *, minimum: Fraction, policy: Policy, at: datetime) -> Room:
    share = active_share(standing.path)
    usage = Fraction(decay.seen_at(at, standing.stored, policy.half_life))
    entitled = entitled_usage(
        share, Fraction(standing.capacity), Fraction(standing.capacity_hours), policy.half_life
    )
    factor = factor_of(usage, entitled, policy)
    limit = max(share * Fraction(standing.capacity) * factor, minimum)
    return Room(rounded_down(limit), share, factor, usage, entitled, minimum)


def active_share(path: Iterable[Step]) -> Fraction:
    """s: the part of everything that a project may use while those who rest leave theirs."""
    return _product((step.shares, step.of_active) for step in path)


def promised_share(path: Iterable[Step]) -> Fraction:
    """The part of everything that is a project's by its shares, whoever is active."""
    return _product((step.shares, step.of_all) for step in path)


def entitled_usage(
    share: Fraction, capacity: Fraction, over_hours: Fraction, half_life: timedelta
) -> Fraction:
    """E = s x (C / horizon) x h / ln 2: where decayed usage settles when a share is used for ever."""
    if not over_hours:
        return Fraction(0)
    half_life_hours = Fraction(half_life // timedelta(seconds=1), 3600)
    return share * capacity / over_hours * half_life_hours / Fraction(decay.LN2)


def factor_of(usage: Fraction, entitled: Fraction, policy: Policy) -> Fraction:
    """f = 2 - U/E within the policy's bounds."""
    if not entitled:
        return policy.least_factor if usage else policy.most_factor
    return min(policy.most_factor, max(policy.least_factor, 2 - usage / entitled))


def level_of(
    standing: Standing, *, half_life: timedelta, at: datetime, added: Fraction = Fraction(0)
) -> Level:
    """The share promised over the share received, of everything: the product of Level FS along the path.

    What is booked and not yet used counts in full, as does `added`.
    """
    own = _counted(standing.stored, standing.committed, half_life, at) + added
    everybody = _counted(standing.stored_by_all, standing.committed_by_all, half_life, at) + added
    promised = promised_share(standing.path)
    if not promised:
        return Fraction(0)
    return promised * everybody / own if own else UNUSED


def step_levels(
    path: Iterable[Step], *, half_life: timedelta, at: datetime, added: Fraction = Fraction(0)
) -> list[Level | None]:
    """Level FS of every step of a path, from below the root to the project; `added` counts at each.

    None where the snapshot is older than the sums. Unlike `level_of`, whose roundings stored answers keep,
    nothing is rounded but what a unit has decayed to.
    """
    left = Fraction(decay.decay(at - decay.LANDMARK, half_life))
    return [_step_level(step, left, added) for step in path]


def _step_level(step: Step, left: Fraction, added: Fraction) -> Level | None:
    sums = (step.stored, step.committed, step.stored_of_all, step.committed_of_all)
    if None in sums:
        return None
    stored, committed, stored_of_all, committed_of_all = (Fraction(part or 0) for part in sums)
    usage = stored * left + committed + added
    return level_fs(step.shares, step.of_all, usage, stored_of_all * left + committed_of_all + added)


def rounded_down(number: Fraction) -> Decimal:
    """A limit to the sixth decimal: what is shown is what decides."""
    return Decimal(number.numerator * 1_000_000 // number.denominator).scaleb(-6, _WIDE)


def rounded_up(number: Fraction) -> Decimal:
    """What is asked, to the sixth decimal."""
    return -rounded_down(-number)


def _counted(stored: Decimal, committed: Decimal, half_life: timedelta, at: datetime) -> Fraction:
    return Fraction(decay.seen_at(at, stored, half_life)) + Fraction(committed)


def _product(parts: Iterable[tuple[int | None, int]]) -> Fraction:
    product = Fraction(1)
    for shares, of_shares in parts:
        if shares is not None:
            product *= Fraction(shares, of_shares) if of_shares else Fraction(0)
    return product
