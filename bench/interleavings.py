"""64 threads and 10,000 random operations on PostgreSQL: is any limit ever exceeded, does anybody deadlock?

Then 10,000 more, one after another through months, and every counter counted again from events.
"""

from __future__ import annotations

import os
import sys
import time

from bench import figures
from bench.world import pointed_at
from reservations.services import recounting
from tests.live import LiveSite
from tests.reservations.services.histories import History
from tests.reservations.services.interleaved import Crowd, lines

THREADS = int(os.getenv("BENCH_THREADS", "64"))
OPERATIONS = int(os.getenv("BENCH_OPERATIONS", "10000"))
SECONDS = float(os.getenv("BENCH_SECONDS", "900"))  # for each of the two, at most
STEPS_AT_ONCE = 100


def measure() -> None:
    _interleave()
    _live_through()


def _interleave() -> None:
    site = LiveSite("interleavings")
    try:
        site.prepare(seed=False)
        with pointed_at(site):
            outcome = Crowd().run(threads=THREADS, operations=OPERATIONS, seconds=SECONDS)
    finally:
        site.stop()
    for difference in outcome.differences:
        print(difference, file=sys.stderr)
    figures.table(
        f"Interleavings: {THREADS} threads, {OPERATIONS} random operations",
        ["what", "how often"],
        [[name, count] for name, count in lines(outcome)],
    )


def _live_through() -> None:
    site = LiveSite("histories")
    try:
        site.prepare(seed=False)
        with pointed_at(site):
            history, began = History(seed=OPERATIONS), time.monotonic()
            first = history.at
            while sum(history.done.values()) < OPERATIONS and time.monotonic() < began + SECONDS:
                history.run(STEPS_AT_ONCE)
            took = time.monotonic() - began
            differences = recounting.differences(at=history.at)
    finally:
        site.stop()
    for difference in differences:
        print(difference, file=sys.stderr)
    days = (history.at - first).days
    figures.table(
        f"A history of {sum(history.done.values())} random operations over {days} days",
        ["what", "how often"],
        [
            ["seconds", f"{took:.0f}"],
            ["counters that differ from events in the end", str(len(differences))],
            *([name, str(count)] for name, count in sorted(history.done.items())),
        ],
    )
