"""Public holidays by country, from the library of that name.

Those of the whole country: what only a region keeps is not among them. Where the library does not know a
country there are none. Libraries change their minds, so whatever is decided on these days stores them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Of a year, by ISO 3166-1 alpha-2 code; with the days that stand in for one on a weekend."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def holidays_within(country: str, zone: ZoneInfo, start: datetime, end: datetime) -> tuple[date, ...]:
    """Those that `[start, end)` touches by the clocks of the zone, in order."""
    first = start.astimezone(zone).date()
    last = (end - timedelta(microseconds=1)).astimezone(zone).date()
    years = range(first.year, last.year + 1)
    found = frozenset[date]().union(*(public_holidays(country, year) for year in years))
    return tuple(sorted(day for day in found if first <= day <= last))
