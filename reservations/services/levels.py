"""Keeping where every project stood at the beginning of each day, for its page to tell its week from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from reservations.models import DailyStanding
from reservations.selectors import policies
from reservations.selectors.shares import share_tree

KEPT = timedelta(days=400)

# Sums of one moment, and exact: the database adds them up, since Python's own would round. While another
# half-life has begun and they are not yet counted again, nothing is written: the next call does.
_RECORD = """
INSERT INTO reservations_dailystanding
       (vertex_id, day, at, promised, stored, committed, stored_by_all, committed_by_all, half_life_hours)
SELECT vertex.id, %(day)s, %(at)s, share.promised, vertex.decayed_usage, vertex.committed,
       everybody.stored, everybody.committed, %(half_life)s
  FROM unnest(%(leaves)s::bigint[], %(promised)s::text[]) AS share (id, promised)
  JOIN reservations_vertex vertex USING (id)
 CROSS JOIN (SELECT sum(decayed_usage) AS stored, sum(committed) AS committed
               FROM reservations_vertex WHERE project_id IS NOT NULL) everybody
 WHERE NOT EXISTS (SELECT FROM reservations_usagebasis WHERE half_life_hours <> %(half_life)s)
    ON CONFLICT DO NOTHING
"""


@transaction.atomic
def record_day(*, at: datetime) -> int:
    """Once a day (UTC), however often this is called; answer how many projects were written down."""
    day = at.astimezone(UTC).date()
    if DailyStanding.objects.filter(day=day).exists():
        return 0
    _, rules = policies.in_force(at)
    shares = share_tree(policy=rules, at=at)
    if shares is None:
        return 0
    leaves = shares.tree.leaves
    values: dict[str, Any] = {
        "day": day, "at": at, "half_life": rules.half_life_hours, "leaves": [int(leaf) for leaf in leaves],
        "promised": [str(shares.tree.promised[leaf]) for leaf in leaves],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, values)
        written = int(cursor.rowcount)
    DailyStanding.objects.filter(day__lt=(at - KEPT).date()).delete()
    return written
