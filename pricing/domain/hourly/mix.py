"""Carbon intensity of what was generated: the mean of the sources' factors, weighted with their power."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pricing.domain.hourly.values import (
    Cell,
    Malformed,
    Quantity,
    Reading,
    Series,
    in_years,
    value_of,
    within,
)

FACTOR_COLUMNS = ["source", "g_co2eq_per_kwh"]
# What is pumped up was generated before, and is counted there.
STORED = "Hydro Pumped Storage"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:00(:00)?Z?")
_POWER = re.compile(r"-?\d{1,9}(\.\d{1,6})?")
_THOUSANDTH = Decimal("0.001")


def read_factors(lines: Iterable[str]) -> dict[str, Decimal]:
    """Grams of CO2 equivalent per kWh, by source."""
    rows: Any = csv.reader(lines, strict=True)
    header: list[str] = next(rows, [])
    if header != FACTOR_COLUMNS:
        raise Malformed(1, "factor_header", ",".join(header))
    factors: dict[str, Decimal] = {}
    for row in rows:
        if len(row) != len(FACTOR_COLUMNS):
            raise Malformed(rows.line_num, "columns", f"{len(row)}/{len(FACTOR_COLUMNS)}")
        factor = value_of(rows.line_num, row[1], Quantity.LIFECYCLE)
        if factor is None or not row[0] or row[0] in factors:
            raise Malformed(rows.line_num, "factor_once", row[0])
        factors[row[0]] = factor
    return factors


def read_mix(
    lines: Iterable[str], factors: Mapping[str, Decimal], *, zone: str, quantity: Quantity
) -> Reading:
    """MW by source, a column each, in hours of UTC. A source without a factor counts as emitting nothing."""
    rows: Any = csv.reader(lines, strict=True)
    header: list[str] = next(rows, [])
    if len(header) < 2 or not set(header[1:]) & set(factors) or len(set(header)) < len(header):
        raise Malformed(1, "mix_header", ",".join(header))
    unknown = [name for name in header[1:] if name not in factors and name != STORED]
    left_out = {"without_factor": len(unknown)} if unknown else {}
    cells = _cells(rows, header[1:], factors, quantity)
    return Reading("mix", [Series(zone, quantity)], cells, left_out)


def intensity(power: Mapping[str, Decimal], factors: Mapping[str, Decimal]) -> Decimal | None:
    """In g/kWh; None where nothing was generated."""
    generated = {source: mw for source, mw in power.items() if source != STORED}
    total = sum(generated.values(), Decimal(0))
    if total <= 0:
        return None
    emitted = sum((mw * factors.get(source, Decimal(0)) for source, mw in generated.items()), Decimal(0))
    return emitted / total


def _cells(
    rows: Any, sources: list[str], factors: Mapping[str, Decimal], quantity: Quantity
) -> Iterator[Cell]:
    seen: set[datetime] = set()
    for row in rows:
        line = rows.line_num
        if len(row) != len(sources) + 1:
            raise Malformed(line, "columns", f"{len(row)}/{len(sources) + 1}")
        hour = _hour(line, row[0])
        if hour in seen:
            raise Malformed(line, "hour_once", row[0])
        seen.add(hour)
        power = {source: _power(line, text) for source, text in zip(sources, row[1:], strict=True) if text}
        mean = intensity(power, factors)
        # Generation below zero leaves a small sum, and a mean beyond all that was generated.
        value = None if mean is None else within(line, mean, quantity).quantize(_THOUSANDTH)
        yield 0, hour, value, False


def _hour(line: int, text: str) -> datetime:
    if _MOMENT.fullmatch(text):
        try:
            hour = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return in_years(line, hour, text)
    raise Malformed(line, "hour", text)


def _power(line: int, text: str) -> Decimal:
    if not _POWER.fullmatch(text):
        raise Malformed(line, "number", text)
    return Decimal(text)
