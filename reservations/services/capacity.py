"""Measuring what can be booked: the C of the room rule."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from reservations.models import Capacity
from reservations.selectors import policies

# Cost-weighted hours of every device with a published price on a listed node, less closures and
# owners' own time within the horizon.
_BOOKABLE = """
SELECT COALESCE(sum(statement.full_available * (%(hours)s - COALESCE(closed.hours, 0))), 0)
  FROM nodes_device device
  JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
  JOIN pricing_coststatement statement
    ON statement.node_id = device.node_id AND statement.effective @> %(at)s::timestamptz
  JOIN pricing_tariff tariff
    ON tariff.node_id = device.node_id AND tariff.effective @> %(at)s::timestamptz
  LEFT JOIN LATERAL (
      SELECT sum(extract(
                 epoch FROM least(upper(hold.during), %(until)s) - greatest(lower(hold.during), %(at)s)
             )) / 3600 AS hours
        FROM nodes_hold hold
       WHERE hold.device_id = device.id AND hold.kind IN ('closure', 'owner')
         AND hold.during && tstzrange(%(at)s, %(until)s)
  ) closed ON TRUE
"""

# Decisions use the newest row and store its number, so older ones only tell how the site grew.
KEPT_IN_FULL = timedelta(days=1)
_OUTLIVED = """
DELETE FROM reservations_capacity older
 WHERE older.at < %(before)s
   AND EXISTS (SELECT FROM reservations_capacity newer
                WHERE newer.at > older.at
                  AND newer.at < date_trunc('day', older.at, 'UTC') + interval '24 hours')
"""


def measure(*, at: datetime) -> Capacity:
    """Count again; the newest row is the one that decisions use."""
    horizon = policies.in_force(at)[1].horizon
    hours = horizon.days * 24
    with connection.cursor() as cursor:
        cursor.execute(_BOOKABLE, {"at": at, "until": at + horizon, "hours": hours})
        (bookable,) = cursor.fetchone()
    capacity, _ = Capacity.objects.update_or_create(
        at=at, defaults={"horizon_hours": hours, "cost_weighted_hours": round(bookable, 6)}
    )
    return capacity


def forget_old(*, at: datetime) -> int:
    """Keep every measurement of the last day, and the last of each day (UTC) before it."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTLIVED, {"before": at - KEPT_IN_FULL})
        return int(cursor.rowcount)
