"""How a level is said: promised share over received share."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext

from common import formats
from reservations.domain.shares import UNUSED, Level as Exact

_PLACES = 2


@dataclass(frozen=True)
class Level:
    """`value` is None where nothing was used yet: then there is nothing to divide by."""

    value: Decimal | None

    def written(self, places: int) -> str:
        return "∞" if self.value is None else formats.number(self.value, places)

    @property
    def figure(self) -> str:
        return self.written(_PLACES)

    @property
    def sentence(self) -> str:
        if self.value is None:
            return gettext("Nothing used yet: you go first.")
        if self.value > 1:
            return gettext("Above 1: you got less than your share, so you go before others.")
        if self.value < 1:
            return gettext("Below 1: you got more than your share, so others go first.")
        return gettext("Exactly your share.")


def change(before: Level, after: Level) -> tuple[str, str]:
    """Both with as few places as show that they differ; a small booking moves a level a little."""
    for places in (_PLACES, 3, 4):
        texts = before.written(places), after.written(places)
        if texts[0] != texts[1]:
            break
    return texts


def said(level: Exact) -> Level:
    if level == UNUSED:
        return Level(None)
    exact = Fraction(level)
    return Level(Decimal(exact.numerator) / exact.denominator)
