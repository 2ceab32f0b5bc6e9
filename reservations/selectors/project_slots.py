"""What a project has booked, and how much of its room that fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.db.models import Case, DecimalField, F, Q, When
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext, ngettext

from accounts.models import Project
from common import formats
from common.ranges import bounds
from reservations.domain.policy import Policy as Rules
from reservations.domain.room import Room, Standing as Shares, room_of
from reservations.models import Reservation
from reservations.selectors.asked import decision_rows
from reservations.selectors.fairness import decimal

SLOTS = 20

# As selectors.standing adds them up for the rule: what a slot holds later than the hours that need no room.
_LATE_HOURS = """
SELECT sum(reserved.weight * extract(epoch FROM upper(hold.during) - greatest(lower(hold.during), %s))) / 3600
  FROM reservations_reserveddevice reserved JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
 WHERE reserved.reservation_id = reservations_reservation.id AND upper(hold.during) > %s
   AND reservations_reservation.settled_at IS NULL
"""


@dataclass(frozen=True)
class Slot:
    url: str
    title: str
    start: datetime
    end: datetime
    state: str
    tone: str
    price: Decimal
    in_room: Decimal  # cost-weighted hours of it that need room


@dataclass(frozen=True)
class RoomPart:
    """A reservation that counts, or all that are not listed; `x` and `width` of the drawing, in per cent."""

    title: str
    url: str
    start: datetime | None
    hours: Decimal
    x: str
    width: str


@dataclass(frozen=True)
class RoomLeft:
    limit: Decimal
    held: Decimal
    left: Decimal
    note: str
    limit_at: str = ""
    parts: tuple[RoomPart, ...] = ()
    exempt_hours: int = 0  # hours nearer than that need no room
    least: str = ""  # what may be held all the same where its shares give no room; empty where they do


def room_left(standing: Shares, rules: Rules, at: datetime, slots: Sequence[Slot] = ()) -> RoomLeft:
    # Without a wanted node there is no minimum: a booking may find more room than this, never less.
    room = room_of(standing, minimum=Fraction(0), policy=rules, at=at)
    held = decimal(standing.held)
    # A little more than what is held where the room has shrunk since, so that its limit is seen.
    whole = room.limit if held <= room.limit else held * Decimal("1.04")
    return RoomLeft(
        limit=room.limit, held=held, left=max(Decimal(0), room.limit - held),
        note=_room_note(standing, room, rules), limit_at=_percent(room.limit, whole),
        parts=tuple(_parts(slots, held, whole)), exempt_hours=rules.exempt_hours,
        least="" if room.limit else _least(rules),
    )  # fmt: skip


def _least(rules: Rules) -> str:
    hours = rules.least_node_hours
    if not hours:
        return ""
    return ngettext("One node for %(hours)d hour", "One node for %(hours)d hours", hours) % {"hours": hours}


def _parts(slots: Sequence[Slot], held: Decimal, whole: Decimal) -> Iterator[RoomPart]:
    counting = sorted((slot for slot in slots if slot.in_room), key=lambda slot: slot.start)
    begun = Decimal(0)
    for slot in counting:
        yield _part(slot.title, slot.url, slot.start, slot.in_room, begun, whole)
        begun += slot.in_room
    if held - begun >= Decimal("0.05"):  # beyond those on the page; less is rounding
        yield _part(gettext("Others, not on this page"), "", None, held - begun, begun, whole)


def _part(
    title: str, url: str, start: datetime | None, hours: Decimal, begun: Decimal, whole: Decimal
) -> RoomPart:
    return RoomPart(title, url, start, hours, _percent(begun, whole), _percent(hours, whole))


def _percent(number: Decimal, whole: Decimal) -> str:
    return f"{100 * number / whole:.2f}%" if whole else "0%"


def _room_note(standing: Shares, room: Room, rules: Rules) -> str:
    return gettext(
        "Limit = share %(share)s × %(capacity)s bookable × %(factor)s for what you used lately;"
        " at least one whole node for %(hours)d hours. Hours within %(exempt)d hours from now need no room."
    ) % {
        "share": formats.percent(float(room.share)),
        "capacity": formats.number(standing.capacity, 0),
        "factor": formats.number(float(room.factor), 2),
        "hours": rules.least_node_hours,
        "exempt": rules.exempt_hours,
    }


def slots_of(project: Project, *, late: datetime, at: datetime, most: int = SLOTS) -> Iterator[Slot]:
    """What is booked and not over, soonest first, then what was, latest first. One query.

    `late`: hours later than that need room.
    """
    is_open = Q(state=Reservation.State.BOOKED, during__endswith__gt=at)
    rows = Reservation.objects.filter(project=project).select_related("decision__taken_on")
    # Over slots have no `due`, and NULLs come last.
    due = Case(When(is_open, then=F("during__startswith")))
    late_hours = RawSQL(_LATE_HOURS, [late, late], output_field=DecimalField())  # noqa: S611  # no text of a reader
    order = list(rows.annotate(due=due, late_hours=late_hours).order_by("due", "-during__startswith")[:most])
    titles = {row.pk: row.title for row in decision_rows(one.decision for one in order)}
    for reservation in order:
        start, end = bounds(reservation.during)
        state, tone = _slot_state(reservation, start, end, at)
        yield Slot(
            url=reservation.get_absolute_url(),
            title=titles[reservation.decision_id],
            start=start,
            end=end,
            state=state,
            tone=tone,
            price=reservation.quoted_price,
            in_room=reservation.late_hours or Decimal(0),  # type: ignore[attr-defined]  # annotated above
        )


def _slot_state(reservation: Reservation, start: datetime, end: datetime, at: datetime) -> tuple[str, str]:
    if reservation.state == Reservation.State.CANCELLED:
        return gettext("Cancelled"), ""
    if reservation.state == Reservation.State.RELEASED:
        return gettext("Released early"), ""
    if at >= end or reservation.state == Reservation.State.ENDED:
        return gettext("Over"), ""
    return (gettext("Now"), "own") if at >= start else (gettext("Booked"), "good")
