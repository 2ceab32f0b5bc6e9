"""What is known of an hour: the quantities with their units and limits, and how a cell of a file is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

HOUR = timedelta(hours=1)


class Quantity(StrEnum):
    """What a series of hours measures; intensities are averages over all that is generated."""

    PRICE = "day_ahead"
    LIFECYCLE = "lifecycle"  # carbon intensity with what building and fuelling the plants emits
    DIRECT = "direct"  # carbon intensity of combustion alone


PRICES = (Quantity.PRICE,)
INTENSITIES = (Quantity.LIFECYCLE, Quantity.DIRECT)
UNITS = {
    Quantity.PRICE: "EUR/MWh",
    Quantity.LIFECYCLE: "gCO2e/kWh",
    Quantity.DIRECT: "gCO2e/kWh",
}
# Beyond these stands no value but a mistake. The harmonised limits of the day-ahead market are -500 and
# 4,000 EUR/MWh, raised after dear days; sources do hold values beyond them. Lignite alone emits 1,000 to
# 1,300 g/kWh.
LIMITS = {
    Quantity.PRICE: (Decimal(-10_000), Decimal(10_000)),
    Quantity.LIFECYCLE: (Decimal(0), Decimal(2_500)),
    Quantity.DIRECT: (Decimal(0), Decimal(2_500)),
}
# Markets by the hour began in the nineties; a year beyond is a slip of the pen, and a file that reaches from
# one end of the calendar to the other would be filled with hours of nothing.
FIRST_YEAR, LAST_YEAR = 1990, 2100
PLACES = Decimal("0.0001")  # the mean of four quarter-hours of cents is exact in them


class Basis(StrEnum):
    """Where the value of an hour comes from. All but the first are marked wherever they are shown."""

    REPORTED = "reported"
    ESTIMATED = "estimated"  # by its source
    LINE = "line"  # by us, see filling.py
    WEEK = "week"
    MONTH = "month"
    YEARLY = "yearly"  # the country's mean of a year

    @property
    def is_estimate(self) -> bool:
        return self is not Basis.REPORTED


@dataclass(frozen=True)
class Series:
    zone: str
    quantity: Quantity

    def __str__(self) -> str:
        return f"{self.zone} {self.quantity}"


# Which series, the hour's beginning, its value (None: missing), whether the source says it is an estimate.
Cell = tuple[int, datetime, Decimal | None, bool]


@dataclass
class Reading:
    """A file being read. The series are all known when `cells` has come to its end."""

    format: str
    series: list[Series]
    cells: Iterator[Cell]
    # What was left out on purpose, by what it is; known at the end, like the series.
    left_out: dict[str, int] = field(default_factory=dict)


class Malformed(ValueError):
    """A line that is not what it should be. `wanted` is a code for its sentence."""

    def __init__(self, line: int, wanted: str, found: str = "") -> None:
        super().__init__(f"line {line}: {wanted}: {found}")
        self.line, self.wanted, self.found = line, wanted, found


# ENTSO-E's and Electricity Maps' names begin with the country's letters (ISO 3166-1): FR, DE-LU, US-CAL-CISO.
_ZONE = re.compile(r"[A-Z]{2}[A-Za-z0-9-]{0,18}")
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00(:00)?Z")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,4})?")
_COMMA = re.compile(r"-?[\d.]*\d,\d+")


def zone_of(line: int, text: str) -> str:
    if not _ZONE.fullmatch(text):
        raise Malformed(line, "zone", text)
    return text


def country_of(zone: str) -> str:
    """ISO 3166-1 alpha-2."""
    return zone[:2]


def hour_of(line: int, text: str) -> datetime:
    if _HOUR.fullmatch(text):
        try:
            hour = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return in_years(line, hour, text)
    raise Malformed(line, "hour", text)


def in_years(line: int, moment: datetime, text: str) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Malformed(line, "years", text)
    return moment


def value_of(line: int, text: str, quantity: Quantity) -> Decimal | None:
    """None where nothing stands: a missing hour."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Malformed(line, "comma" if _COMMA.fullmatch(text) else "number", text)
    return within(line, Decimal(text), quantity)


def within(line: int, value: Decimal, quantity: Quantity) -> Decimal:
    least, most = LIMITS[quantity]
    if not least <= value <= most:
        raise Malformed(line, f"absurd_{quantity}", str(value))
    return value
