"""How fast a year of hourly prices is imported, beside a bare COPY of the same rows in the same run."""

from __future__ import annotations

from tests.live import LiveSite


def measure() -> None:
    site = LiveSite("hourly")
    try:
        site.prepare(seed=False)
        count = "from bench import importing; importing.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", count))
    finally:
        site.stop()
