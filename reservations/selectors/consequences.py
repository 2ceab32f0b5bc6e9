"""What a change of a membership or of a project means for slots and jobs: told before it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

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
    """Soonest first, in one query."""
    unfinished = Run.objects.filter(
        reservation=OuterRef("pk"), state__in=(Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
    )
    live = Reservation.objects.filter(
        project=project, state=Reservation.State.BOOKED, during__endswith__gt=at
    )
    if booked_by is not None:
        live = live.filter(booked_by=booked_by)
    live = live.annotate(jobs=ArraySubquery(unfinished.values("state")))
    found = list(live.select_related("decision__taken_on", "booked_by").order_by("during", "pk"))
    titles = {row.pk: row.title for row in decision_rows(one.decision for one in found)}
    return tuple(_slot(one, titles[one.decision_id], at) for one in found)


def cancelled_by_suspension(slots: Iterable[LiveSlot]) -> tuple[LiveSlot, ...]:
    """Slots that have not begun."""
    return tuple(slot for slot in slots if not slot.has_begun)


def cancelled_by_end(slots: Iterable[LiveSlot], ends: datetime) -> tuple[LiveSlot, ...]:
    """Slots that have not begun and would end after the project does."""
    return tuple(slot for slot in slots if not slot.has_begun and slot.end > ends)


def _slot(reservation: Reservation, title: str, at: datetime) -> LiveSlot:
    start, end = bounds(reservation.during)
    jobs: list[str] = reservation.jobs  # type: ignore[attr-defined]  # annotated above
    running = jobs.count(Run.State.RUNNING)
    return LiveSlot(
        url=reservation.get_absolute_url(),
        title=title,
        start=start,
        end=end,
        booked_by=str(reservation.booked_by),
        has_begun=start <= at,
        queued=len(jobs) - running,
        running=running,
    )
