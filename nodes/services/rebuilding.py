"""The present holds, made again from their events: the proof that events tell everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from common.ranges import between, bounds
from nodes.domain.intervals import HoldFact, Interval, rebuild_holds
from nodes.models import Hold, HoldEvent


@dataclass(frozen=True)
class Difference:
    uid: UUID
    stored: HoldFact | None
    rebuilt: HoldFact | None


def compare_holds() -> list[Difference]:
    """Where the stored holds are not what their events say, read from one snapshot."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return list(_differences())


def mend_holds() -> list[Difference]:
    """Make the stored holds what their events say; nobody may book meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE nodes_hold IN SHARE ROW EXCLUSIVE MODE")
        found = list(_differences())
        # Everything wrong goes first: a wrong hold may lie where a right one belongs.
        Hold.objects.filter(uid__in=[difference.uid for difference in found]).delete()
        Hold.objects.bulk_create(
            _row(difference.rebuilt) for difference in found if difference.rebuilt is not None
        )
    return found


def _differences() -> Iterator[Difference]:
    events = [(event.event, _event_fact(event)) for event in HoldEvent.objects.order_by("id").iterator()]
    rebuilt = rebuild_holds(events)
    stored = {hold.uid: _hold_fact(hold) for hold in Hold.objects.iterator()}
    for uid in sorted(stored.keys() | rebuilt.keys()):
        if stored.get(uid) != rebuilt.get(uid):
            yield Difference(uid, stored.get(uid), rebuilt.get(uid))


def _event_fact(event: HoldEvent) -> HoldFact:
    return HoldFact(
        event.hold_uid, event.device_id, event.reference, event.hold_kind, Interval(*bounds(event.during))
    )


def _hold_fact(hold: Hold) -> HoldFact:
    return HoldFact(hold.uid, hold.device_id, hold.reference, hold.kind, Interval(*bounds(hold.during)))


def _row(fact: HoldFact) -> Hold:
    return Hold(
        uid=fact.uid, device_id=fact.device_id, reference=fact.reference, kind=fact.kind,
        during=between(fact.during.start, fact.during.end),
    )  # fmt: skip
