"""Hourly values in CSV: wide, with a column for each zone, or long, with a line for each value."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pricing.domain.hourly.values import (
    INTENSITIES,
    UNITS,
    Cell,
    Malformed,
    Quantity,
    Reading,
    Series,
    hour_of,
    value_of,
    zone_of,
)

FIRST_COLUMN = "hour_utc"
LONG_COLUMNS = ["zone", "hour_utc", "value", "unit", "kind", "basis"]
# Longest first: the last names no kind, so that whoever imports must.
_SUFFIXES = (("_lca_g_kwh", Quantity.LIFECYCLE), ("_direct_g_kwh", Quantity.DIRECT), ("_g_kwh", None))


def read_table(
    lines: Iterable[str], quantities: Sequence[Quantity], *, unnamed: Quantity | None = None
) -> Reading:
    """A table of some of `quantities`; `unnamed` is what a column such as FR_g_kwh is taken for."""
    rows: Any = csv.reader(lines, strict=True)
    header: list[str] = next(rows, [])
    if header == LONG_COLUMNS:
        series: list[Series] = []
        return Reading("long", series, _long(rows, series, quantities))
    if not header or header[0] != FIRST_COLUMN:
        raise _wrong_header(header)
    found = [_column(name, quantities, unnamed) for name in header[1:]]
    if not found or len(set(found)) < len(found):
        raise Malformed(1, "zones_once", ", ".join(header[1:]))
    return Reading("wide", found, _wide(rows, found))


def _wrong_header(header: list[str]) -> Malformed:
    found = ",".join(header)
    if ";" in found and "," not in found:
        return Malformed(1, "semicolons", found)
    return Malformed(1, "header", found)


def _column(name: str, quantities: Sequence[Quantity], unnamed: Quantity | None) -> Series:
    for suffix, kind in _SUFFIXES:
        if name.endswith(suffix):
            return Series(
                zone_of(1, name.removesuffix(suffix)), _intensity(name, kind or unnamed, quantities)
            )
    if Quantity.PRICE not in quantities:
        raise Malformed(1, "no_price_here", name)
    return Series(zone_of(1, name), Quantity.PRICE)


def _intensity(name: str, kind: Quantity | None, quantities: Sequence[Quantity]) -> Quantity:
    if not set(INTENSITIES) & set(quantities):
        raise Malformed(1, "no_intensity_here", name)
    if kind is None:
        raise Malformed(1, "kind_of_column", name)
    return kind


def _wide(rows: Any, series: Sequence[Series]) -> Iterator[Cell]:
    seen: set[datetime] = set()
    width, quantities = len(series) + 1, [one.quantity for one in series]
    for row in rows:
        line = rows.line_num
        if len(row) != width:
            raise Malformed(line, "columns", f"{len(row)}/{width}")
        hour = hour_of(line, row[0])
        if hour in seen:
            raise Malformed(line, "hour_once", row[0])
        seen.add(hour)
        for index, quantity in enumerate(quantities):
            yield index, hour, value_of(line, row[index + 1], quantity), False


def _long(rows: Any, series: list[Series], quantities: Sequence[Quantity]) -> Iterator[Cell]:
    seen: list[set[datetime]] = []
    indexes: dict[tuple[str, str, str], int] = {}
    for row in rows:
        line = rows.line_num
        if len(row) != len(LONG_COLUMNS):
            raise Malformed(line, "columns", f"{len(row)}/{len(LONG_COLUMNS)}")
        zone, text, value, unit, kind, basis = row
        index = indexes.get((zone, unit, kind))
        if index is None:
            series.append(Series(zone_of(line, zone), _kind(line, unit, kind, quantities)))
            seen.append(set())
            index = indexes[(zone, unit, kind)] = len(series) - 1
        hour = hour_of(line, text)
        if hour in seen[index]:
            raise Malformed(line, "value_once", f"{zone}, {text}")
        seen[index].add(hour)
        yield index, hour, value_of(line, value, series[index].quantity), _is_estimate(line, basis)


def _kind(line: int, unit: str, kind: str, quantities: Sequence[Quantity]) -> Quantity:
    known = {str(one): one for one in quantities}
    if kind not in known:
        raise Malformed(line, "kind_of_price" if Quantity.PRICE in quantities else "kind", kind)
    if unit != UNITS[known[kind]]:
        raise Malformed(line, f"unit_{kind}", unit)
    return known[kind]


def _is_estimate(line: int, basis: str) -> bool:
    if basis not in ("reported", "estimated"):
        raise Malformed(line, "basis", basis)
    return basis == "estimated"
