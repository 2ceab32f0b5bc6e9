"""One decision with 1,000 projects, on a history of 10,000 events and on one of a million: is it flat?

Granted, and refused with all that could be had instead. What is timed is what a preview asks: the snapshot,
every rule, the quote, the level and the alternatives. BENCH_PROJECTS and BENCH_EVENTS change how many.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import figures
from bench.world import pointed_at
from common import clock
from nodes.models import HoldEvent, Node
from reservations.domain.decision import Answer
from reservations.domain.policy import standard
from reservations.models import Vertex
from reservations.services import booking, capacity
from tests import factories
from tests.live import LiveSite
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

PROJECTS = int(os.getenv("BENCH_PROJECTS", "1000"))
FEW, MANY = (int(count) for count in os.getenv("BENCH_EVENTS", "10000 1000000").split())
NODES, MODELS, DEVICES = 25, 10, 8
TIMES = 25
HOUR = timedelta(hours=1)

# Copies of the first row, each in its own place: their number is what a decision reads of them.
_PROJECTS = """
INSERT INTO accounts_project
SELECT made.* FROM generate_series(1, %(count)s) number,
       LATERAL (SELECT project FROM accounts_project project ORDER BY id LIMIT 1) one,
       LATERAL jsonb_populate_record(one.project, jsonb_build_object(
           'id', 1000000 + number, 'uid', gen_random_uuid(), 'slug', 'bench-' || number,
           'name', 'Bench ' || number)) made
"""
_LEAVES = """
INSERT INTO reservations_vertex
SELECT made.* FROM generate_series(1, %(count)s) number,
       LATERAL (SELECT vertex FROM reservations_vertex vertex
                 WHERE project_id IS NOT NULL ORDER BY id LIMIT 1) one,
       LATERAL jsonb_populate_record(one.vertex, jsonb_build_object(
           'id', 1000000 + number, 'name', 'Bench ' || number, 'project_id', 1000000 + number,
           'last_active_at', now(), 'decayed_usage', random() * 1e6)) made
"""
_EVENTS = """
INSERT INTO nodes_holdevent (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
SELECT 'granted', gen_random_uuid(), 'reservation', (SELECT min(id) FROM nodes_device),
       tstzrange(now() - interval '400 days', now() - interval '399 days'),
       'reservation-' || gen_random_uuid(), 0.7, 1.1, now() - interval '401 days'
  FROM generate_series(1, %(count)s)
"""


@dataclass(frozen=True)
class Timed:
    milliseconds: float
    queries: int
    alternatives: int


def measure() -> None:
    site = LiveSite("decision")
    try:
        site.prepare(seed=False)
        with pointed_at(site):
            lab, nodes = _world()
            _fill(_PROJECTS, PROJECTS - 2)
            _fill(_LEAVES, PROJECTS - 2)
            found = {count: _timed(lab, nodes, events=count) for count in (FEW, MANY)}
            projects = Vertex.objects.filter(project__isnull=False).count()
    finally:
        site.stop()
    figures.table(
        f"One decision with {projects:,} projects, {NODES * DEVICES} devices; the median of {TIMES}",
        ["", f"{FEW:,} events, ms", f"{MANY:,} events, ms", "ratio", "queries", "alternatives"],
        [_row(name, found[FEW][name], found[MANY][name]) for name in ("granted", "refused")],
    )


def _row(name: str, few: Timed, many: Timed) -> list[str]:
    queries = f"{few.queries}" if few.queries == many.queries else f"{few.queries}, {many.queries}"
    return [
        name, f"{few.milliseconds:.1f}", f"{many.milliseconds:.1f}",
        f"{many.milliseconds / few.milliseconds:.2f}", queries, str(many.alternatives),
    ]  # fmt: skip


def _world() -> tuple[Lab, list[Node]]:
    """A crowd of nodes, one of which somebody else has whole on the fifth day."""
    factories.make_policy(**vars(standard()))
    nodes = [make_open_node(devices=DEVICES, model=f"M{number % MODELS}") for number in range(NODES)]
    lab, other = make_lab(budget="100000000"), make_lab(budget="100000000")
    capacity.measure(at=clock.now())
    lab.book([nodes[0].devices.all()[0]], in_days(3))
    other.book(list(nodes[0].devices.all()), in_days(5), hours=4)
    return lab, nodes


def _fill(sql: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"count": max(0, count)})
        cursor.execute("ANALYZE")


def _timed(lab: Lab, nodes: list[Node], *, events: int) -> dict[str, Timed]:
    _fill(_EVENTS, events - HoldEvent.objects.count())

    def granted() -> Answer:
        return _asked(lab, nodes[1], devices=1, start=in_days(6))

    def refused() -> Answer:
        return _asked(lab, nodes[0], devices=DEVICES, start=in_days(5))

    found = {"granted": granted, "refused": refused}
    for name, ask in found.items():
        answer = ask()
        if answer.outcome != name:
            raise AssertionError(f"{name} was {answer.outcome}: {[rule.code for rule in answer.refusing]}")
    return {name: _median(ask) for name, ask in found.items()}


def _asked(lab: Lab, node: Node, *, devices: int, start: datetime) -> Answer:
    uids = [device.uid for device in node.devices.order_by("index")[:devices]]
    return booking.preview(
        project=lab.project, devices=uids, start=start, end=start + 2 * HOUR, asked_by=lab.member,
        at=clock.now(),
    )  # fmt: skip


def _median(ask: Callable[[], Answer]) -> Timed:
    ask()  # what is read once is read now
    took = []
    for _each in range(TIMES):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    with CaptureQueriesContext(connection) as queries:
        answer = ask()
    return Timed(statistics.median(took), len(queries), len(answer.alternatives))
