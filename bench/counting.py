"""Counts queries inside the site's own settings; bench.queries runs it there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from bench import figures
from common import clock
from nodes.domain.intervals import next_mark
from nodes.models import Device, Node
from reservations.models import Decision, Reservation

DAYS_TRIED = 14  # until a device is free for the booking that is counted
PERSON = "ada@example.org"
ONE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Counter:
    """Counts what is asked of the database; BEGIN, COMMIT and savepoints are no questions."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: str, params: object, many: bool, context: object) -> object:
        if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")):
            self.count += 1
        return execute(sql, params, many, context)


def report() -> None:
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(email=PERSON), settings.AUTHENTICATION_BACKENDS[0])
    rows = [[ONE.sub("<one>", address), _counted(client, address)] for address in _addresses()]
    rows.append(["POST /api/v1/reservations, granted", _booking(client)])
    figures.table("Queries, signed in, with a warm cache", ["page or call", "queries"], rows)


def _addresses() -> list[str]:
    reservation = Reservation.objects.filter(project__memberships__user__email=PERSON).first()
    decision = Decision.objects.filter(project__memberships__user__email=PERSON).first()
    assert reservation is not None
    assert decision is not None
    node = Node.objects.listed()[0]
    return [
        "/", "/prices/", node.get_absolute_url(), "/book/", reservation.get_absolute_url(),
        decision.get_absolute_url(), reservation.project.get_absolute_url(), "/policy/", "/fairness/",
        "/ledger/", "/status/", "/prices.json",
    ]  # fmt: skip


def _counted(client: Client, address: str) -> int:
    client.get(address)  # templates, content types and the cache are read once
    with _counter() as counter:
        answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return counter.count


def _booking(client: Client) -> int:
    """One that is granted; the refused ones before it warm the way."""
    project = Reservation.objects.filter(project__memberships__user__email=PERSON)[0].project
    start = next_mark(clock.now() + timedelta(hours=1))
    for hours in range(24 * DAYS_TRIED):
        at = start + timedelta(hours=hours)
        for device in Device.objects.all()[:8]:
            wanted = {
                "project": project.slug, "devices": [str(device.uid)],
                "start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat(),
            }  # fmt: skip
            with _counter() as counter:
                answer = client.post("/api/v1/reservations", wanted, content_type="application/json")
            if answer.status_code == 201 and hours:
                return counter.count
    raise AssertionError("nothing could be booked")


@contextmanager
def _counter() -> Iterator[Counter]:
    counter = Counter()
    with connection.execute_wrapper(counter):
        yield counter
