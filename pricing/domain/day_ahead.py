"""Hourly wholesale prices of electricity as a table: one row an hour, one column a bidding zone."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

FIRST_COLUMN = "hour_utc"
_ZONE = re.compile(r"[A-Z][A-Za-z0-9-]{1,19}")
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00(:00)?Z")
# The harmonised limit is 4,000 to 5,000 EUR/MWh; far beyond it stands no price but a mistake.
LARGEST = Decimal(100_000)


@dataclass(frozen=True)
class HourOfPrices:
    hour: datetime
    prices: tuple[Decimal | None, ...]  # EUR per MWh, by zone; None: missing


class Malformed(ValueError):
    """A line that is not what it should be. `wanted` is a code for its sentence."""

    def __init__(self, line: int, wanted: str, found: str = "") -> None:
        super().__init__(f"line {line}: {wanted}: {found}")
        self.line, self.wanted, self.found = line, wanted, found


def read(lines: Iterable[str]) -> tuple[tuple[str, ...], Iterator[HourOfPrices]]:
    """The zones of the header, and the hours below it; raises Malformed at the first bad line."""
    rows = csv.reader(lines, strict=True)
    header = next(rows, [])
    if not header or header[0] != FIRST_COLUMN:
        raise Malformed(1, "header", header[0] if header else "")
    zones = tuple(header[1:])
    for zone in zones:
        if not _ZONE.fullmatch(zone):
            raise Malformed(1, "zone", zone)
    if not zones or len(set(zones)) < len(zones):
        raise Malformed(1, "zones_once", ", ".join(zones))
    return zones, _hours(rows, len(zones))


def _hours(rows: Iterable[list[str]], width: int) -> Iterator[HourOfPrices]:
    seen: set[datetime] = set()
    for line, row in enumerate(rows, start=2):
        if len(row) != width + 1:
            raise Malformed(line, "columns", str(len(row)))
        hour = _hour(line, row[0])
        if hour in seen:
            raise Malformed(line, "hour_once", row[0])
        seen.add(hour)
        yield HourOfPrices(hour, tuple(_price(line, text) for text in row[1:]))


def _hour(line: int, text: str) -> datetime:
    if _HOUR.fullmatch(text):
        try:
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise Malformed(line, "hour", text)


def _price(line: int, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        price = Decimal(text)
        if price.is_finite() and abs(price) <= LARGEST and price == round(price, 2):
            return price
    except InvalidOperation:
        pass
    raise Malformed(line, "price", text)
