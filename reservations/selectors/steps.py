"""The stations of a reservation, from booked to settled: which are behind, which is now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from common import formats
from common.ranges import bounds
from nodes.models import Lease
from reservations.models import Reservation

# docs/agent-protocol.md: a job gets SIGTERM 90 s before its slot ends.
_WARNING = timedelta(seconds=90)


@dataclass(frozen=True)
class Step:
    name: str
    state: str  # done, now, next
    note: str  # when it happened, or when it will


def steps(reservation: Reservation, newest: Lease | None) -> tuple[Step, ...]:
    """Where it stands, with the newest lease telling what the node reported."""
    if reservation.state == Reservation.State.CANCELLED:
        return (
            Step(gettext("Booked"), "done", formats.moment(reservation.created_at)),
            Step(gettext("Cancelled"), "now", formats.moment(reservation.cancelled_at)),
        )
    start, end = bounds(reservation.during)
    end = reservation.released_at or end  # the rest was given back
    stations = [
        (gettext("Booked"), reservation.created_at, None, ""),
        (gettext("Staged"), newest.staged_at if newest else None, None, gettext("before the start")),
        (gettext("Running"), newest.started_at if newest else None, start, ""),
        (gettext("Asked to stop"), _warned(newest, end), end - _WARNING, ""),
        (gettext("Ended"), _ended(reservation, newest), end, ""),
        (gettext("Settled"), reservation.settled_at, None, gettext("after the slot")),
    ]
    last = max(index for index, station in enumerate(stations) if station[1] is not None)
    return tuple(
        Step(name, _place(index, last, done), _said(done or planned, start, done is not None) or note)
        for index, (name, done, planned, note) in enumerate(stations)
        if done is not None or index > last
    )


def _place(index: int, last: int, done: datetime | None) -> str:
    if index == last:
        return "now"
    return "done" if done is not None else "next"


def _said(moment: datetime | None, start: datetime, has_been: bool) -> str:
    """The hour alone on the slot's own first day, else with its date; to the second once it has been."""
    if moment is None:
        return ""
    same_day = timezone.localtime(moment).date() == timezone.localtime(start).date()
    if not same_day:
        return formats.moment(moment)
    return formats.clock_seconds(moment) if has_been else formats.clock_time(moment)


def _warned(newest: Lease | None, end: datetime) -> datetime | None:
    """Only a job that ran into its slot's end was asked to stop there."""
    if newest is None or newest.end_reason != Lease.EndReason.SLOT_END:
        return None
    return end - _WARNING


def _ended(reservation: Reservation, newest: Lease | None) -> datetime | None:
    if newest is not None and newest.ended_at is not None:
        return newest.ended_at
    if reservation.released_at is not None:
        return reservation.released_at
    return bounds(reservation.during)[1] if reservation.state == Reservation.State.ENDED else None
