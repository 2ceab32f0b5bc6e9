"""Who belongs to a project or an organisation, and who is invited, as its members see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.domain.invitations import BETWEEN_MAILS
from accounts.models import (
    Invitation,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    User,
)

LEAD = ProjectMembership.Role.LEAD
Group = Project | Organisation


@dataclass(frozen=True)
class MemberRow:
    uid: UUID
    name: str
    email: str  # leads see it; empty for others
    role: str
    role_name: str
    is_reader: bool
    joined_at: datetime


@dataclass(frozen=True)
class InvitationRow:
    uid: UUID
    email: str
    role_name: str
    expires_at: datetime
    is_expired: bool
    again_at: datetime | None  # a mail went out a moment ago: the next may go then


@dataclass(frozen=True)
class MembersPage:
    group: Group
    leads: bool  # whether the reader does
    is_only_lead: bool  # the reader
    is_only_member: bool
    members: tuple[MemberRow, ...]
    invitations: tuple[InvitationRow, ...]  # unanswered; for leads only


Told = Callable[[Any, MemberRow], MemberRow]


def _as_it_is(_membership: Any, row: MemberRow) -> MemberRow:
    return row


def members_page(*, of: Group, reader: User, at: datetime, told: Told = _as_it_is) -> MembersPage:
    """Leads first. `told` may add to the row of a membership. Two queries for leads, one for others."""
    memberships: list[Any] = list(
        of.memberships.select_related("user").order_by("role", "user__name", "pk")  # "lead" before "member"
    )
    leads = {one.user_id for one in memberships if one.role == LEAD}
    reads_as_lead = reader.pk in leads
    return MembersPage(
        group=of,
        leads=reads_as_lead,
        is_only_lead=leads == {reader.pk},
        is_only_member=[one.user_id for one in memberships] == [reader.pk],
        members=tuple(told(one, _row(one, reader, reads_as_lead)) for one in memberships),
        invitations=tuple(_unanswered(of, at)) if reads_as_lead else (),
    )


def _row(
    membership: ProjectMembership | OrganisationMembership, reader: User, reads_as_lead: bool
) -> MemberRow:
    user = membership.user
    return MemberRow(
        uid=user.uid,
        name=str(user),
        email=user.email if reads_as_lead else "",
        role=membership.role,
        role_name=membership.get_role_display(),
        is_reader=user.pk == reader.pk,
        joined_at=membership.joined_at,
    )


def _unanswered(of: Group, at: datetime) -> Iterator[InvitationRow]:
    for one in of.invitations.unanswered().order_by("-created_at"):
        yield InvitationRow(
            uid=one.uid,
            email=one.email,
            role_name=str(ProjectMembership.Role(one.role).label),
            expires_at=one.expires_at,
            is_expired=one.expires_at <= at,
            again_at=again_at(one, at),
        )


def again_at(invitation: Invitation, at: datetime) -> datetime | None:
    """When it may be mailed again; None: now."""
    free = invitation.created_at + BETWEEN_MAILS
    return free if at < free else None
