"""Exact decimal arithmetic: how money is added, rounded, divided among many and written.

Figures are kept to 60 digits and rounded once, half to even, to a millionth of a EUR when they are
published. What rounding takes or gives is an amount of its own, so that nothing is lost unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext

ONE = Decimal(1)
ZERO = Decimal(0)
MICRO = Decimal("0.000001")  # the grain of a published unit price and of a row of money
CENT = Decimal("0.01")  # the grain of an invoice line
# Far more digits than any figure shown: rounding happens once, when a figure is published.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Line:
    """Rows of money on one line of an invoice: what they come to, what is asked, and the difference."""

    exact: Decimal
    rounded: Decimal

    @property
    def drift(self) -> Decimal:
        """The row called rounding: rows + drift = line."""
        with localcontext(EXACT):
            return self.rounded - self.exact


def total(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, ZERO)


def less(whole: Decimal, *parts: Decimal) -> Decimal:
    """What is left of a whole. A minus sign before a Decimal would round it to the context's digits."""
    with localcontext(EXACT):
        return whole - sum(parts, ZERO)


def rounded(amount: Decimal, grain: Decimal = MICRO) -> Decimal:
    """To the published grain, half to even."""
    with localcontext(EXACT):
        return amount.quantize(grain, rounding=ROUND_HALF_EVEN)


def line_of(rows: Iterable[Decimal], *, grain: Decimal = CENT) -> Line:
    """Rows of six decimals as one line of an invoice; only the line is rounded to cents."""
    exact = total(rows)
    return Line(exact=exact, rounded=rounded(exact, grain))


def split(whole: Decimal, bases: Sequence[Decimal], *, grain: Decimal = MICRO) -> list[Decimal]:
    """`whole` divided in proportion to `bases`, in whole grains that add up to it exactly.

    What rounding leaves goes to the largest remainders. Used for the lines of a waterfall, for the
    shares of a cost pool and for devices of different worth (OpenCost specification, appendix A: a
    node of 35 with bases 30, 30 and 10 is split 15, 15 and 5).
    """
    with localcontext(EXACT):
        basis = total(bases)
        if not basis:
            raise ValueError("nothing to split by")
        wanted = [whole * base / basis for base in bases]
        parts = [amount.quantize(grain, rounding=ROUND_FLOOR) for amount in wanted]
        missing = int((whole - total(parts)) / grain)
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - wanted[i], i))
        for index in by_remainder[:missing]:
            parts[index] += grain
        return parts


def plain(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros: one number, one spelling."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text
