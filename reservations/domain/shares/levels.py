"""Level FS, the share promised over the share received, and two of them compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

# A share of nothing used: under-served without limit. Compares with every fraction as it should.
UNUSED = math.inf
Level = Fraction | float  # a fraction, or UNUSED and nothing else


def level_of(shares: int | None, of_shares: int, usage: int | Fraction, of_usage: int | Fraction) -> Level:
    """Level FS: (shares / of_shares) / (usage / of_usage). `parent` shares go first in their account."""
    if shares is None:
        return UNUSED
    if not shares:
        return Fraction(0)
    if not usage:
        return UNUSED
    return Fraction(shares * of_usage) / (of_shares * usage)


@dataclass(frozen=True)
class Compared:
    """A vertex and its Level FS."""

    key: str
    level: Level


@dataclass(frozen=True)
class Comparison:
    """The two levels that decide between two projects, and the account below which they stand.

    `tied`: accounts above them, still below the common one, that tie and so are one. Where the two that
    decide are equal, both projects tie; or one is a project, which no better one of the account precedes.
    """

    account: str
    left: Compared
    right: Compared
    tied: tuple[tuple[Compared, Compared], ...] = ()
