"""Who belongs to a project, as its members see it, and what ending a membership means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, F, Func
from django.db.models.fields import DurationField

from accounts.domain.invitations import BETWEEN_MAILS
from accounts.models import ApiToken, Invitation, Project, ProjectMembership, User
from reservations.models import Reservation
from reservations.selectors.consequences import LiveSlot, live_slots

LEAD = ProjectMembership.Role.LEAD


@dataclass(frozen=True)
class MemberRow:
    uid: UUID
    name: str
    email: str  # leads see it; empty for others
    role: str
    role_name: str
    is_lead: bool
    is_reader: bool
    joined_at: datetime
    monthly_cap: Decimal | None
    booked: Decimal  # device-hours of slots that begin this month


@dataclass(frozen=True)
class InvitationRow:
    uid: UUID
    email: str
    role_name: str
    sent_at: datetime
    expires_at: datetime
    is_expired: bool
    may_be_sent_again: bool


@dataclass(frozen=True)
class MembersPage:
    project: Project
    leads: bool  # whether the reader does
    is_personal: bool
    is_only_lead: bool  # the reader
    month: datetime
    members: tuple[MemberRow, ...]
    invitations: tuple[InvitationRow, ...]  # unanswered; for leads only


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


def members_page(*, project: Project, reader: User, at: datetime) -> MembersPage:
    """Three queries for leads, two for others."""
    month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    booked = booked_in_month(project=project, month=month)
    memberships = list(
        ProjectMembership.objects.filter(project=project)
        .select_related("user")
        .order_by("role", "user__name", "pk")  # leads first: the two words stand in this order
    )
    leads = {one.user_id for one in memberships if one.role == LEAD}
    reads_as_lead = reader.pk in leads
    return MembersPage(
        project=project,
        leads=reads_as_lead,
        is_personal=project.personal_to_id is not None,
        is_only_lead=leads == {reader.pk},
        month=month,
        members=tuple(_members(memberships, booked, reader, reads_as_lead)),
        invitations=tuple(_invitations(project, at)) if reads_as_lead else (),
    )


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


def _members(
    memberships: list[ProjectMembership], booked: dict[int, Decimal], reader: User, reads_as_lead: bool
) -> Iterator[MemberRow]:
    for one in memberships:
        yield MemberRow(
            uid=one.user.uid,
            name=str(one.user),
            email=one.user.email if reads_as_lead else "",
            role=one.role,
            role_name=one.get_role_display(),
            is_lead=one.role == LEAD,
            is_reader=one.user_id == reader.pk,
            joined_at=one.joined_at,
            monthly_cap=one.monthly_cap,
            booked=booked.get(one.user_id, Decimal(0)),
        )


def _invitations(project: Project, at: datetime) -> Iterator[InvitationRow]:
    unanswered = Invitation.objects.filter(project=project, accepted_at=None, revoked_at=None)
    for one in unanswered.order_by("-created_at"):
        yield InvitationRow(
            uid=one.uid,
            email=one.email,
            role_name=str(ProjectMembership.Role(one.role).label),
            sent_at=one.created_at,
            expires_at=one.expires_at,
            is_expired=one.expires_at <= at,
            may_be_sent_again=at >= one.created_at + BETWEEN_MAILS,
        )
