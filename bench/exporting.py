"""Times the export of a million hours inside the site's own settings; bench.export runs it there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.db import connection
from django.test import Client

from bench import figures
from bench.export import ADDRESS
from common import clock
from common.open_data.reading import written_rows
from pricing.domain.hourly.zones import EIC
from pricing.models import HourlyImport, HourlySeries
from pricing.selectors.datasets.electricity import HOURS

ZONES = sorted(EIC.values())[:40]
HOURS_EACH = 25_000
ROUNDS = 2
_FILL = """
    INSERT INTO pricing_hourlyvalue (series_id, hour, value, is_estimate, came_with_id)
    SELECT series.id, '2021-01-01 00:00Z'::timestamptz + step * interval '1 hour',
           round((97 + 60 * random())::numeric, 2), false, %s
      FROM pricing_hourlyseries series, generate_series(0, %s) step ORDER BY series.id, step
"""


def report() -> None:
    rows = _fill()
    found: dict[str, list[tuple[float, float, int]]] = {}
    for _round in range(ROUNDS):  # in turn, so that whatever else the machine does slows all alike
        for name, read in _ways().items():
            found.setdefault(name, []).append(_timed(read))
    bare = min(seconds for seconds, _growth, _size in found["COPY of the same rows by PostgreSQL"])
    table = []
    for name, times in found.items():
        seconds, growth, size = min(times)
        table.append(
            [
                name, f"{seconds:.2f}", f"{size / 1e6:.0f}", f"{size / 1e6 / seconds:.1f}",
                f"{rows / seconds:,.0f}", f"{seconds / bare:.1f}", f"{growth:.1f}",
            ]
        )  # fmt: skip
    figures.table(
        f"Export of {rows:,} rows, the better of {ROUNDS}",
        ["what", "s", "MB", "MB/s", "rows/s", "times COPY", "memory grew by, MB"],
        table,
    )


def _fill() -> int:
    source = HourlyImport.objects.create(
        content="prices", format="wide", file_name="bench.csv", sha256="0" * 64, source="A bench",
        licence="CC0 1.0", values=1, missing=0, added=1, changed=0, at=clock.now(),
    )  # fmt: skip
    HourlySeries.objects.bulk_create(HourlySeries(zone=zone, quantity="day_ahead") for zone in ZONES)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [source.pk, HOURS_EACH - 1])
        cursor.execute("VACUUM ANALYZE pricing_hourlyvalue")
        cursor.execute("ANALYZE")
    return len(ZONES) * HOURS_EACH


def _ways() -> dict[str, Callable[[], Iterable[bytes]]]:
    client = Client(HTTP_HOST="localhost")

    def sent(ending: str, **headers: str) -> Callable[[], Iterable[bytes]]:
        return lambda: client.get(f"{ADDRESS}.{ending}", headers=headers).streaming_content  # type: ignore[attr-defined]

    return {
        "COPY of the same rows by PostgreSQL": _copied,
        "CSV": sent("csv"),
        "CSV, gzip": sent("csv", **{"Accept-Encoding": "gzip"}),
        "JSON": sent("json"),
        "JSON lines": sent("jsonl"),
    }


def _copied() -> Iterator[bytes]:
    query, parameters = written_rows(HOURS).query.sql_with_params()
    with connection.cursor() as cursor:
        statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
        with cursor.copy(statement, parameters) as copy:
            yield from (bytes(block) for block in copy)


def _timed(read: Callable[[], Iterable[bytes]]) -> tuple[float, float, int]:
    """Seconds, by how many MB this process grew after the first chunk, and bytes."""
    began, size, lowest, highest = time.perf_counter(), 0, 0.0, 0.0
    for number, chunk in enumerate(read()):
        size += len(chunk)
        if number == 0:
            lowest = highest = _resident()
        elif number % 50 == 0:
            highest = max(highest, _resident())
    return time.perf_counter() - began, highest - lowest, size


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
