"""Counting what projects used. Everything here derives from hold events, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from common.ranges import between, bounds
from nodes.models import Hold, HoldEvent
from reservations.domain import decay
from reservations.domain.slots import Slot
from reservations.models import MemberUse, Reservation, UsageEntry, Vertex
from reservations.selectors import policies

GIVEN_BACK = (HoldEvent.Event.RELEASED, HoldEvent.Event.CANCELLED, HoldEvent.Event.WITHDRAWN)

# Sums stay in the database: Python's Decimal would round them to its context.
_ADD = """
UPDATE reservations_vertex
   SET decayed_usage = decayed_usage + (SELECT sum(used) FROM unnest(%(decayed)s::numeric[]) AS used),
       committed = committed - (SELECT sum(booked) FROM unnest(%(booked)s::numeric[]) AS booked),
       last_active_at = greatest(last_active_at, %(active)s)
 WHERE id = %(vertex)s
"""

# Whose slots a project's usage comes from: its page tells it without adding up all that ever was.
_ADD_TO_MEMBER = """
INSERT INTO reservations_memberuse AS use (vertex_id, person_id, cost_weighted_hours)
SELECT %(vertex)s, %(person)s, sum(used) FROM unnest(%(used)s::numeric[]) AS used
ON CONFLICT (vertex_id, person_id) DO UPDATE
   SET cost_weighted_hours = use.cost_weighted_hours + EXCLUDED.cost_weighted_hours
"""

_BY_MEMBER = """
SELECT entry.vertex_id, slot.booked_by_id, sum(entry.cost_weighted_hours)
  FROM reservations_usageentry entry
  JOIN reservations_reserveddevice reserved USING (hold_uid)
  JOIN reservations_reservation slot ON slot.id = reserved.reservation_id
 GROUP BY entry.vertex_id, slot.booked_by_id
"""


@dataclass(frozen=True)
class Used:
    """What became of one hold: the part kept, nothing where all of it was given back."""

    hold_uid: UUID
    slot: Slot | None
    weight: Decimal
    booked: Decimal  # cost-weighted hours still counted as booked, until the hold is settled

    def without(self, given_back: Slot) -> Used:
        """A hold is given back from some moment to its end, or whole."""
        booked = self.booked - weighted_hours(self.weight, given_back.length)
        if self.slot is None or given_back.start <= self.slot.start:
            return Used(self.hold_uid, None, self.weight, booked)
        kept = Slot(self.slot.start, min(self.slot.end, given_back.start))
        return Used(self.hold_uid, kept, self.weight, booked)


def weighted_hours(weight: Decimal, length: timedelta) -> Decimal:
    """Cost-weighted hours to the 18th decimal: quarter hours exactly, a start between marks nearly.

    What is left of a hold is always found by subtracting such numbers, so that nothing stays behind.
    """
    exact = Fraction(weight) * Fraction(length // timedelta(microseconds=1), 3_600_000_000)
    return Decimal(f"{round(exact * 10**18)}E-18")  # text, since operators round to 28 digits


def lock_vertex(*, project_id: int) -> Vertex:
    """The project's row in the share tree: the first lock of every change of what it holds or used."""
    return Vertex.objects.select_for_update(no_key=True, of=("self",)).get(project=project_id)


def give_back(*, events: Iterable[HoldEvent], project_id: int) -> None:
    """What is cancelled, released or withdrawn no longer counts as booked."""
    back = sum(
        (_hours_of(event) for event in events if event.event in GIVEN_BACK and event.weight is not None),
        Decimal(0),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reservations_vertex SET committed = committed - %s::numeric WHERE project_id = %s",
            [back, project_id],
        )


@transaction.atomic
def count_usage(*, reservation: Reservation) -> list[UsageEntry]:
    """Turn what a reservation that is over held into usage, once however often this is called."""
    vertex = lock_vertex(project_id=reservation.project_id)
    # Not that of the slot's own time: a sum of two half-lives means nothing. Read under the lock, which
    # counting everything again takes, too.
    half_life = policies.counting_half_life()
    reserved = reservation.devices.values("hold_uid")
    counted = set(UsageEntry.objects.filter(hold_uid__in=reserved).values_list("hold_uid", flat=True))
    entries, booked = [], []
    for used in uses_of(HoldEvent.objects.filter(reference=reservation.reference)):
        if used.slot and used.hold_uid not in counted:
            entries.append(_entry(vertex, used, used.slot, half_life))
            booked.append(used.booked)
    if entries:
        UsageEntry.objects.bulk_create(entries)
        _add(vertex, entries, booked)
        _add_to_member(vertex, reservation.booked_by_id, entries)
    return entries


