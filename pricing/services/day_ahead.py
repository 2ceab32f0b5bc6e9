"""Importing day-ahead prices of electricity: all of a file or nothing of it."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.db import connection, transaction
from django.utils.translation import gettext as _

from pricing.domain.day_ahead import HourOfPrices, Malformed, read
from pricing.errors import ImportRefused

_GZIP = b"\x1f\x8b"

_STAGE = """
    CREATE TEMPORARY TABLE day_ahead_stage (zone text, hour timestamptz, eur_per_mwh numeric(10, 2))
"""
# Rows that are there already with the same price are left alone: a second import changes nothing.
_MERGE = """
    INSERT INTO pricing_dayaheadprice AS kept (zone, hour, eur_per_mwh, source)
    SELECT zone, hour, eur_per_mwh, %s FROM day_ahead_stage
    ON CONFLICT (zone, hour) DO UPDATE SET eur_per_mwh = excluded.eur_per_mwh, source = excluded.source
    WHERE kept.eur_per_mwh <> excluded.eur_per_mwh
    RETURNING zone, (xmax = 0) AS is_new
"""


@dataclass
class ZoneImport:
    """What a file held for one zone, in hours."""

    zone: str
    in_file: int = 0
    missing: int = 0
    added: int = 0
    changed: int = 0


def import_day_ahead(*, path: Path, source: str) -> list[ZoneImport]:
    """Read the file to its end and store it in one transaction; says per zone what came of it."""
    with _lines(path) as lines, _naming_the_line():
        zones, hours = read(lines)
        return _store(zones, hours, source)


@transaction.atomic
def _store(zones: tuple[str, ...], hours: Iterable[HourOfPrices], source: str) -> list[ZoneImport]:
    found = {zone: ZoneImport(zone) for zone in zones}
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy("COPY day_ahead_stage FROM STDIN") as copy:
            for row in hours:
                for zone, price in zip(zones, row.prices, strict=True):
                    if price is None:
                        found[zone].missing += 1
                    else:
                        found[zone].in_file += 1
                        copy.write_row((zone, row.hour, price))
        cursor.execute(_MERGE, [source])
        for zone, is_new in cursor.fetchall():
            if is_new:
                found[zone].added += 1
            else:
                found[zone].changed += 1
        cursor.execute("DROP TABLE day_ahead_stage")
    return list(found.values())


@contextmanager
def _lines(path: Path) -> Iterator[IO[str]]:
    """The text of a file, unpacked when it begins like gzip, whatever its name says."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            yield io.TextIOWrapper(stream, encoding="utf-8", newline="")
    except (OSError, EOFError, zlib.error) as exc:
        raise ImportRefused(
            _("Nothing was imported: %(file)s cannot be read (%(reason)s).")
            % {"file": path.name, "reason": exc},
            field="file",
        ) from exc


@contextmanager
def _naming_the_line() -> Iterator[None]:
    try:
        yield
    except Malformed as exc:
        sentence = _WANTED[exc.wanted]() % {"found": exc.found[:80]}
        raise ImportRefused(
            _("Nothing was imported. Line %(line)d: %(sentence)s") % {"line": exc.line, "sentence": sentence},
            line=exc.line,
        ) from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ImportRefused(
            _("Nothing was imported: this is no CSV file in UTF-8 (%(reason)s).") % {"reason": exc}
        ) from exc


_WANTED = {
    "header": lambda: _("the first column is called hour_utc, not “%(found)s”."),
    "zone": lambda: _("“%(found)s” is not the name of a bidding zone, such as FR or DE-LU."),
    "zones_once": lambda: _("each zone is named once: %(found)s."),
    "columns": lambda: _("%(found)s columns, and the header has another number."),
    "hour": lambda: _("“%(found)s” is not the beginning of an hour, such as 2023-10-01T00:00Z."),
    "hour_once": lambda: _("%(found)s stands here for the second time."),
    "price": lambda: _("“%(found)s” is not a price in EUR per MWh with at most two decimals."),
}
