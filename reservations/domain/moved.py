"""What moved a project's level from one moment to another, part by part.

Level = entitled / used: entitled is the promised share of all that everybody used and booked, used what the
project did. Each part adds to what the one before left: what the project had used decays; it uses and books;
so do all others, whose use decays, too; shares change. So the parts add up to the whole change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reservations.domain import decay
from reservations.domain.shares import UNUSED, Level

DECAY, OWN, OTHERS, SHARES = "decay", "own", "others", "shares"


@dataclass(frozen=True)
class Sums:
    """What the share tree had of a project and of everybody; `stored` is forward-decayed (domain.decay)."""

    at: datetime
    promised: Fraction
    stored: Decimal
    committed: Decimal
    stored_by_all: Decimal
    committed_by_all: Decimal

    def counted(self, half_life: timedelta, at: datetime) -> Counted:
        """As it counts at a moment, which may be a later one: what was used has decayed by then."""
        left = Fraction(decay.decay(at - decay.LANDMARK, half_life))
        return Counted(
            promised=self.promised,
            used=Fraction(self.stored) * left,
            booked=Fraction(self.committed),
            by_all=Fraction(self.stored_by_all) * left + Fraction(self.committed_by_all),
        )


@dataclass(frozen=True)
class Counted:
    """Cost-weighted hours: used as it has decayed, booked in full."""

    promised: Fraction
    used: Fraction
    booked: Fraction
    by_all: Fraction

    @property
    def own(self) -> Fraction:
        return self.used + self.booked

    @property
    def others(self) -> Fraction:
        return self.by_all - self.own

    @property
    def entitled(self) -> Fraction:
        """The share promised of everything that was used and booked."""
        return self.promised * self.by_all

    @property
    def level(self) -> Level:
        if not self.promised:
            return Fraction(0)
        return self.entitled / self.own if self.own else UNUSED


@dataclass(frozen=True)
class Part:
    """One cause, and the level without it and with it."""

    cause: str
    before: Level
    after: Level

    @property
    def change(self) -> Fraction | None:
        """None where nothing was used before or after it, so that there is no number."""
        if UNUSED in (self.before, self.after):
            return None
        return Fraction(self.after) - Fraction(self.before)


@dataclass(frozen=True)
class Moves:
    """A week of a level: where it was and is, and the four causes between. `faded`: `then`, seen `now`."""

    then: Counted
    faded: Counted
    now: Counted
    parts: tuple[Part, ...]


def moves(then: Sums, now: Sums, half_life: timedelta) -> Moves:
    before, faded, after = (
        then.counted(half_life, then.at), then.counted(half_life, now.at), now.counted(half_life, now.at)
    )  # fmt: skip
    decayed = replace(before, used=faded.used, by_all=before.others + faded.own)
    used = replace(after, promised=before.promised, by_all=before.others + after.own)
    beside = replace(after, promised=before.promised)
    levels = [one.level for one in (before, decayed, used, beside, after)]
    causes = (DECAY, OWN, OTHERS, SHARES)
    return Moves(
        before, faded, after,
        tuple(Part(cause, *pair) for cause, *pair in zip(causes, levels, levels[1:], strict=False)),
    )  # fmt: skip
