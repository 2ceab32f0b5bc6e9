"""How fast a million rows leave as open data, beside PostgreSQL's own COPY, and what memory that takes."""

from __future__ import annotations

import re
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

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
    process, host = Path(f"/proc/{site.pid('web')}"), urlsplit(site.url)
    connection = HTTPConnection(str(host.hostname), host.port)
    connection.request("GET", "/open-data/nodes.csv")
    connection.getresponse().read()
    (process / "clear_refs").write_text("5")  # the highest is counted anew
    before, began, size = _memory(process, "VmRSS"), time.perf_counter(), 1
    connection.request("GET", address, headers={"Accept-Encoding": "gzip"} if is_packed else {})
    answer = connection.getresponse()
    answer.read(1)
    until_first = time.perf_counter() - began
    while chunk := answer.read(1 << 16):
        size += len(chunk)
    spent = time.perf_counter() - began
    name = address.rsplit(".", maxsplit=1)[-1] + (", gzip" if is_packed else "")
    return [
        name, f"{spent:.1f}", f"{size / 1e6:.0f}", f"{size / 1e6 / spent:.1f}",
        figures.milliseconds(until_first), f"{before:.0f}", f"{_memory(process, 'VmHWM'):.0f}",
    ]  # fmt: skip


def _memory(process: Path, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", (process / "status").read_text())
    assert found is not None
    return int(found[1]) / 1000
