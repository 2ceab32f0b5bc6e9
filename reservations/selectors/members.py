"""Who belongs to a project, as its members see it, and what ending a membership means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, F, Func
from django.db.models.fields import DurationField

from accounts.models import ApiToken, Project, ProjectMembership, User
from accounts.selectors.members import MemberRow, MembersPage, members_page
from reservations.models import Reservation
from reservations.selectors.consequences import LiveSlot, live_slots

LEAD = ProjectMembership.Role.LEAD


@dataclass(frozen=True)
class ProjectMemberRow(MemberRow):
    monthly_cap: Decimal | None
    booked: Decimal  # device-hours of slots that begin this month


@dataclass(frozen=True)
class ProjectMembersPage(MembersPage):
    is_personal: bool
    month: datetime


@dataclass(frozen=True)
class EndOfMembership:
    """What becomes of a member's slots and tokens."""

    name: str
    leads: bool
    slots: tuple[LiveSlot, ...]
    tokens: int


class Staying(StrEnum):
    """Why somebody cannot leave as things stand; what would work is the page's to say."""

    PERSONAL = "personal"
    ONLY_LEAD = "only lead"  # of others, who would have nobody
    ONLY_MEMBER = "only member"  # of a project that is open


@dataclass(frozen=True)
class LeavePage:
    end: EndOfMembership
    staying: Staying | None  # None: may leave


def project_members_page(*, project: Project, reader: User, at: datetime) -> ProjectMembersPage:
    """Three queries for leads, two for others."""
    month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    booked = booked_in_month(project=project, month=month)

    def told(membership: ProjectMembership, row: MemberRow) -> ProjectMemberRow:
        hours = booked.get(membership.user_id, Decimal(0))
        return ProjectMemberRow(**vars(row), monthly_cap=membership.monthly_cap, booked=hours)

    page = members_page(of=project, reader=reader, at=at, told=told)
    return ProjectMembersPage(**vars(page), is_personal=project.personal_to_id is not None, month=month)


def booked_in_month(*, project: Project, month: datetime) -> dict[int, Decimal]:
    """By user: device-hours of slots that begin in the month, as `member_cap` counts them. One query."""
    following = (month + timedelta(days=32)).replace(day=1)
    begun = Reservation.objects.filter(
        project=project, during__startswith__gte=month, during__startswith__lt=following
    ).exclude(state=Reservation.State.CANCELLED)
    length = Func(F("during"), template="upper(%(expressions)s) - lower(%(expressions)s)")
    length.output_field = DurationField()
    devices = begun.annotate(count=Count("devices"), length=length)
    hours: dict[int, Decimal] = {}
    for person, count, taken in devices.values_list("booked_by", "count", "length"):
        hours[person] = hours.get(person, Decimal(0)) + count * Decimal(taken.total_seconds()) / 3600
    return hours


def leave_page(*, project: Project, reader: User, at: datetime) -> LeavePage:
    """Four queries."""
    end = end_of_membership(project=project, member=reader, at=at)
    if project.personal_to_id == reader.pk:
        return LeavePage(end, Staying.PERSONAL)
    others = set(project.memberships.exclude(user=reader).values_list("role", flat=True))
    if not end.leads or LEAD in others:
        return LeavePage(end, None)
    if others:
        return LeavePage(end, Staying.ONLY_LEAD)
    is_open = project.expires_at is None or at < project.expires_at
    return LeavePage(end, Staying.ONLY_MEMBER if is_open else None)


def end_of_membership(*, project: Project, member: User, at: datetime) -> EndOfMembership:
    tokens = ApiToken.objects.filter(project=project, user=member).live(at)
    return EndOfMembership(
        name=str(member),
        leads=project.memberships.filter(user=member, role=LEAD).exists(),
        slots=live_slots(project=project, at=at, booked_by=member),
        tokens=tokens.count(),
    )
