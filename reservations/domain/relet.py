"""Which hours that were given back late somebody else then took, and what that refunds.

Each hour counts once, for the placement that was granted first. Time of a device is one holder's at a time,
so where it was given back more than once the oldest holder is paid by the next, and that one by whoever
came after. What the same project or the same person took counts nothing: booking again would otherwise be
a way around the price. So would handing over: everybody who ever held either slot counts. Only hours that a
moved slot itself keeps are not lost: they are paid once, at the higher of the two prices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from nodes.domain.intervals import Interval, common, without
from reservations.domain.settlement import Relet


@dataclass(frozen=True)
class GivenBack:
    """Time of one device that its holder gave back and is to pay for unless it was taken."""

    device_id: int
    during: Interval
    at: datetime
    project_id: int
    people: frozenset[int]  # who held it at any time
    to_pay: Decimal  # EUR per device-hour


@dataclass(frozen=True)
class Placement:
    """Time of one device that a later reservation holds, and pays for."""

    device_id: int
    during: Interval
    granted_at: datetime
    project_id: int
    people: frozenset[int]  # who held it at any time
    to_pay: Decimal  # EUR per device-hour, subsidies included
    is_its_own: bool = False  # the slot that the one given back was moved to


def relet(given_back: GivenBack, placements: Iterable[Placement]) -> list[Relet]:
    """The pieces of that time which others took, each with what a device-hour gives back."""
    free = [given_back.during]
    pieces: list[Relet] = []
    for placement in sorted(placements, key=lambda one: (one.granted_at, one.during)):
        if _counts(placement, given_back):
            refund = min(placement.to_pay, given_back.to_pay)
            taken = [part for one in free if (part := common(one, placement.during))]
            pieces += [Relet(given_back.device_id, part, refund) for part in taken]
            free = [rest for one in free for rest in without(one, placement.during)]
    return sorted(pieces, key=lambda piece: piece.during)


def _counts(placement: Placement, given_back: GivenBack) -> bool:
    return (
        placement.device_id == given_back.device_id
        and placement.granted_at >= given_back.at
        and (placement.is_its_own or _is_somebody_else(placement, given_back))
    )


def _is_somebody_else(placement: Placement, given_back: GivenBack) -> bool:
    return placement.project_id != given_back.project_id and not placement.people & given_back.people
