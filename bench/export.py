"""How fast a million rows leave as open data, beside PostgreSQL's own COPY of them, and what memory that takes."""

from __future__ import annotations

import re
import time
import urllib.request
from pathlib import Path

from bench import figures
from tests.live import LiveSite

ADDRESS = "/open-data/electricity-hours"


def measure() -> None:
    site = LiveSite("export")
    try:
        site.prepare(seed=False)
        count = "from bench import exporting; exporting.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", count))
        site.start("web")
        rows = [_read(site, f"{ADDRESS}.{ending}", packed) for ending, packed in
                (("csv", False), ("csv", True), ("json", False))]  # fmt: skip
        figures.table(
            "The same through uvicorn, as bin/run serves it",
            ["file", "s", "MB sent", "MB/s sent", "first byte, ms", "memory before, MB", "highest, MB"],
            rows,
        )
    finally:
        site.stop()


def _read(site: LiveSite, address: str, is_packed: bool) -> list[object]:
    """Over HTTP, thrown away as it comes; the server's memory is read off /proc."""
    asked = urllib.request.Request(
        site.url + address, headers={"Accept-Encoding": "gzip"} if is_packed else {}
    )
    urllib.request.urlopen(site.url + "/open-data/nodes.csv").read()
    status = Path(f"/proc/{site.pid('web')}/status")
    Path(f"/proc/{site.pid('web')}/clear_refs").write_text("5")  # the highest is counted anew
    before, began, size = _memory(status, "VmRSS"), time.perf_counter(), 0
    with urllib.request.urlopen(asked) as answer:
        first = len(answer.read(1))
        until_first = time.perf_counter() - began
        while chunk := answer.read(1 << 16):
            size += len(chunk)
    spent = time.perf_counter() - began
    mega = (size + first) / 1e6
    return [
        f"{address.rsplit('.', maxsplit=1)[-1]}{', gzip' if is_packed else ''}", f"{spent:.1f}", f"{mega:.0f}",
        f"{mega / spent:.1f}", figures.milliseconds(until_first), f"{before:.0f}",
        f"{_memory(status, 'VmHWM'):.0f}",
    ]  # fmt: skip


def _memory(status: Path, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) / 1000
