"""Server time and queries of the most visited pages and endpoints; bench.scale runs it on a large site."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from bench import figures
from bench.counting import Counter
from bench.crowd import FIRST
from nodes.models import Node
from reservations.models import Reservation

TIMES = 30
# The lead of a project of four hundred members, with a hundred reservations.
PERSON, PROJECT = FIRST, FIRST


def report() -> None:
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(pk=PERSON), settings.AUTHENTICATION_BACKENDS[0])
    rows = [_visited(client, address) for address in _addresses()]
    figures.table(
        f"Server time and queries on a large site, median of {TIMES}",
        ["page or call", "CPU ms", "and in PostgreSQL", "until answered", "slowest", "queries", "kB"],
        rows,
    )


def _addresses() -> list[str]:
    mine = Reservation.objects.filter(project=PROJECT)
    node = Node.objects.listed()[0]
    last, coming = mine.filter(state="ended")[0], mine.order_by("-during")[0]
    project = last.project.get_absolute_url()
    return [
        "/", "/start/", "/prices/", node.get_absolute_url(), "/book/", "/projects/", project,
        last.get_absolute_url(), coming.get_absolute_url(), "/fairness/", "/fairness.json",
        "/api/v1/reservations", f"/api/v1/reservations/{coming.uid}", "/api/v1/nodes", "/api/v1/me",
    ]  # fmt: skip


def _visited(client: Client, address: str) -> list[object]:
    client.get(address)  # templates and statements are prepared once
    counter, spent, cpu, asked, size = Counter(), [], [], [], 0
    process = backend()
    with connection.execute_wrapper(counter):
        for _ in range(TIMES):
            began, own, its = time.perf_counter(), time.process_time(), on_cpu(process)
            answer = client.get(address)
            spent.append(time.perf_counter() - began)
            cpu.append(time.process_time() - own)
            asked.append(on_cpu(process) - its)
            assert answer.status_code == 200, (address, answer.status_code)
            size = len(answer.content)
    return [
        address, figures.milliseconds(figures.median(cpu)), figures.milliseconds(figures.median(asked)),
        figures.milliseconds(figures.median(spent)), figures.milliseconds(max(spent)),
        round(counter.count / TIMES, 1), f"{size / 1000:.0f}",
    ]  # fmt: skip


def backend() -> Path:
    """What the kernel counts for the server process behind our connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return Path(f"/proc/{cursor.fetchone()[0]}/schedstat")


def on_cpu(process: Path) -> float:
    """Seconds on a core so far: waiting for one costs nothing. Nothing is known of a server elsewhere."""
    return int(process.read_text().split()[0]) / 1e9 if process.exists() else 0.0
