"""A cost that several nodes share, split by a published key: never more of it than there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, ONE, split, total

SHARE = Decimal("0.000000000001")  # the grain of a share


class MoreThanAll(ValueError):
    """The nodes' bases come to more than the whole that the pool serves."""

    def __init__(self, *, given: Decimal, whole: Decimal) -> None:
        super().__init__(f"{given} of {whole}")
        self.given, self.whole = given, whole

    @property
    def share(self) -> Decimal:
        with localcontext(EXACT):
            return self.given / self.whole


@dataclass(frozen=True)
class Part:
    share: Decimal
    amount_year: Decimal  # EUR


@dataclass(frozen=True)
class Shared:
    """All parts with the unassigned one add up to all of it: shares to 1, amounts to the pool."""

    parts: tuple[Part, ...]  # in the order of the bases
    unassigned: Part


def share_out(amount_year: Decimal, *, whole: Decimal, bases: Sequence[Decimal]) -> Shared:
    """Each node's part is its base over the whole: 12 of 42 rack units are 2/7.

    The whole is what the pool serves, other things than nodes listed here too; their part stays unassigned
    and is charged to nobody here. Raises MoreThanAll where the bases come to more than the whole.
    """
    given = total(bases)
    if given > whole:
        raise MoreThanAll(given=given, whole=whole)
    with localcontext(EXACT):
        every = [*bases, whole - given]
    pairs = zip(split(ONE, every, grain=SHARE), split(amount_year, every), strict=True)
    *parts, rest = (Part(share, amount) for share, amount in pairs)
    return Shared(tuple(parts), rest)
