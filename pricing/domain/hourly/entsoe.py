"""Day-ahead prices in ENTSO-E's XML: publication market documents of type A44 (IEC 62325-451-3).

Times are UTC, so that a local day of 23 or 25 hours needs no rule. A document may not declare anything
(no DTD, no entity), which leaves nothing to expand or to fetch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import IO
from xml.parsers import expat

from pricing.domain.hourly.values import (
    HOUR,
    PLACES,
    Cell,
    Malformed,
    Quantity,
    Reading,
    Series,
    in_years,
    value_of,
    within,
)
from pricing.domain.hourly.zones import EIC

_PUBLICATION = re.compile(
    r"urn:iec62325\.351:tc57wg16:451-3:publicationdocument:[\d:]+ Publication_MarketDocument"
)
_STEPS = {"PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:00)?Z")
_DEEPEST = 12  # elements within elements; a price stands at the fifth
_LONGEST = 400  # letters of one text
_MOST_REASONS = 8  # of an acknowledgement
_BLOCK = 1 << 16
# A document holds a year at most; three of quarter-hours are more than any period or series has.
_MOST_POSITIONS = 3 * 366 * 24 * 4
# More than two years of 45 zones. A few letters can stand for years of hours, where a price is repeated.
MOST_HOURS = 1_000_000  # of all documents of a file together
_SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"


@dataclass
class _Point:
    line: int
    position: str = ""
    price: str = ""


@dataclass
class _Period:
    line: int
    start: str = ""
    end: str = ""
    resolution: str = ""
    points: list[_Point] = field(default_factory=list)


@dataclass
class _TimeSeries:
    line: int
    domain: str = ""
    out_domain: str = ""
    currency: str = ""
    unit: str = ""
    curve: str = "A01"
    sequence: str = "1"
    agreement: str = "A01"
    periods: list[_Period] = field(default_factory=list)


# Elements of a time series that are read, by the name of the field that takes their text.
_FIELDS = {
    "in_Domain.mRID": "domain",
    "out_Domain.mRID": "out_domain",
    "currency_Unit.name": "currency",
    "price_Measure_Unit.name": "unit",
    "curveType": "curve",
    "contract_MarketAgreement.type": "agreement",
    _SEQUENCE: "sequence",
}


class _Document:
    """One document, pushed through expat block by block."""

    def __init__(self) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._declared
        parser.EntityDeclHandler = self._declared
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.buffer_text = True
        self.path: list[str] = []
        self.text = ""
        self.reason: list[str] = []
        self.acknowledges = False
        self.series: _TimeSeries | None = None
        self.count = 0  # of its periods and points
        self.finished: list[_TimeSeries] = []
        self.endings: dict[str, Callable[[], None]] = {
            "TimeSeries": self._end_series,
            "Period/timeInterval/start": lambda: self._to_period("start"),
            "Period/timeInterval/end": lambda: self._to_period("end"),
            "Period/resolution": lambda: self._to_period("resolution"),
            "Period/Point/position": lambda: self._to_point("position"),
            "Period/Point/price.amount": lambda: self._to_point("price"),
        }

    def push(self, block: bytes, *, is_last: bool) -> list[_TimeSeries]:
        """The time series that are complete with this block."""
        try:
            self.parser.Parse(block, is_last)
        except expat.ExpatError as exc:
            raise Malformed(exc.lineno, "xml", expat.ErrorString(exc.code) or "") from exc
        except Malformed:
            raise
        except (LookupError, ValueError) as exc:  # an encoding that nobody knows, or of several bytes
            raise Malformed(self.line, "xml", str(exc)) from exc
        finished, self.finished = self.finished, []
        return finished

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def _declared(self, *_what: object) -> None:
        raise Malformed(self.line, "declaration")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self.text = ""
        if not self.path:
            self.acknowledges = local == "Acknowledgement_MarketDocument"
            if not self.acknowledges and not _PUBLICATION.fullmatch(name):
                raise Malformed(self.line, "document", local)
        self.path.append(local)
        if len(self.path) > _DEEPEST:
            raise Malformed(self.line, "deep")
        if local == "TimeSeries":
            self.series, self.count = _TimeSeries(self.line), 0
        elif local == "Period" and self.series:
            self._count_one()
            self.series.periods.append(_Period(self.line))
        elif local == "Point" and self.series and self.series.periods:
            self._count_one()
            self.series.periods[-1].points.append(_Point(self.line))

    def _count_one(self) -> None:
        """What a series holds is kept until its end."""
        self.count += 1
        if self.count > _MOST_POSITIONS:
            raise Malformed(self.line, "many_points")

    def _text(self, text: str) -> None:
        self.text += text
        if len(self.text) > _LONGEST:
            raise Malformed(self.line, "long_text")

    def _end(self, _name: str) -> None:
        text, self.text = self.text.strip(), ""
        place = "/".join(self.path[2:]) if len(self.path) > 2 else self.path[-1]
        local = self.path.pop()
        if self.acknowledges:
            self._acknowledged(local, text)
        elif self.path == ["Publication_MarketDocument"] and local == "type" and text != "A44":
            raise Malformed(self.line, "type", text)
        elif self.series:
            self.text_of_series = text
            if place in self.endings:
                self.endings[place]()
            elif place in _FIELDS:
                setattr(self.series, _FIELDS[place], text)

    def _acknowledged(self, local: str, text: str) -> None:
        """ENTSO-E's way of saying that there is nothing, or why not."""
        if local in ("code", "text") and text and len(self.reason) < _MOST_REASONS:
            self.reason.append(text)
        if not self.path:
            raise Malformed(self.line, "acknowledgement", ": ".join(self.reason))

    def _end_series(self) -> None:
        if self.series:
            self.finished.append(self.series)
        self.series = None

    def _to_period(self, name: str) -> None:
        if self.series and self.series.periods:
            setattr(self.series.periods[-1], name, self.text_of_series)

    def _to_point(self, name: str) -> None:
        if self.series and self.series.periods and self.series.periods[-1].points:
            setattr(self.series.periods[-1].points[-1], name, self.text_of_series)


