"""Bookings per second through the HTTP API, beside the least that an API of this kind can do."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from accounts.models import Project
from bench import clients, figures
from bench.world import Researcher, World, world
from common.ids import uuid7
from nodes.models import Device
from tests.live import SCRIPTS, LiveSite

CLIENTS = 8
WORKERS = 4  # as in deploy/
SECONDS = 10.0
RUNS = 3
Kind = Callable[[Researcher], Callable[[], bytes]]


def serve(site: LiveSite, *options: str) -> None:
    """Gunicorn, as in deploy/, with the bench's addresses beside the site's."""
    command = [
        str(SCRIPTS / "gunicorn"), "config.wsgi", f"--bind=127.0.0.1:{urlsplit(site.url).port}",
        f"--workers={WORKERS}", "--log-level=warning", "--backlog=512", *options,
    ]  # fmt: skip
    site.spawn(
        "web", command, DJANGO_SETTINGS_MODULE="bench.settings", DATABASE_POOL_SIZE="16", LOG_LEVEL="ERROR"
    )
    site.wait_for_web()


def booking(devices: Sequence[Device], start: datetime, end: datetime) -> Callable[[Project], dict[str, Any]]:
    """What POST /api/v1/reservations takes."""

    def body(project: Project) -> dict[str, Any]:
        return {
            "project": project.slug,
            "devices": [str(device.uid) for device in devices],
            "start": start.isoformat(),
            "end": end.isoformat(),
        }

    return body


def measure() -> None:
    with world(nodes=25, devices=8, researchers=CLIENTS) as its:
        serve(its.site)
        slots = _slots(its)
        kinds: dict[str, Kind] = {
            "one INSERT, signed in": lambda by: lambda: _insert(its, "/bench/insert/", by),
            "one INSERT, nobody signed in": lambda by: lambda: _insert(its, "/bench/open-insert/", None),
            "booking, whole decision": lambda by: lambda: _booking(its, by, *next(slots)),
        }
        # In turn, so that whatever else the machine does slows all kinds alike.
        rows: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in kinds}
        for _ in range(RUNS):
            for name, kind in kinds.items():
                rows[name].append(_rate(its, kind, name))
    _report(rows)


def _rate(
    its: World, kind: Callable[[Researcher], Callable[[], bytes]], name: str
) -> tuple[float, list[float]]:
    answers, took = clients.for_a_while(its.site.url, [kind(by) for by in its.researchers], SECONDS)
    good = [answer for answer in answers if answer.status == 201]
    if len(good) < len(answers):
        bad = next(answer for answer in answers if answer.status != 201)
        print(
            f"{name}: {len(answers) - len(good)} refused, such as {bad.status} {bad.body!r}", file=sys.stderr
        )
    return len(good) / took, [answer.seconds for answer in good]


def _slots(its: World) -> Iterator[tuple[Device, datetime]]:
    """Each device and half hour once, so that every booking can be granted."""
    for number in itertools.count():
        for device in its.devices:
            yield device, its.first_slot + number * timedelta(minutes=30)


def _booking(its: World, by: Researcher, device: Device, start: datetime) -> bytes:
    wanted = booking([device], start, start + timedelta(minutes=30))(by.project)
    return clients.post(its.site.url, "/api/v1/reservations", wanted, by)


def _insert(its: World, path: str, by: Researcher | None) -> bytes:
    row = {"token_id": str(uuid7()), "expires_at": its.first_slot.isoformat()}
    return clients.post(its.site.url, path, row, by)


def _report(rows: dict[str, list[tuple[float, list[float]]]]) -> None:
    rates = {name: sorted(rate for rate, _ in runs) for name, runs in rows.items()}
    base = figures.median(rates["one INSERT, signed in"])
    figures.table(
        f"Requests per second: gunicorn, {WORKERS} sync workers, {CLIENTS} clients, {RUNS} x {SECONDS:.0f} s",
        ["request", "per second, median [min-max]", "of one INSERT", "p50 ms", "p99 ms"],
        [
            [
                name,
                f"{figures.median(rates[name]):.0f} [{rates[name][0]:.0f}-{rates[name][-1]:.0f}]",
                f"{figures.median(rates[name]) / base:.2f}",
                figures.milliseconds(figures.percentile([s for _, run in runs for s in run], 50)),
                figures.milliseconds(figures.percentile([s for _, run in runs for s in run], 99)),
            ]
            for name, runs in rows.items()
        ],
    )
