"""Roles in projects and organisations: changing, removing, leaving, handing over.

Whoever changes a membership locks the project or organisation first, and only then reads who leads
it: two leads who remove each other at once would each still see the other. The database's trigger
`keeps_a_lead` has the last word. Who stops leading takes the invitations they sent with them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import LastLead, MembershipRefused, NoSuchMember
from accounts.models import (
    ApiToken,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    User,
)
from accounts.services import notices, withdrawing
from common.access import NotAllowed

Group = Project | Organisation
Of = TypeVar("Of", bound=Project | Organisation)
LEAD, MEMBER = ProjectMembership.Role.LEAD, ProjectMembership.Role.MEMBER


def lock(of: Of) -> Of:
    """The lock that every change of who belongs to it takes first. Rows that refer to it do not wait."""
    rows = type(of)._default_manager.select_for_update(no_key=True)
    return cast("Of", rows.get(pk=of.pk))


def require_lead(*, of: Group, by: User) -> None:
    if not _memberships(of).filter(user=by, role=LEAD).exists():
        raise NotAllowed(_("Only leads of %(name)s may do this.") % {"name": of})


@transaction.atomic
def change_role(*, of: Group, member: User, role: str, by: User, at: datetime) -> None:
    """Make a member a lead, or a lead a member; one lead stays."""
    lock(of)
    require_lead(of=of, by=by)
    membership = _membership(of, member)
    if membership.role == LEAD and role != LEAD and not _others(of, member, role=LEAD):
        raise _only_lead(of, member)
    if membership.role != role:
        _memberships(of).filter(pk=membership.pk).update(role=role)
        if role != LEAD:
            withdrawing.lead_ended(of=of, lead=member, at=at)
        _tell_role(of, member, role, by, at)


@transaction.atomic
def set_cap(*, project: Project, member: User, monthly_cap: Decimal | None, by: User) -> None:
    """The most device-hours of slots that begin in one month (UTC) this member books; None: no cap.

    What is booked already stays, also where it is more.
    """
    lock(project)
    require_lead(of=project, by=by)
    if monthly_cap is not None and monthly_cap < 0:
        raise MembershipRefused(_("A cap is zero or more device-hours."), field="monthly_cap")
    membership = _membership(project, member)
    ProjectMembership.objects.filter(pk=membership.pk).update(monthly_cap=monthly_cap)


@transaction.atomic
def set_role_and_cap(
    *, project: Project, member: User, role: str, monthly_cap: Decimal | None, by: User, at: datetime
) -> None:
    """Both or neither; the cap first, while a lead who steps down still may."""
    set_cap(project=project, member=member, monthly_cap=monthly_cap, by=by)
    change_role(of=project, member=member, role=role, by=by, at=at)


@transaction.atomic
def remove(*, of: Group, member: User, by: User, at: datetime) -> None:
    """End somebody's membership. What they booked stays the project's; their tokens for it end."""
    lock(of)
    require_lead(of=of, by=by)
    if member == by:
        raise MembershipRefused(_("To end your own membership, leave instead."))
    _end(of, _membership(of, member), at)
    notices.notify(
        users=[member], kind="member_removed", params={"group": of.name, "by": by}, url="",
        dedupe=f"removed:{of.uid}:{at:%Y%m%dT%H%M}", at=at,
    )  # fmt: skip


@transaction.atomic
def leave(*, of: Group, member: User, at: datetime) -> None:
    """End one's own membership, unless others would have no lead, or an open project nobody at all."""
    of = lock(of)
    membership = _membership(of, member)
    if isinstance(of, Project) and of.personal_to_id == member.pk:
        raise MembershipRefused(_("This is your personal project: it stays yours."))
    if membership.role == LEAD and not _others(of, member, role=LEAD):
        _require_nobody_left_behind(of, member, at)
    _end(of, membership, at)


@transaction.atomic
def hand_over(*, of: Group, to: User, by: User, at: datetime) -> None:
    """Make another member lead and oneself a member, in one step."""
    of = lock(of)
    require_lead(of=of, by=by)
    if isinstance(of, Project) and of.personal_to_id is not None:
        raise MembershipRefused(_("A personal project is not handed over."))
    heir = _membership(of, to)
    if to == by:
        raise MembershipRefused(_("You lead it already: choose another member."))
    _memberships(of).filter(pk=heir.pk).update(role=LEAD)
    _memberships(of).filter(user=by).update(role=MEMBER)
    withdrawing.lead_ended(of=of, lead=by, at=at)
    _tell_role(of, to, LEAD, by, at)


def _tell_role(of: Group, member: User, role: str, by: User, at: datetime) -> None:
    if member == by:
        return
    notices.notify(
        users=[member], kind="role_changed", params={"group": of.name, "role": role, "by": by},
        url=of.get_absolute_url(), dedupe=f"role:{of.uid}:{at:%Y%m%dT%H%M}", at=at,
    )  # fmt: skip


def _memberships(of: Group) -> Any:
    """Of either kind: they share the columns that matter here."""
    return of.memberships


def _membership(of: Group, member: User) -> ProjectMembership | OrganisationMembership:
    found: ProjectMembership | OrganisationMembership | None
    found = _memberships(of).filter(user=member).first()
    if found is None:
        raise NoSuchMember(_("This person is not a member of %(name)s.") % {"name": of})
    return found


def _others(of: Group, member: User, **wanted: str) -> bool:
    others: bool = _memberships(of).exclude(user=member).filter(**wanted).exists()
    return others


def _require_nobody_left_behind(of: Group, member: User, at: datetime) -> None:
    """The last of all may go where there is nothing left to lead."""
    if _others(of, member):
        raise _only_lead(of, member)
    if isinstance(of, Organisation):
        raise LastLead(_("You are the only member of %(name)s: ask a steward to close it.") % {"name": of})
    if of.expires_at is None or at < of.expires_at:
        raise LastLead(_("You are the only member of %(name)s: close the project first.") % {"name": of})


def _only_lead(of: Group, member: User) -> LastLead:
    sentence = _(
        "%(person)s is the only lead of %(name)s. Make another member lead first,"
        " or remove the others and close it."
    )
    return LastLead(sentence % {"person": member, "name": of})


def _end(of: Group, membership: ProjectMembership | OrganisationMembership, at: datetime) -> None:
    # Before anything of theirs, as who closes the account does: each would hold what the other waits for.
    withdrawing.lock_person(membership.user)
    if isinstance(of, Project):
        tokens = ApiToken.objects.filter(project=of, user=membership.user_id, revoked_at=None)
        tokens.update(revoked_at=at)
    membership.delete()
    if membership.role == LEAD:
        withdrawing.lead_ended(of=of, lead=membership.user, at=at)
