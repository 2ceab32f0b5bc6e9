"""From a file's cells to the tables: staged with COPY, merged in one statement, recorded with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from babel import Locale
from babel.core import get_global
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from common.lines import on_one_line
from ledger import services as ledger
from pricing.domain.hourly import entsoe, mix, tables, yearly
from pricing.domain.hourly.values import (
    HOUR,
    INTENSITIES,
    PRICES,
    Cell,
    Malformed,
    Quantity,
    Reading,
    Series,
    zone_of,
)
from pricing.errors import ImportRefused
from pricing.models import HourlyImport, HourlySeries, YearlyIntensity
from pricing.services.hourly.unpacking import MOST_UNPACKED, Unpacked, digest_of, unpacked

Content = HourlyImport.Content

# Beyond them a value is kept as its source has it, and counted: the harmonised limits of the day-ahead
# market (Regulation (EU) 2015/1222, Article 41), and what no mix of plants comes to.
USUAL = {
    Quantity.PRICE: (Decimal(-500), Decimal(5_000)),
    Quantity.LIFECYCLE: (Decimal(0), Decimal(1_500)),
    Quantity.DIRECT: (Decimal(0), Decimal(1_500)),
}
_LINES_AT_ONCE = 2_000
# The hours missing in so many, each of the longest that is read, can still be counted in four bytes.
MOST_SERIES = 1_000

_STAGE = """
    CREATE TEMPORARY TABLE hourly_stage (
        series integer, hour timestamptz, value numeric(11, 4), is_estimate boolean
    )
"""
# What is there already with the same value is left alone, so that a second import changes nothing; and what
# a source reported is not replaced by what another one estimates.
_BESIDE_KEPT = """
    FROM hourly_stage AS stage LEFT JOIN pricing_hourlyvalue AS kept
        ON kept.series_id = (%(ids)s::bigint[])[stage.series + 1] AND kept.hour = stage.hour
    WHERE kept.series_id IS NULL
       OR (kept.value, kept.is_estimate) IS DISTINCT FROM (stage.value, stage.is_estimate)
          AND (kept.is_estimate OR NOT stage.is_estimate)
"""
_COUNT = f"""
    SELECT series, count(*) FILTER (WHERE kept.series_id IS NULL),
        count(*) FILTER (WHERE kept.series_id IS NOT NULL)
    {_BESIDE_KEPT} GROUP BY series
"""
_MERGE = f"""
    INSERT INTO pricing_hourlyvalue (series_id, hour, value, is_estimate, came_with_id)
    SELECT (%(ids)s::bigint[])[stage.series + 1], stage.hour, stage.value, stage.is_estimate, %(record)s
    {_BESIDE_KEPT}
    ON CONFLICT (series_id, hour) DO UPDATE
    SET value = excluded.value, is_estimate = excluded.is_estimate, came_with_id = excluded.came_with_id
