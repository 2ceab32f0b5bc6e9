"""Forward decay: usage halves with every half-life, and a stored sum never needs refreshing.

An interval counts `weight x integral of 2**((t - L) / h)` from its start to its end, once and
for all. Usage seen at a moment is the sum of those, times `2**(-(moment - L) / h)`. Source of
the idea: Cormode, Shkapenyuk, Srivastava, Xu, "Forward Decay" (ICDE 2009).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

# The landmark L. Ratios cancel it; it may move by whole half-lives.
LANDMARK = datetime(2026, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)
# 34 significant digits, half-even: decimal128 of IEEE 754-2019. Differences of two powers
# lose digits, so steps carry 26 more and only results are rounded.
_RESULT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_STEPS = Context(prec=60, rounding=ROUND_HALF_EVEN)
_LN2 = _STEPS.ln(Decimal(2))

LN2 = _RESULT.plus(_LN2)


class DegenerateHalfLife(ValueError):
    """A half-life of nothing forgets everything at once, and fair share would silently be off."""


def growth(since: timedelta, half_life: timedelta) -> Decimal:
    """2 ** (since / half_life), to 34 significant digits."""
    return _RESULT.plus(_growth(since, half_life))


def decay(age: timedelta, half_life: timedelta) -> Decimal:
    """What is left of a unit after `age`: exactly one half after one half-life."""
    return growth(-age, half_life)


def integral(start: datetime, end: datetime, half_life: timedelta) -> Decimal:
    """Hours of [start, end), each weighted with 2 ** ((t - L) / half_life)."""
    _require(half_life)
    rise = _STEPS.subtract(_growth(end - LANDMARK, half_life), _growth(start - LANDMARK, half_life))
    scale = _STEPS.divide(_hours(half_life), _LN2)
    return _RESULT.multiply(rise, scale)


def counted(weight: Decimal, start: datetime, end: datetime, half_life: timedelta) -> Decimal:
    """What a device of this weight, used during [start, end), adds to its project's stored usage."""
    return _RESULT.multiply(weight, integral(start, end, half_life))


def seen_at(moment: datetime, stored: Decimal, half_life: timedelta) -> Decimal:
    """Stored usage as it counts at a moment, in cost-weighted hours."""
    return _RESULT.multiply(stored, decay(moment - LANDMARK, half_life))


def _require(half_life: timedelta) -> None:
    if half_life <= timedelta(0):
        raise DegenerateHalfLife(f"a half-life must be longer than nothing, not {half_life}")


@lru_cache(maxsize=4096)
def _growth(since: timedelta, half_life: timedelta) -> Decimal:
    _require(half_life)
    # Whole half-lives are exact powers of two; only the rest needs a series.
    whole, rest = divmod(since // _MICROSECOND, half_life // _MICROSECOND)
    part = _STEPS.divide(Decimal(rest), Decimal(half_life // _MICROSECOND))
    return _STEPS.multiply(_STEPS.power(Decimal(2), whole), _STEPS.exp(_STEPS.multiply(part, _LN2)))


def _hours(length: timedelta) -> Decimal:
    return _STEPS.divide(Decimal(length // _MICROSECOND), Decimal(3_600_000_000))
