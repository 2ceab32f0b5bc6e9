"""What a file of the market can say: offers, prices in shops, exchange rates; and how its cells are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

from pricing.domain.exact import EXACT

PLACES = Decimal("0.000001")
# Of the currencies that prices are read in. None is worth so little that the limits below would not hold.
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD")
# A device-hour outside of these is in another unit: cents, a month, a whole machine taken for one device.
LEAST_HOUR, MOST_HOUR = Decimal("0.01"), Decimal(1_000)
LEAST_SHOP, MOST_SHOP = Decimal(10), Decimal(1_000_000)
LEAST_RATE, MOST_RATE = Decimal("0.0001"), Decimal(1_000_000)
FIRST_DAY = date(1999, 1, 4)  # of the euro's reference rates
MOST_DEVICES = Decimal(1_000)
MOST_MEMORY = Decimal(500_000)  # of one device, in the unit of the source
FOUR_PLACES = Decimal("0.0001")


class Kind(StrEnum):
    """On what terms an hour is sold; prices of two kinds are never put together."""

    ON_DEMAND = "on_demand"
    RESERVED = "reserved_1y"  # promised for a year
    SPOT = "spot"  # may be taken away again
    CHEAPEST = "cheapest"  # the cheapest of a provider's listings, whatever stands behind it


@dataclass(frozen=True)
class Offer:
    """One price in a provider's list, as it was seen on a day."""

    provider: str
    offer: str  # the instance, part or plan
    region: str
    device: str  # as the source names it
    memory_gib: Decimal | None  # of one device, where the source says it
    devices: Decimal  # behind the price; less than one where a part of a device is sold
    currency: str
    price_hour: Decimal  # of the whole offer
    kind: Kind
    observed_on: date

    @property
    def per_device_hour(self) -> Decimal:
        return EXACT.divide(self.price_hour, self.devices).quantize(PLACES)

    @property
    def identity(self) -> tuple[str, ...]:
        """What one source says once."""
        return self.provider, self.offer, self.region, self.device, self.kind, self.observed_on.isoformat()


@dataclass(frozen=True)
class ShopPrice:
    """What a device alone was sold for on a day, tax as the source has it."""

    device: str
    on: date
    price: Decimal
    currency: str

    @property
    def identity(self) -> tuple[str, ...]:
        return self.device, self.currency, self.on.isoformat()


@dataclass(frozen=True)
class Rate:
    """How much of a currency one euro was worth, as its source has it."""

    currency: str
    per_eur: Decimal
    on: date

    @property
    def identity(self) -> tuple[str, ...]:
        return self.currency, self.on.isoformat()


Line = Offer | ShopPrice | Rate


class Content(StrEnum):
    """What a file holds. One holds one of them."""

    PRICES = "prices"
    SHOPS = "shops"
    RATES = "rates"


@dataclass
class Reading:
    """A file being read. What was left out on purpose is known at the end."""

    content: Content
    format: str
    lines: Iterator[tuple[int, Line]]  # each with the line of the file that it came from
    left_out: Counter[str] = field(default_factory=Counter)


class Fault(ValueError):
    """A cell that is not what it should be. `wanted` is a code for its sentence."""

    def __init__(self, line: int, column: str, wanted: str, found: str = "") -> None:
        super().__init__(f"line {line}, {column}: {wanted}: {found}")
        self.line, self.column, self.wanted, self.found = line, column, wanted, found


_NUMBER = re.compile(r"\d{1,9}(\.\d{1,10})?")
_COMMA = re.compile(r"[\d.]*\d,\d+")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
LONGEST = 120


@dataclass(frozen=True)
class Row:
    """The cells of a line by the name of their column."""

    line: int
    cells: Mapping[str, str]
    today: date

    def text(self, column: str, *, optional: bool = False) -> str:
        found = self.cells[column].strip()
        if not found and not optional:
            raise Fault(self.line, column, "empty")
        if len(found) > LONGEST or not found.isprintable():
            raise Fault(self.line, column, "text", found)
        return found

    def provider(self, column: str) -> str:
        found = self.cells[column].strip()
        if not _PROVIDER.fullmatch(found):
            raise Fault(self.line, column, "provider", found)
        return found

    def number(self, column: str) -> Decimal | None:
        """None where nothing stands."""
        found = self.cells[column].strip()
        if not found:
            return None
        if not _NUMBER.fullmatch(found):
            raise Fault(self.line, column, "comma" if _COMMA.fullmatch(found) else "number", found)
        return Decimal(found)

    def needed(self, column: str) -> Decimal:
        found = self.number(column)
        if found is None:
            raise Fault(self.line, column, "empty")
        return found

    def devices(self, column: str) -> Decimal:
        found = self.needed(column).quantize(FOUR_PLACES)
        if not 0 < found <= MOST_DEVICES:
            raise Fault(self.line, column, "devices", self.cells[column])
        return found

    def memory(self, column: str) -> Decimal | None:
        found = self.number(column)
        if found is not None and not 0 < found.quantize(FOUR_PLACES) <= MOST_MEMORY:
            raise Fault(self.line, column, "memory", self.cells[column])
        return None if found is None else found.quantize(FOUR_PLACES)

    def price(self, column: str, devices: Decimal) -> Decimal | None:
        """Of the whole offer; None where the source has none."""
        found = self.number(column)
        if found is None:
            return None
        if not LEAST_HOUR <= EXACT.divide(found, devices) <= MOST_HOUR:
            raise Fault(self.line, column, "absurd_hour", self.cells[column])
        return found.quantize(PLACES)

    def currency(self, column: str) -> str:
        found = self.cells[column].strip()
        if found not in CURRENCIES:
            raise Fault(self.line, column, "currency", found)
        return found

    def day(self, column: str) -> date:
        return day_of(self.line, column, self.cells[column].strip(), self.today)

    def moment(self, column: str) -> date:
        """The day, of UTC, of a moment."""
        found = self.cells[column].strip()
        try:
            moment = datetime.fromisoformat(found)
            day = moment.astimezone(UTC).date() if moment.tzinfo else None
        except (ValueError, OverflowError):  # the latter at the calendar's very end
            day = None
        if day is None:
            raise Fault(self.line, column, "moment", found)
        return day_of(self.line, column, day.isoformat(), self.today)


def day_of(line: int, column: str, text: str, today: date) -> date:
    """A day of the euro's time that has begun."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Fault(line, column, "day", text)
    if day < FIRST_DAY:
        raise Fault(line, column, "early", text)
    if day > today:
        raise Fault(line, column, "future", text)
    return day
