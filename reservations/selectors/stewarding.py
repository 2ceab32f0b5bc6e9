"""One project as a steward sees it: its standing, class, share, and what a change would mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Func, QuerySet

from accounts.models import ClassGrant, Project, ProjectMembership, User
from reservations.models import Vertex
from reservations.selectors.consequences import (
    LiveSlot,
    cancelled_by_end,
    cancelled_by_suspension,
    live_slots,
)


@dataclass(frozen=True)
class ClassRow:
    name: str
    given_by: str
    given_at: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class StewardProjectPage:
    project: Project
    leads: tuple[User, ...]
    members: int
    account: str  # as a path; empty where the project has no place in the share tree
    shares: int | None
    classes: tuple[ClassRow, ...]
    by_suspension: tuple[LiveSlot, ...]  # would be cancelled
    going_on: tuple[LiveSlot, ...]  # have begun
    ends: datetime | None  # the end that is asked about
    by_end: tuple[LiveSlot, ...]  # would be cancelled by it


def steward_project_page(*, project: Project, ends: datetime | None, at: datetime) -> StewardProjectPage:
    """Four queries."""
    memberships = list(ProjectMembership.objects.filter(project=project).select_related("user"))
    path = sorted(_path(project), key=lambda vertex: len(vertex.path))
    slots = live_slots(project=project, at=at)
    return StewardProjectPage(
        project=project,
        leads=tuple(one.user for one in memberships if one.role == ProjectMembership.Role.LEAD),
        members=len(memberships),
        account=" / ".join(account.name for account in path[:-1]),
        shares=path[-1].shares if path else None,
        classes=tuple(_classes(project)),
        by_suspension=cancelled_by_suspension(slots),
        going_on=tuple(slot for slot in slots if slot.has_begun),
        ends=ends,
        by_end=cancelled_by_end(slots, ends) if ends else (),
    )


def _path(project: Project) -> QuerySet[Vertex]:
    """The accounts above the project, and its own leaf."""
    its_own = Vertex.objects.filter(project=project)
    return Vertex.objects.filter(
        pk__in=its_own.annotate(step=Func(F("path"), function="unnest")).values("step")
    )


def _classes(project: Project) -> list[ClassRow]:
    grants = ClassGrant.objects.filter(project=project).select_related("given_by", "on_behalf_of")
    return [
        ClassRow(
            name=grant.get_project_class_display(),
            given_by=str(grant.on_behalf_of or grant.given_by),
            given_at=grant.given_at,
            until=grant.expires_at,
            reason=grant.reason,
        )
        for grant in grants
    ]