"""  # noqa: S608


@dataclass
class SeriesImport:
    """What a file held of one series, in hours."""

    series: Series
    values: int = 0
    estimates: int = 0
    doubtful: int = 0
    first: datetime | None = None
    last: datetime | None = None
    added: int = 0
    changed: int = 0

    @property
    def missing(self) -> int:
        """Of the hours from the first to the last that the file tells of."""
        if self.first is None or self.last is None:
            return 0
        return (self.last - self.first) // HOUR + 1 - self.values


@dataclass
class Imported:
    """What came of a file. Where it changed nothing, nothing is recorded."""

    record: HourlyImport | None = None
    series: list[SeriesImport] = field(default_factory=list)
    values: int = 0
    added: int = 0
    changed: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(one.missing for one in self.series)

    @property
    def doubtful(self) -> int:
        return sum(one.doubtful for one in self.series)


def import_file(
    *,
    content: str,
    file: IO[bytes],
    name: str,
    source: str,
    licence: str = "",
    by: User | None,
    at: datetime,
    zone: str = "",
    kind: str = "",
    factors: IO[bytes] | None = None,
    most_unpacked: int = MOST_UNPACKED,
) -> Imported:
    """Read the file to its end and store it in one transaction.

    `zone`: refuse a file that holds another. `kind`: of intensities whose column does not say it.
    `factors`: the file is a generation mix of `zone`, and these are its grams per kWh.
    """
    source, licence, name = on_one_line(source), on_one_line(licence), on_one_line(name)[-200:]
    if content not in Content.values:
        raise ImportRefused(_("Say what the file holds."), field="content")
    if not source:
        raise ImportRefused(_("Say where the figures come from."), field="source")
    with transaction.atomic():
        record = HourlyImport(
            content=content, file_name=name, sha256=digest_of(file), source=source[:200],
            licence=licence[:200], by=by, at=at,
        )  # fmt: skip
        with unpacked(file, name, most_unpacked) as given:
            if content == Content.COUNTRIES:
                return _store_years(record, given)
            reading = _reading(content, given, zone=zone, kind=kind, factors=factors)
            return _store(record, reading, only=zone)


def _reading(content: str, given: Unpacked, *, zone: str, kind: str, factors: IO[bytes] | None) -> Reading:
    if content == Content.PRICES:
        if given.is_xml:
            return entsoe.Documents().reading(iter(given.streams))
        return tables.read_table(given.text(), PRICES)
    named = Quantity(kind) if kind else None
    if factors is not None:
        if not zone:
            raise ImportRefused(_("Say which zone the generation is of."), field="zone")
        with unpacked(factors, _("the factors")) as given_factors:
            read = mix.read_factors(given_factors.text())
        return mix.read_mix(given.text(), read, zone=zone_of(1, zone), quantity=named or Quantity.LIFECYCLE)
    return tables.read_table(given.text(), INTENSITIES, unnamed=named)


def _store(record: HourlyImport, reading: Reading, *, only: str) -> Imported:
    told: list[SeriesImport] = []
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy("COPY hourly_stage FROM STDIN") as copy:
            lines = _lines(reading, told, only)
            while block := "".join(islice(lines, _LINES_AT_ONCE)):
                copy.write(block)
        if not any(one.values for one in told):
            raise Malformed(1, "no_values")
        ids = _locked([one.series for one in told])
        cursor.execute(_COUNT, {"ids": ids})
        for index, added, changed in cursor.fetchall():
            told[index].added, told[index].changed = added, changed
        imported = _recorded(record, told, reading)
        if imported.record:
            cursor.execute(_MERGE, {"ids": ids, "record": record.pk})
        cursor.execute("DROP TABLE hourly_stage")
    return imported


def _recorded(record: HourlyImport, told: list[SeriesImport], reading: Reading) -> Imported:
    imported = Imported(
        None,
        told,
        values=sum(one.values for one in told),
        added=sum(one.added for one in told),
        changed=sum(one.changed for one in told),
        left_out=reading.left_out,
    )
    record.format = reading.format
    record.first_hour = min(one.first for one in told if one.first)
    record.last_hour = max(one.last for one in told if one.last)
    return _entered(record, imported)


def _entered(record: HourlyImport, imported: Imported) -> Imported:
    """With its counts from the beginning: an import that is recorded never changes."""
    if imported.added or imported.changed:
        record.values, record.added, record.changed = imported.values, imported.added, imported.changed
        record.missing, record.doubtful = imported.missing, imported.doubtful
        # Not before the import that it corrects, whose moment may have been read later.
        newest = HourlyImport.objects.aggregate(at=Max("at"))["at"]
        record.at = max(record.at, newest) if newest else record.at
        record.entry = ledger.append(kind="hourly_import", body=_entry(record), at=record.at)
        record.save(force_insert=True)
        imported.record = record
    return imported


def _entry(record: HourlyImport) -> dict[str, object]:
    """Not the file's name, which may hold somebody's own, nor who imported it."""
    return {
        "import": record.uid,
        **{name: getattr(record, name) for name in ("content", "source", "licence")},
        "digest": record.sha256,
        **{name: getattr(record, name) for name in ("values", "missing", "added", "changed")},
    }


def _locked(series: Sequence[Series]) -> list[int]:
    """Their ids, held until the transaction ends: two files about one zone take turns."""
    rows = [HourlySeries(zone=one.zone, quantity=one.quantity) for one in sorted(series, key=str)]
    HourlySeries.objects.bulk_create(rows, ignore_conflicts=True)
    known = HourlySeries.objects.select_for_update(no_key=True).filter(zone__in={one.zone for one in series})
    ids = {(row.zone, row.quantity): row.pk for row in known.order_by("pk")}
    return [ids[one.zone, str(one.quantity)] for one in series]


def _lines(reading: Reading, told: list[SeriesImport], only: str) -> Iterator[str]:
    """The cells that have a value as lines for COPY, counted on their way."""
    last: datetime | None = None
    text = ""
    for index, hour, value, is_estimate in _told_once(reading, told, only):
        one = told[index]
        if hour is not last:
            text, last = hour.isoformat(), hour
        if one.first is None or hour < one.first:
            one.first = hour
        if one.last is None or hour > one.last:
            one.last = hour
        if value is None:
            continue
        one.values += 1
        one.estimates += is_estimate
        least, most = USUAL[one.series.quantity]
        one.doubtful += not least <= value <= most
        yield f"{index}\t{text}\t{value}\t{'t' if is_estimate else 'f'}\n"


def _told_once(reading: Reading, told: list[SeriesImport], only: str) -> Iterator[Cell]:
    """Each series entered in `told` before its first cell."""
    for cell in reading.cells:
        while len(told) < len(reading.series):
            series = reading.series[len(told)]
            if len(told) == MOST_SERIES:
                raise Malformed(1, "many_series")
            if only and series.zone != only:
                raise Malformed(1, "other_zone", series.zone)
            told.append(SeriesImport(series))
        yield cell


def _store_years(record: HourlyImport, given: Unpacked) -> Imported:
    found = list(yearly.read_years(given.text()))
    if not found:
        raise Malformed(1, "no_values")
    countries = {row: _alpha_2(row) for row in found}
    # One after another: which of two files about one country is the last must be certain.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE pricing_yearlyintensity IN SHARE ROW EXCLUSIVE MODE")
        known = _known_years()
    fresh = [row for row in found if known.get((countries[row], row.year)) != row.g_per_kwh]
    changed = sum((countries[row], row.year) in known for row in fresh)
    record.format = "countries"
    imported = _entered(record, Imported(values=len(found), added=len(fresh) - changed, changed=changed))
    YearlyIntensity.objects.bulk_create(
        YearlyIntensity(country=countries[row], year=row.year, g_per_kwh=row.g_per_kwh, came_with=record)
        for row in fresh
    )
    return imported


def _alpha_2(row: yearly.CountryYear) -> str:
    """Unicode's table of territories has every code of three letters as another name of the one of two."""
    found: list[str] = get_global("territory_aliases").get(row.alpha_3, [])
    if len(found) != 1 or found[0] not in Locale("en").territories:
        raise Malformed(row.line, "country", row.alpha_3)
    return found[0]


def _known_years() -> dict[tuple[str, int], Decimal]:
    rows: Iterable[Any] = YearlyIntensity.objects.order_by("came_with__at", "came_with_id")
    return {(row.country, row.year): row.g_per_kwh for row in rows}
