"""A person's projects side by side: class, level, budget left and the slot that comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from accounts.models import Project, User
from common.ranges import bounds
from pricing.models import Grant
from reservations.errors import NoPolicy
from reservations.models import Reservation
from reservations.selectors.asked import decision_rows
from reservations.selectors.levels import Level
from reservations.selectors.policies import in_force
from reservations.selectors.several import levels_of


@dataclass(frozen=True)
class NextSlot:
    """The slot that is open, or the next to open."""

    url: str
    title: str  # 4 × H100 SXM5, 12 h
    start: datetime
    end: datetime
    is_open: bool


@dataclass(frozen=True)
class ProjectLine:
    name: str
    url: str
    summary: str
    class_name: str
    organisation: str
    level: Level | None  # None: no place in the share tree, so nothing can be booked
    grants: int  # valid today
    budget_left: Decimal
    next_slot: NextSlot | None
    booked: int  # slots that are not over


def projects_page(*, user: User, at: datetime) -> tuple[ProjectLine, ...]:
    """The reader's projects by name. Five queries, however many they are."""
    projects = list(Project.objects.of(user).select_related("organisation").order_by("name", "pk"))
    if not projects:
        return ()
    ids = [project.pk for project in projects]
    budgets, slots, levels = _budgets(ids, at), _slots(ids, at), _levels(ids, at)
    following = _following({project: rows[0] for project, rows in slots.items()}, at)
    return tuple(
        ProjectLine(
            name=project.name,
            url=project.get_absolute_url(),
            summary=project.summary,
            class_name=project.get_project_class_display(),
            organisation=project.organisation.name if project.organisation else "",
            level=levels.get(project.pk),
            grants=budgets.get(project.pk, (0, Decimal(0)))[0],
            budget_left=budgets.get(project.pk, (0, Decimal(0)))[1],
            next_slot=following.get(project.pk),
            booked=len(slots.get(project.pk, ())),
        )
        for project in projects
    )


def _budgets(ids: Iterable[int], at: datetime) -> Mapping[int, tuple[int, Decimal]]:
    """How many grants are valid today, and what they have left together."""
    budgets: dict[int, tuple[int, Decimal]] = {}
    for grant in Grant.objects.filter(project__in=ids, valid__contains=at):
        count, left = budgets.get(grant.project_id, (0, Decimal(0)))
        budgets[grant.project_id] = count + 1, left + grant.left
    return budgets


def _slots(ids: Iterable[int], at: datetime) -> Mapping[int, list[Reservation]]:
    """What is booked and not over, by project, soonest first."""
    rows = Reservation.objects.filter(
        project__in=ids, state=Reservation.State.BOOKED, during__endswith__gt=at
    ).select_related("decision")
    slots: dict[int, list[Reservation]] = {}
    for reservation in rows.order_by("during__startswith", "pk"):
        slots.setdefault(reservation.project_id, []).append(reservation)
    return slots


def _following(firsts: Mapping[int, Reservation], at: datetime) -> Mapping[int, NextSlot]:
    prefetch_related_objects([*firsts.values()], "decision__taken_on")  # of these alone
    titles = {row.pk: row.title for row in decision_rows(one.decision for one in firsts.values())}
    following = {}
    for project, reservation in firsts.items():
        start, end = bounds(reservation.during)
        following[project] = NextSlot(
            reservation.get_absolute_url(), titles[reservation.decision_id], start, end, start <= at
        )
    return following


def _levels(ids: Collection[int], at: datetime) -> Mapping[int, Level]:
    """Promised over received share of everything, as the project's own page has it."""
    try:
        _, rules = in_force(at)
    except NoPolicy:
        return {}
    return levels_of(ids, policy=rules, at=at)
