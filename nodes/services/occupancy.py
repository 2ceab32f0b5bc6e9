"""Holding devices and giving them back. Each change of a hold writes its event in the same statement."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import formats, timezone
from django.utils.translation import gettext as _, ngettext
from psycopg.errors import DeadlockDetected

from common.ids import uuid7
from common.prepared import prepared
from common.ranges import bounds
from nodes import selectors
from nodes.errors import DeviceTaken, HoldHasBegun
from nodes.models import Closure, Hold, HoldEvent

logger = logging.getLogger(__name__)

SEARCH_AHEAD = timedelta(days=28)  # the horizon: nobody may book later than this

# `ON CONFLICT DO NOTHING` and a count instead of an error: the transaction stays usable, so the
# refusal can say who holds what, without a savepoint on the way that succeeds. Events are written
# only when every hold was, since they cannot be taken back.
#
# The devices are locked first, in id order: inserts of several rows under an exclusion constraint can
# deadlock, and who is refused may look again without anybody new coming. Whoever waits here inserts
# afterwards, and the constraint, unlike the rest of the statement, sees what was committed meanwhile.
_HOLD = """
WITH locked AS MATERIALIZED (
    SELECT id FROM nodes_device WHERE id = ANY(%(devices)s) ORDER BY id FOR NO KEY UPDATE
), wanted AS (
    SELECT * FROM unnest(
        %(devices)s::bigint[], %(uids)s::uuid[], %(weights)s::numeric[], %(prices)s::numeric[]
    ) AS wanted (device_id, uid, weight, price)
), held AS (
    INSERT INTO nodes_hold (uid, device_id, during, reference, kind)
    SELECT uid, locked.id, %(during)s, %(reference)s, %(kind)s
      FROM locked JOIN wanted ON wanted.device_id = locked.id
     ORDER BY locked.id
    ON CONFLICT DO NOTHING
    RETURNING id, uid, device_id
), told AS (
    INSERT INTO nodes_holdevent (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
    SELECT 'granted', uid, %(kind)s, wanted.device_id, %(during)s, %(reference)s, weight, price, %(at)s
    FROM held JOIN wanted USING (uid)
    WHERE (SELECT count(*) FROM held) = (SELECT count(*) FROM wanted)
)
SELECT id, uid, device_id FROM held ORDER BY device_id
"""

# Not the keys: a lease that refers to a device need not wait for whoever books another time on it.
_LOCK = "SELECT id FROM nodes_device WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_MINE = """
WITH mine AS (
    SELECT hold.*, granted.weight, granted.price FROM nodes_hold hold
    JOIN nodes_holdevent granted ON granted.hold_uid = hold.uid AND granted.event = 'granted'
    WHERE hold.reference = %(reference)s
    ORDER BY hold.device_id, hold.id
    FOR UPDATE OF hold
)
"""

_CANCEL = f"""
{_MINE}, gone AS (DELETE FROM nodes_hold USING mine WHERE nodes_hold.id = mine.id RETURNING mine.*)
INSERT INTO nodes_holdevent (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
SELECT 'cancelled', uid, kind, device_id, during, reference, weight, price, %(at)s FROM gone
RETURNING *
"""  # noqa: S608

# A hold that has not begun gives all of its time back and is gone; one that is over gives nothing.
_RELEASE = f"""
{_MINE}, gone AS (
    DELETE FROM nodes_hold USING mine
    WHERE nodes_hold.id = mine.id AND %(at)s <= lower(mine.during)
    RETURNING mine.*
), shortened AS (
    UPDATE nodes_hold SET during = tstzrange(lower(mine.during), %(at)s)
    FROM mine
    WHERE nodes_hold.id = mine.id AND lower(mine.during) < %(at)s AND %(at)s < upper(mine.during)
    RETURNING mine.*
), given_back AS (SELECT * FROM gone UNION ALL SELECT * FROM shortened)
INSERT INTO nodes_holdevent (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
SELECT %(event)s, uid, kind, device_id, tstzrange(greatest(lower(during), %(at)s), upper(during)),
    reference, weight, price, %(at)s
FROM given_back ORDER BY device_id
RETURNING *
"""  # noqa: S608

_START = f"""
{_MINE}
INSERT INTO nodes_holdevent (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
SELECT 'started', uid, kind, device_id, during, reference, weight, price, %(at)s FROM mine
ON CONFLICT DO NOTHING
"""  # noqa: S608


@dataclass(frozen=True)
class WantedHold:
    """A device, with what the decision froze for it; closures and owners' time have neither."""

    device_id: int
    weight: Decimal | None = None  # cost-weighted hours per device-hour
    price: Decimal | None = None  # EUR per device-hour


def lock_devices(*, device_ids: Sequence[int]) -> None:
    """Lock these devices for the rest of the transaction; `hold_devices` does so by itself.

    Always in id order: two callers who lock the same devices in different orders would wait for
    each other until the database kills one of them.
    """
    with prepared() as cursor:
        cursor.execute(_LOCK, [list(device_ids)])


def hold_devices(
    *, wanted: Sequence[WantedHold], during: DateTimeTZRange, reference: str, kind: str, at: datetime
) -> list[Hold]:
    """Hold all of these devices during [start, end), or none and say who is in the way.

    Nothing but the devices' locks is left behind by a refusal, even if the caller goes on in the same
    transaction; only after a deadlock it cannot.
    """
    holds = hold_if_free(wanted=wanted, during=during, reference=reference, kind=kind, at=at)
    if not holds:
        raise _taken([want.device_id for want in wanted], during, at)
    return holds


def hold_if_free(
    *, wanted: Sequence[WantedHold], during: DateTimeTZRange, reference: str, kind: str, at: datetime
) -> list[Hold]:
    """Hold all of these devices, or none and answer nothing. Either way they are locked afterwards:
    whoever stood in the way has committed, and nobody new comes before this transaction ends."""
    holds = {want.device_id: uuid7() for want in wanted}
    if len(holds) != len(wanted):
        raise ValueError("a device is wanted twice")
    values = {
        "devices": [want.device_id for want in wanted],
        "uids": list(holds.values()),
        "weights": [want.weight for want in wanted],
        "prices": [want.price for want in wanted],
        "during": during, "reference": reference, "kind": kind, "at": at,
    }  # fmt: skip
    try:
        rows = _rows(_HOLD, values)
    except OperationalError as exc:
        if isinstance(exc.__cause__, DeadlockDetected):
            logger.warning("deadlock while holding devices %s for %s", values["devices"], reference)
            raise DeviceTaken(
                _("Somebody else was booking the same devices at the same moment. Try again."),
                device_ids=sorted(holds), until=None, holds=[], next_free=None,
            ) from exc  # fmt: skip
        raise
    if len(rows) < len(wanted):
        if rows:
            Hold.objects.filter(uid__in=holds.values()).delete()
        return []
    return [Hold(**row, during=during, reference=reference, kind=kind) for row in rows]


def _taken(device_ids: Sequence[int], during: DateTimeTZRange, at: datetime) -> DeviceTaken:
    """Who is in the way until when, and from when all of these devices are free for as long."""
    start, end = bounds(during)
    holds = selectors.conflicts(device_ids=device_ids, start=start, end=end)
    free = selectors.next_free(
        device_ids=device_ids, length=end - start, after=start, until=max(at + SEARCH_AHEAD, end)
    )
    taken = sorted({hold.device_id for hold in holds})
    until = max((bounds(hold.during)[1] for hold in holds), default=end)
    message = ngettext(
        "One of these devices is taken until %(until)s.",
        "%(number)s of these devices are taken until %(until)s.",
        len(taken),
    ) % {"number": len(taken), "until": _for_people(until)}
    return DeviceTaken(
        message,
        device_ids=taken,
        until=until,
        holds=[
            {"device_id": hold.device_id, "reference": hold.reference, "kind": hold.kind,
             "start": hold.during.lower, "until": hold.during.upper}
            for hold in holds
        ],
        next_free=free,
    )  # fmt: skip


def _for_people(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} ({local.tzname()})"


def cancel_holds(*, reference: str, at: datetime) -> list[HoldEvent]:
    """Give up holds that have not begun. Used time would vanish from the books otherwise."""
    with transaction.atomic():
        if Hold.objects.filter(reference=reference, during__startswith__lt=at).exists():
            raise HoldHasBegun(
                _("This has begun: it can be ended early, no longer cancelled."), reference=reference
            )
        return _events(_CANCEL, {"reference": reference, "at": at})


def release_holds(*, reference: str, at: datetime) -> list[HoldEvent]:
    """End running holds at `at`, and give back the time that is left."""
    return _events(_RELEASE, {"event": HoldEvent.Event.RELEASED, "reference": reference, "at": at})


def withdraw_holds(*, reference: str, at: datetime) -> list[HoldEvent]:
    """Take away what is left of these holds: their owner’s doing, for which nobody pays."""
    return _events(_RELEASE, {"event": HoldEvent.Event.WITHDRAWN, "reference": reference, "at": at})


def start_holds(*, reference: str, at: datetime) -> None:
    """Note, once per hold, that it is being used."""
    with connection.cursor() as cursor:
        cursor.execute(_START, {"reference": reference, "at": at})


@transaction.atomic
def close_devices(
    *, device_ids: Sequence[int], during: DateTimeTZRange, kind: str, reason: str, at: datetime
) -> Closure:
    """Take devices out for maintenance, or for their owner; `cancel_holds` or `release_holds` reopens."""
    closure = Closure.objects.create(kind=kind, reason=reason, created_at=at)
    hold_devices(
        wanted=[WantedHold(device_id) for device_id in device_ids],
        during=during, reference=closure.reference, kind=kind, at=at,
    )  # fmt: skip
    return closure


def _events(sql: str, values: dict[str, Any]) -> list[HoldEvent]:
    return [HoldEvent(**row) for row in _rows(sql, values)]


def _rows(sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with prepared() as cursor:
        cursor.execute(sql, values)
        columns: Iterable[str] = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