class Documents:
    """The prices of one document or several, as if they were one file."""

    def __init__(self) -> None:
        self.series: list[Series] = []
        self.left_out: dict[str, int] = {}
        self._indexes: dict[str, int] = {}
        self._seen: list[set[datetime]] = []
        self._hours = 0

    def reading(self, streams: Iterator[IO[bytes]]) -> Reading:
        return Reading("entsoe", self.series, self._cells(streams), self.left_out)

    def _cells(self, streams: Iterator[IO[bytes]]) -> Iterator[Cell]:
        for stream in streams:
            document = _Document()
            is_last = False
            while not is_last:
                block = stream.read(_BLOCK)
                is_last = not block
                for series in document.push(block, is_last=is_last):
                    yield from self._of(series)

    def _of(self, series: _TimeSeries) -> Iterator[Cell]:
        if self._is_left_out(series):
            return
        _require_prices(series)
        zone = EIC[series.domain]
        if zone not in self._indexes:
            self._indexes[zone] = len(self.series)
            self.series.append(Series(zone, Quantity.PRICE))
            self._seen.append(set())
        index = self._indexes[zone]
        for period in series.periods:
            hours = list(_hours(period, series.curve))
            self._hours += len(hours)
            if self._hours > MOST_HOURS:
                raise Malformed(period.line, "many_hours", f"{self._hours:,}")
            for hour, value in hours:
                if hour in self._seen[index]:
                    raise Malformed(period.line, "value_once", f"{zone}, {hour:%Y-%m-%dT%H:%MZ}")
                self._seen[index].add(hour)
                yield index, hour, value, False

    def _is_left_out(self, series: _TimeSeries) -> bool:
        """Other auctions of the same hours: of a zone's second exchange, or within the day."""
        kind = ""
        if series.sequence != "1":
            kind = "other_auction"
        elif series.agreement != "A01":
            kind = "not_day_ahead"
        if kind:
            self.left_out[kind] = self.left_out.get(kind, 0) + 1
        return bool(kind)


def _require_prices(series: _TimeSeries) -> None:
    if series.domain not in EIC:
        raise Malformed(series.line, "eic", series.domain)
    if series.out_domain != series.domain:
        raise Malformed(series.line, "two_zones", f"{series.domain}, {series.out_domain}")
    if series.currency != "EUR":
        raise Malformed(series.line, "currency", series.currency)
    if series.unit != "MWH":
        raise Malformed(series.line, "unit_entsoe", series.unit)
    if series.curve not in ("A01", "A03"):
        raise Malformed(series.line, "curve", series.curve)


def _hours(period: _Period, curve: str) -> Iterator[tuple[datetime, Decimal | None]]:
    """The hours that lie wholly in the period; of shorter steps the mean, where all of them are there."""
    minutes = _STEPS.get(period.resolution)
    if minutes is None:
        raise Malformed(period.line, "resolution", period.resolution)
    start, end = _moment(period.line, period.start), _moment(period.line, period.end)
    count, rest = divmod(end - start, timedelta(minutes=minutes))
    if count < 1 or rest or start.minute or end.minute:
        raise Malformed(period.line, "period", f"{period.start}/{period.end}")
    if count > _MOST_POSITIONS:
        raise Malformed(period.line, "long_period", f"{period.start}/{period.end}")
    prices = _positions(period, count, fills=curve == "A03")
    steps = 60 // minutes
    for number in range(count // steps):
        found = [price for price in prices[number * steps : (number + 1) * steps] if price is not None]
        mean = (sum(found, Decimal(0)) / steps).quantize(PLACES) if len(found) == steps else None
        yield start + number * HOUR, mean


def _positions(period: _Period, count: int, *, fills: bool) -> list[Decimal | None]:
    """A price for each step. Curve A03 leaves out a position whose price is that of the one before."""
    prices: list[Decimal | None] = [None] * count
    last = 0
    for point in period.points:
        position = int(point.position) if re.fullmatch(r"\d{1,6}", point.position) else 0
        if not last < position <= count:
            raise Malformed(point.line, "position", f"{point.position}/{count}")
        if fills and last:
            prices[last : position - 1] = [prices[last - 1]] * (position - 1 - last)
        price = value_of(point.line, point.price, Quantity.PRICE)
        if price is None:
            raise Malformed(point.line, "number", "")
        prices[position - 1], last = within(point.line, price, Quantity.PRICE), position
    if fills and last:
        prices[last:] = [prices[last - 1]] * (count - last)
    return prices


def _moment(line: int, text: str) -> datetime:
    if _MOMENT.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return in_years(line, moment, text)
    raise Malformed(line, "moment", text)
