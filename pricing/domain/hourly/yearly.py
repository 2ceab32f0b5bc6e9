"""Carbon intensity of a country in a year: what stands in where no hour is known."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pricing.domain.hourly.values import Malformed, Quantity, value_of

# Further columns may follow; they are left alone.
COLUMNS = ["iso3", "country", "year", "carbon_intensity_g_kwh"]
_ALPHA_3 = re.compile(r"[A-Z]{3}")
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class CountryYear:
    line: int
    alpha_3: str  # ISO 3166-1
    year: int
    g_per_kwh: Decimal


def read_years(lines: Iterable[str]) -> Iterator[CountryYear]:
    """A line without a value is left out."""
    rows: Any = csv.reader(lines, strict=True)
    header: list[str] = next(rows, [])
    if header[: len(COLUMNS)] != COLUMNS:
        raise Malformed(1, "year_header", ",".join(header))
    seen: set[tuple[str, str]] = set()
    for row in rows:
        line = rows.line_num
        if len(row) != len(header):
            raise Malformed(line, "columns", f"{len(row)}/{len(header)}")
        country, _name, year, text = row[: len(COLUMNS)]
        if not _ALPHA_3.fullmatch(country):
            raise Malformed(line, "country", country)
        if not _YEAR.fullmatch(year):
            raise Malformed(line, "year", year)
        if (country, year) in seen:
            raise Malformed(line, "value_once", f"{country}, {year}")
        seen.add((country, year))
        value = value_of(line, text, Quantity.LIFECYCLE)
        if value is not None:
            yield CountryYear(line, country, int(year), value)


def nearest(years: Mapping[int, Decimal], year: int) -> int | None:
    """The year to take for `year`: itself, else the last one before it, else the first after."""
    before = [known for known in years if known <= year]
    after = [known for known in years if known > year]
    return max(before) if before else min(after, default=None)
