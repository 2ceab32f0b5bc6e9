"""Where the bars of numbers begin and how wide they are, in per cent of their drawing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_LEAST = Decimal(5)  # of a bar that is there: less is a hairline, which looks like none
_ALMOST_NOTHING = Decimal("0.0005")  # what is below it is written as 0.0 %
_ZERO_LINE = Decimal("66.67")  # two thirds: what lies below zero is the longer side


@dataclass(frozen=True, slots=True)
class Around:
    """A bar to one side of a zero line."""

    is_under: bool
    zero: str
    start: str
    width: str


def part(value: Decimal, whole: Decimal) -> Decimal:
    """A share of a drawing's width in per cent, kept inside the drawing, to 0.01."""
    if whole <= 0:
        return Decimal("0.00")
    return min(max(value / whole * 100, Decimal(0)), Decimal(100)).quantize(Decimal("0.01"))


def drawn(share: Decimal) -> str:
    """For an attribute: as text, for a template would write a French comma into a number."""
    return f"{share}%"


def around_zero(value: Decimal, largest: Decimal) -> Around:
    """`largest` is the largest distance from zero in the column, so that its bars compare.

    A bar that is there is as wide as can be seen.
    """
    side = _ZERO_LINE if value < 0 else 100 - _ZERO_LINE
    width = (part(abs(value), largest) * side / 100).quantize(Decimal("0.01"))
    if abs(value) >= _ALMOST_NOTHING:
        width = max(width, _LEAST)
    start = _ZERO_LINE - width if value < 0 else _ZERO_LINE
    return Around(value < 0, drawn(_ZERO_LINE), drawn(start), drawn(width))
