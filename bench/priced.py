"""Fills an empty site with priced nodes and times the price table; bench.prices runs it on a live site.

Rows are copies of rows that services made, as in bench.crowd: triggers and foreign keys are not asked,
indexes and exclusion constraints are.
"""

from __future__ import annotations

import gzip
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.test import Client

from bench import figures
from bench.counting import Counter
from bench.visits import backend, on_cpu
from common import clock
from common.keys import make_key
from nodes.models import Node
from pricing.models import CostStatement, Tariff
from tests import factories

SIZES = (10, 100, 1_000)
MONTHS = 36  # a tariff each, and a statement each quarter; the last ones are in force
TIMES = 15
ADDRESSES = ("/prices/", "/prices.json", "/prices.csv")
BARE = "/api/v1/"  # what any answer costs: middleware and a view that reads nothing

# One node each from `first` to `last`: %(first)s counts, ids begin at a million times the node's number.
STEPS = (
    """
    INSERT INTO nodes_node SELECT made.* FROM generate_series(%(first)s, %(last)s) AS n,
        LATERAL (SELECT a AS one FROM nodes_node AS a WHERE id = %(node)s) AS template,
        LATERAL jsonb_populate_record(one, jsonb_build_object(
            'id', 1000000 * n, 'uid', gen_random_uuid(), 'slug', 'priced-' || n, 'name', 'Priced ' || n
        )) AS made
    """,
    """
    INSERT INTO nodes_device SELECT made.* FROM generate_series(%(first)s, %(last)s) AS n,
        LATERAL (SELECT a AS one FROM nodes_device AS a WHERE node_id = %(node)s) AS template,
        LATERAL jsonb_populate_record(one, jsonb_build_object(
            'id', 1000000 * n + (one)."index", 'uid', gen_random_uuid(), 'node_id', 1000000 * n
        )) AS made
    """,
    """
    INSERT INTO pricing_coststatement SELECT made.* FROM generate_series(%(first)s, %(last)s) AS n,
        LATERAL generate_series(1, %(months)s / 3) AS q,
        LATERAL (SELECT a AS one FROM pricing_coststatement AS a WHERE node_id = %(node)s) AS template,
        LATERAL jsonb_populate_record(one, jsonb_build_object(
            'id', 1000000 * n + q, 'uid', gen_random_uuid(), 'node_id', 1000000 * n, 'number', q,
            'entry_id', 1000000 * n + q, 'effective', tstzrange(
                %(now)s::timestamptz - interval '1 month' * (%(months)s - 3 * (q - 1)),
                CASE WHEN q * 3 < %(months)s
                THEN %(now)s::timestamptz - interval '1 month' * (%(months)s - 3 * q) END
            ),
            'full_delivered', (one).full_delivered * (0.5 + (n %% 97) / 97.0)
        )) AS made
    """,
    """
    INSERT INTO pricing_tariff SELECT made.* FROM generate_series(%(first)s, %(last)s) AS n,
        LATERAL generate_series(1, %(months)s) AS m,
        LATERAL (SELECT a AS one FROM pricing_tariff AS a WHERE node_id = %(node)s) AS template,
        LATERAL jsonb_populate_record(one, jsonb_build_object(
            'id', 1000000 * n + m, 'uid', gen_random_uuid(), 'node_id', 1000000 * n, 'number', m,
            'entry_id', 1000000 * n + 1000 + m, 'statement_id', 1000000 * n + (m + 2) / 3,
            'effective', tstzrange(
                %(now)s::timestamptz - interval '1 month' * (%(months)s - m + 1),
                CASE WHEN m < %(months)s
                THEN %(now)s::timestamptz - interval '1 month' * (%(months)s - m) END
            ),
            'price', (one).price * (0.5 + (n %% 89) / 89.0)
        )) AS made
    """,
)


def report() -> None:
    node = _first_node()
    client = Client(HTTP_HOST="localhost")
    bare = _asked(client, BARE)[0]
    rows, smallest, filled = [], dict[str, float](), 1
    for size in SIZES:
        _fill(node, filled + 1, size)
        filled = size
        for address in ADDRESSES:
            cpu, database, queries, content = _asked(client, address)
            smallest.setdefault(address, cpu)
            rows.append([
                address, f"{size:,}", figures.milliseconds(cpu), figures.milliseconds(database),
                f"{cpu / smallest[address]:.1f}", f"{cpu / bare:.0f}", queries, f"{len(content) / 1000:.0f}",
                f"{len(gzip.compress(content, 6)) / 1000:.1f}", *_asked_again(client, address),
            ])  # fmt: skip
    figures.table(
        f"The price table, {MONTHS} tariffs a node ({Tariff.objects.count():,} in all), median of {TIMES};"
        f" {BARE} takes {figures.milliseconds(bare)} ms",
        ["address", "nodes", "CPU ms", "and in PostgreSQL", "times 10 nodes", f"times {BARE}", "queries",
         "kB", "gzip kB", "asked again", "CPU ms then"],
        rows,
    )  # fmt: skip


def _first_node() -> Node:
    make_key(settings.LEDGER_KEY_FILE)
    factories.make_policy()
    node = factories.make_node(devices=4, slug="priced")
    factories.publish_prices(node, since=clock.now() - timedelta(days=365))
    factories.set_fee()
    return node


def _fill(node: Node, first: int, last: int) -> None:
    values: dict[str, int | datetime] = {
        "node": node.pk, "first": first, "last": last, "months": MONTHS, "now": clock.now()
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for step in STEPS:
            cursor.execute(step, values)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
    assert CostStatement.objects.filter(effective__contains=clock.now()).count() == last


def _asked(client: Client, address: str) -> tuple[float, float, int, bytes]:
    """Seconds on a core of ours and of the database's, queries, and what is answered."""
    client.get(address)  # templates and statements are prepared once
    counter, own, its, process = Counter(), [], [], backend()
    with connection.execute_wrapper(counter):
        for _ in range(TIMES):
            here, there = time.process_time(), on_cpu(process)
            answer = client.get(address)
            own.append(time.process_time() - here)
            its.append(on_cpu(process) - there)
            assert answer.status_code == 200, (address, answer.status_code)
    return figures.median(own), figures.median(its), counter.count // TIMES, answer.content


def _asked_again(client: Client, address: str) -> list[str]:
    """By who has it, in the same minute: what is said, and what it costs."""
    tag = client.get(address).headers.get("ETag")
    if tag is None:
        return ["no ETag", "–"]
    spent, said = [], set[int]()
    for _ in range(TIMES):
        began = time.process_time()
        said.add(client.get(address, headers={"If-None-Match": tag}).status_code)
        spent.append(time.process_time() - began)
    return ["/".join(map(str, sorted(said))), figures.milliseconds(figures.median(spent))]
