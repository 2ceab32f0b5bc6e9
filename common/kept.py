"""What thousands of rows decide is worked out once a minute, and says of when it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from django.core.cache import cache

T = TypeVar("T")

FRESH = timedelta(seconds=60)
# One asker works it out anew; whoever asks meanwhile gets the last one, so long at most.
_STALE = timedelta(minutes=10)
_WORKING = timedelta(seconds=30)


def kept(name: str, make: Callable[[], T], *, at: datetime, is_large: Callable[[T], bool]) -> T:
    """`make()`, or what it returned less than a minute ago.

    Only what is large is kept: where working it out costs little, everybody gets it of this moment.
    """
    found: tuple[datetime, T] | None = cache.get(f"kept:{name}")
    if found is not None:
        age = at - found[0]
        if timedelta(0) <= age < FRESH:
            return found[1]
        if timedelta(0) <= age < _STALE and not cache.add(f"kept:{name}:working", True, _WORKING.seconds):
            return found[1]
    made = make()
    if is_large(made):
        cache.set(f"kept:{name}", (at, made), _STALE.seconds)
    return made


def keep(values: Mapping[str, object], *, at: datetime) -> None:
    """What came out beside what was asked for: each is kept under its name."""
    cache.set_many({f"kept:{name}": (at, value) for name, value in values.items()}, _STALE.seconds)
