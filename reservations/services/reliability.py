"""Counting what became of each node's slots, month by month. A sweep; done twice it is done once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from reservations.models import Sweep

_OVERLAP = timedelta(hours=1)  # of what was settled while the sweep before this one ran

# A slot counts once for each node that it is on, in the month (UTC) in which it ended or was taken back, and
# as the worst that happened: taken back, missed, late, kept. What its holder gave up before it began, or
# another node's owner took back, says nothing of the node; nor does a slot in which the node had no agent, so
# that no job could be late or lost. The bill tells what was late and what was missed.
_COUNT = """
WITH touched AS (
    SELECT DISTINCT date_trunc('month', COALESCE(withdrawal.at, upper(reservation.during)), 'UTC') AS month
      FROM reservations_reservation reservation
      LEFT JOIN reservations_slotwithdrawal withdrawal ON withdrawal.reservation_id = reservation.id
     WHERE reservation.settled_at >= %(since)s
), ended AS (
    SELECT reservation.id, reservation.uid, touched.month, NULL::bigint AS withdrawn_on,
           lower(reservation.during) AS since, upper(reservation.during) AS until
      FROM touched
      JOIN reservations_reservation reservation
        ON upper(reservation.during) >= touched.month
       AND upper(reservation.during) < touched.month + interval '1 month'
     WHERE reservation.settled_at IS NOT NULL AND reservation.state <> 'cancelled'
       AND NOT EXISTS (SELECT FROM reservations_slotwithdrawal withdrawal
                        WHERE withdrawal.reservation_id = reservation.id)
    UNION ALL
    SELECT reservation.id, reservation.uid, touched.month, withdrawal.node_id,
           lower(reservation.during), upper(reservation.during)
      FROM touched
      JOIN reservations_slotwithdrawal withdrawal
        ON withdrawal.at >= touched.month AND withdrawal.at < touched.month + interval '1 month'
      JOIN reservations_reservation reservation ON reservation.id = withdrawal.reservation_id
     WHERE reservation.settled_at IS NOT NULL
), slot AS (
    SELECT DISTINCT ended.id, ended.uid, ended.month, device.node_id,
           ended.withdrawn_on IS NOT NULL AS is_withdrawn
      FROM ended
      JOIN reservations_reserveddevice reserved ON reserved.reservation_id = ended.id
      JOIN nodes_device device ON device.id = reserved.device_id
     WHERE ended.withdrawn_on = device.node_id
        OR ended.withdrawn_on IS NULL
           AND EXISTS (SELECT FROM nodes_agent agent
                        WHERE agent.node_id = device.node_id AND agent.enrolled_at < ended.until
                          AND (agent.revoked_at IS NULL OR agent.revoked_at > ended.since))
), judged AS (
    SELECT slot.node_id, slot.month, slot.is_withdrawn, billed.is_missed, billed.late_seconds
      FROM slot
      JOIN LATERAL (
           SELECT COALESCE(bool_or(charge.item = 'lost'), FALSE) AS is_missed,
                  COALESCE(max((charge.detail ->> 'seconds')::bigint)
                           FILTER (WHERE charge.item = 'late_start'), 0) AS late_seconds
             FROM pricing_charge charge
            WHERE charge.reference = 'reservation-' || slot.uid AND charge.node_id = slot.node_id
              AND charge.category = 'credit'
      ) billed ON TRUE
), counted AS (
    SELECT node_id, (month AT TIME ZONE 'UTC')::date AS month, count(*) AS slots,
           count(*) FILTER (WHERE is_withdrawn) AS withdrawn,
           count(*) FILTER (WHERE NOT is_withdrawn AND is_missed) AS missed,
           count(*) FILTER (WHERE NOT is_withdrawn AND NOT is_missed AND late_seconds > 0) AS late,
           count(*) FILTER (WHERE NOT is_withdrawn AND NOT is_missed AND late_seconds = 0) AS kept,
           COALESCE(sum(late_seconds) FILTER (WHERE NOT is_withdrawn AND NOT is_missed), 0) AS late_seconds
      FROM judged GROUP BY node_id, month
)
INSERT INTO reservations_nodemonth AS told
       (node_id, month, slots, kept, late, missed, withdrawn, late_seconds, counted_at)
SELECT node_id, month, slots, kept, late, missed, withdrawn, late_seconds, %(at)s FROM counted
ON CONFLICT (node_id, month) DO UPDATE
   SET slots = EXCLUDED.slots, kept = EXCLUDED.kept, late = EXCLUDED.late, missed = EXCLUDED.missed,
       withdrawn = EXCLUDED.withdrawn, late_seconds = EXCLUDED.late_seconds, counted_at = EXCLUDED.counted_at
 WHERE (told.slots, told.kept, told.late, told.missed, told.withdrawn, told.late_seconds)
       IS DISTINCT FROM (EXCLUDED.slots, EXCLUDED.kept, EXCLUDED.late, EXCLUDED.missed, EXCLUDED.withdrawn,
                         EXCLUDED.late_seconds)
"""


def count(*, at: datetime) -> int:
    """Count the months of slots that were settled since the last time; answer how many rows changed."""
    last = Sweep.objects.filter(name="count_reliability").values_list("finished_at", flat=True).first()
    since = last - _OVERLAP if last is not None else None
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"at": at, "since": since or datetime.min.replace(tzinfo=at.tzinfo)})
        return int(cursor.rowcount)
