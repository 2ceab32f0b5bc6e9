"""What ends by itself: classes, and projects whose day has come. A sweep; twice is once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.models import Project, ProjectMembership, User
from accounts.services import classes, notices
from reservations.models import Reservation
from reservations.services import calling_off, standing

WARNED_BEFORE = timedelta(days=14)


def end_what_is_over(*, at: datetime) -> None:
    classes.let_lapse(at=at)
    _warn(at)
    _call_off_what_no_project_reaches(at)


def _warn(at: datetime) -> None:
    """Leads hear once of an end that comes near; of another end again."""
    near = Project.objects.filter(expires_at__gt=at, expires_at__lte=at + WARNED_BEFORE)
    leads = ProjectMembership.objects.filter(project__in=near, role=ProjectMembership.Role.LEAD)
    of_project: dict[Project, list[User]] = {}
    for membership in leads.select_related("project", "user"):
        of_project.setdefault(membership.project, []).append(membership.user)
    for project, users in of_project.items():
        facts = {"project": project.name, "expires_at": project.expires_at}
        notices.notify(
            users=users, kind="project_expiring", params=facts, url=project.get_absolute_url(),
            dedupe=f"expiring:{project.uid}:{project.expires_at:%Y%m%d}", at=at,
        )  # fmt: skip


def _call_off_what_no_project_reaches(at: datetime) -> None:
    """Whoever sets an end calls off what lies after it; an end that came another way is kept here."""
    beyond = Reservation.objects.unsettled().filter(
        state=Reservation.State.BOOKED,
        during__startswith__gt=at,
        during__endswith__gt=F("project__expires_at"),
    )
    for pk in sorted(set(beyond.values_list("project", flat=True))):
        with transaction.atomic():
            project = standing.lock(Project.objects.get(pk=pk))
            if project.expires_at is not None:
                calling_off.call_off(
                    project=project, ends_after=project.expires_at, reason=calling_off.PROJECT_ENDS, at=at
                )
