"""Keeping what nodes say of themselves: a row a minute however often an agent calls, fewer as it gets old."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from common.prepared import prepared
from nodes.domain import samples
from nodes.models import Agent, NodeSample

# One statement, so that two heartbeats of the same moment are counted as two.
_RECORD = """
INSERT INTO nodes_nodesample AS kept
    (node_id, minute, heartbeats, cpu_percent, memory_used_bytes, disk_free_bytes, clock_offset_s, gpus)
VALUES (%(node)s, %(minute)s, 1, %(cpu)s, %(memory)s, %(disk)s, %(offset)s, %(gpus)s)
ON CONFLICT (node_id, minute) DO UPDATE
   SET heartbeats = kept.heartbeats + 1, cpu_percent = EXCLUDED.cpu_percent,
       memory_used_bytes = EXCLUDED.memory_used_bytes, disk_free_bytes = EXCLUDED.disk_free_bytes,
       clock_offset_s = EXCLUDED.clock_offset_s, gpus = EXCLUDED.gpus
"""

# The first of each bucket stays: which one does not depend on how often this was done.
_THIN = """
DELETE FROM nodes_nodesample older
 WHERE older.minute < %(before)s
   AND EXISTS (SELECT FROM nodes_nodesample first
                WHERE first.node_id = older.node_id AND first.minute < older.minute
                  AND first.minute >= date_bin(%(bucket)s::interval, older.minute, 'epoch'::timestamptz))
"""


def record(*, agent: Agent, load: object, at: datetime) -> None:
    """One heartbeat of this agent's node, with what it told; whatever cannot be true is left out."""
    told = samples.read_load(load)
    values: dict[str, Any] = {
        "node": agent.node_id, "minute": samples.minute_of(at), "cpu": told.cpu_percent,
        "memory": told.memory_used_bytes, "disk": told.disk_free_bytes, "offset": told.clock_offset_s,
        "gpus": Jsonb(told.rows),
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_RECORD, values)


def thin(*, at: datetime) -> int:
    """Let go of what is old; answer how many rows went."""
    gone = NodeSample.objects.filter(minute__lt=at - samples.KEPT).delete()[0]
    with connection.cursor() as cursor:
        for age, bucket in samples.STEPS:
            cursor.execute(_THIN, {"before": at - age, "bucket": f"{bucket.total_seconds()} seconds"})
            gone += cursor.rowcount
    return gone
