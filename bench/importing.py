"""Times the import of hourly inputs inside the site's own settings; bench.hourly runs it there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

from django.db import connection

from bench import figures
from common import clock
from pricing.domain.hourly.zones import EIC
from pricing.services.hourly import import_file

ZONES = sorted(EIC.values())[:40]
HOURS = 8760
START = datetime(2023, 1, 1, tzinfo=UTC)
ROUNDS = 3
# The same columns and the same key, and nothing else.
BARE = """
    CREATE TABLE bench_copy (
        series_id bigint, hour timestamptz, value numeric(11, 4), is_estimate boolean, came_with_id bigint,
        PRIMARY KEY (series_id, hour)
    )
"""


def report() -> None:
    """Each round on a year of its own, so that each begins with hours that nobody knows."""
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        start = START + timedelta(hours=number * HOURS)
        for name, seconds in _round(start):
            found.setdefault(name, []).append(seconds)
    bare = figures.median(found["bare COPY of the same rows"])
    count = len(ZONES) * HOURS
    rows = [
        [
            name, f"{figures.median(seconds):.2f}", f"{count / figures.median(seconds):,.0f}",
            f"{figures.median(seconds) / bare:.1f}",
        ]
        for name, seconds in found.items()
    ]  # fmt: skip
    title = f"Import of a year of {len(ZONES)} zones: {count:,} values, median of {ROUNDS}"
    figures.table(title, ["what", "s", "values/s", "times the bare COPY"], rows)


def _round(start: datetime) -> Iterator[tuple[str, float]]:
    prices = [[_price() for _zone in ZONES] for _hour in range(HOURS)]
    lines = _lines(start, prices)
    yield "bare COPY of the same rows", _timed(lambda: _bare(lines))
    wide = _wide(start, prices)
    yield "wide CSV, all new", _timed(lambda: _import(wide))
    yield "the same file again", _timed(lambda: _import(wide))
    corrected = [[*row[:-1], f"{float(row[-1]) + 1:.2f}"] for row in prices]
    again = _wide(start, corrected)
    yield "one zone of it corrected", _timed(lambda: _import(again))


def _price() -> str:
    return f"{random.gauss(97, 60):.2f}"


def _lines(start: datetime, prices: list[list[str]]) -> list[str]:
    return [
        f"{series}\t{(start + timedelta(hours=hour)).isoformat()}\t{price}\tf\t1\n"
        for hour, row in enumerate(prices)
        for series, price in enumerate(row)
    ]


def _bare(lines: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_copy")
        cursor.execute(BARE)
        with cursor.copy("COPY bench_copy FROM STDIN") as copy:
            for first in range(0, len(lines), 2_000):
                copy.write("".join(lines[first : first + 2_000]))
        cursor.execute("DROP TABLE bench_copy")


def _wide(start: datetime, prices: list[list[str]]) -> bytes:
    lines = ["hour_utc," + ",".join(ZONES)]
    lines += [
        f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%MZ},{','.join(row)}" for hour, row in enumerate(prices)
    ]
    return "\n".join(lines).encode() + b"\n"


def _import(content: bytes) -> None:
    import_file(
        content="prices", file=BytesIO(content), name="year.csv", source="bench", by=None, at=clock.now()
    )


def _timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