def uses_of(events: Iterable[HoldEvent]) -> list[Used]:
    """Per hold, what was granted less what was given back."""
    holds: dict[UUID, Used] = {}
    for event in events:
        slot = Slot(*bounds(event.during))
        if event.event == HoldEvent.Event.GRANTED and event.weight is not None:
            booked = weighted_hours(event.weight, slot.length)
            holds[event.hold_uid] = Used(event.hold_uid, slot, event.weight, booked)
        elif event.event in GIVEN_BACK and event.hold_uid in holds:
            holds[event.hold_uid] = holds[event.hold_uid].without(slot)
    return list(holds.values())


@transaction.atomic
def recount(*, half_life: timedelta) -> None:
    """Compute every project's usage again from its events, with this half-life."""
    vertices = list(
        Vertex.objects.select_for_update(no_key=True).filter(project__isnull=False).order_by("pk")
    )
    found = from_events(half_life=half_life)
    for vertex in vertices:
        decayed, committed = found.get(vertex.project_id or 0, (Fraction(0), Fraction(0)))
        Vertex.objects.filter(pk=vertex.pk).update(decayed_usage=_exact(decayed), committed=_exact(committed))


def from_events(*, half_life: timedelta) -> dict[int, tuple[Fraction, Fraction]]:
    """By project: decayed usage of what is settled, and cost-weighted hours booked and not yet settled."""
    project_of = {
        f"reservation-{uid}": project for uid, project in Reservation.objects.values_list("uid", "project_id")
    }
    settled = set(UsageEntry.objects.values_list("hold_uid", flat=True))
    found: dict[int, tuple[Fraction, Fraction]] = {}
    events = HoldEvent.objects.filter(hold_kind=Hold.Kind.RESERVATION).order_by("reference", "id")
    for reference, of_reservation in groupby(events.iterator(), key=lambda event: event.reference):
        project = project_of[reference]
        decayed, committed = found.get(project, (Fraction(0), Fraction(0)))
        for used in uses_of(of_reservation):
            if used.slot and used.hold_uid in settled:
                decayed += Fraction(decay.counted(used.weight, used.slot.start, used.slot.end, half_life))
            else:
                committed += Fraction(used.booked)
        found[project] = (decayed, committed)
    return found


def by_member() -> dict[tuple[int, int], Decimal]:
    """By vertex and whoever held the slots: what usage entries come to."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_MEMBER)
        return {(vertex, person): hours for vertex, person, hours in cursor.fetchall()}


def recount_members() -> None:
    """Roll usage up again by who held the slots. All places in the tree are locked by the caller."""
    MemberUse.objects.all().delete()
    MemberUse.objects.bulk_create(
        MemberUse(vertex_id=vertex, person_id=person, cost_weighted_hours=hours)
        for (vertex, person), hours in by_member().items()
    )


def _entry(vertex: Vertex, used: Used, slot: Slot, half_life: timedelta) -> UsageEntry:
    return UsageEntry(
        vertex=vertex,
        hold_uid=used.hold_uid,
        during=between(slot.start, slot.end),
        weight=used.weight,
        cost_weighted_hours=weighted_hours(used.weight, slot.length),
        decayed=decay.counted(used.weight, slot.start, slot.end, half_life),
    )


def _add(vertex: Vertex, entries: Sequence[UsageEntry], booked: Sequence[Decimal]) -> None:
    values: dict[str, Any] = {
        "decayed": [entry.decayed for entry in entries], "booked": list(booked), "vertex": vertex.pk,
        "active": max(bounds(entry.during)[1] for entry in entries),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)


def _add_to_member(vertex: Vertex, person_id: int, entries: Sequence[UsageEntry]) -> None:
    used = [entry.cost_weighted_hours for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_MEMBER, {"vertex": vertex.pk, "person": person_id, "used": used})


def _hours_of(event: HoldEvent) -> Decimal:
    start, end = bounds(event.during)
    return weighted_hours(event.weight or Decimal(0), end - start)


def _exact(number: Fraction) -> Decimal:
    """A sum of decimals as the decimal it is: its denominator divides a power of ten."""
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    return Decimal(f"{int(number * 10**digits)}E-{digits}")
