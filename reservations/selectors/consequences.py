"""What a change of a membership or of a project means for slots and jobs: told before it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Project, User
from common.ranges import bounds
from reservations.models import Reservation, Run
from reservations.selectors.asked import decision_rows


@dataclass(frozen=True)
class LiveSlot:
    """A booked slot that is not over."""

    url: str
    title: str
    start: datetime
    end: datetime
    booked_by: str
    has_begun: bool
    queued: int  # jobs that have not started
    running: int


def live_slots(*, project: Project, at: datetime, booked_by: User | None = None) -> tuple[LiveSlot, ...]:
    """Soonest first: two queries, however many they are."""
    live = Reservation.objects.filter(
        project=project, state=Reservation.State.BOOKED, during__endswith__gt=at
    )
    if booked_by is not None:
        live = live.filter(booked_by=booked_by)
    found = list(live.select_related("decision", "booked_by").order_by("during", "pk"))
    runs = _runs(found)
    titles = {row.pk: row.title for row in decision_rows(one.decision for one in found)}
    return tuple(_slot(one, titles[one.decision_id], runs.get(one.pk, []), at) for one in found)


def cancelled_by_suspension(slots: Iterable[LiveSlot]) -> tuple[LiveSlot, ...]:
    """Slots that have not begun."""
    return tuple(slot for slot in slots if not slot.has_begun)


def cancelled_by_end(slots: Iterable[LiveSlot], ends: datetime) -> tuple[LiveSlot, ...]:
    """Slots that have not begun and would end after the project does."""
    return tuple(slot for slot in slots if not slot.has_begun and slot.end > ends)


def _runs(reservations: Iterable[Reservation]) -> dict[int, list[str]]:
    unfinished = (Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
    states: dict[int, list[str]] = {}
    wanted = Run.objects.filter(reservation__in=list(reservations), state__in=unfinished)
    for reservation, state in wanted.values_list("reservation_id", "state"):
        states.setdefault(reservation, []).append(state)
    return states


def _slot(reservation: Reservation, title: str, runs: list[str], at: datetime) -> LiveSlot:
    start, end = bounds(reservation.during)
    running = runs.count(Run.State.RUNNING)
    return LiveSlot(
        url=reservation.get_absolute_url(),
        title=title,
        start=start,
        end=end,
        booked_by=str(reservation.booked_by),
        has_begun=start <= at,
        queued=len(runs) - running,
        running=running,
    )
