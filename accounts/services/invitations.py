"""Inviting somebody by mail to a project or an organisation.

The link in the mail holds a secret of which only the SHA-256 is stored. It is for one address: only who
is signed in with that address, verified, sees what it is for, by that link or on their first page.
Nothing here tells whether an address has an account. The mail goes out by `services.mail`, like all mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _, ngettext

from accounts.domain.invitations import BETWEEN_MAILS, LIFETIME, MOST_A_DAY, MOST_OPEN
from accounts.errors import InvitationRefused
from accounts.models import Invitation, Organisation, Project, ProjectMembership, User
from accounts.models.invitations import InvitationQuerySet
from accounts.services import members, notices
from accounts.services.invitation_mail import digest_of, secret_of
from accounts.services.members import LEAD, Group
from accounts.wording.invitations import ended
from common import formats
from common.access import NotAllowed

Ending = Invitation.Ending


def by_link(link: str) -> InvitationQuerySet:
    """By the secret of its mail, or by the uid that pages show to its addressee.

    Neither lets anybody in who has not proved the address: see `is_addressed_to`.
    """
    try:
        return Invitation.objects.filter(uid=UUID(link))
    except ValueError:
        return Invitation.objects.filter(token_hash=digest_of(link))


@transaction.atomic
def invite(*, to: Group, email: str, role: str, by: User, at: datetime) -> tuple[Invitation, str]:
    """A lead invites an address. Answers the invitation and the secret that its mail holds."""
    members.lock(to)
    members.require_lead(of=to, by=by)
    if isinstance(to, Project) and to.personal_to_id is not None:
        raise InvitationRefused(
            _("A personal project is for one person. Apply for a project to work together.")
        )
    return issue(to=to, email=email, role=role, by=by, at=at)


def issue(*, to: Group, email: str, role: str, by: User, at: datetime) -> tuple[Invitation, str]:
    """Write and mail an invitation, whoever sends it: for services that have locked and checked."""
    email = User.objects.normalize_email(email.strip())
    open_ones = _to(to).open(at)
    if open_ones.filter(email__iexact=email).exists():
        raise InvitationRefused(
            _("%(email)s is invited already: send that invitation again.") % {"email": email}, field="email"
        )
    if open_ones.count() >= MOST_OPEN:
        raise InvitationRefused(
            ngettext(
                "%(limit)d invitation is open, the most there may be. Withdraw one first.",
                "%(limit)d invitations are open, the most there may be. Withdraw one first.",
                MOST_OPEN,
            )
            % {"limit": MOST_OPEN},
            limit=MOST_OPEN,
        )
    if to.memberships.filter(user__email__iexact=email).exists():  # whose address leads see anyway
        raise InvitationRefused(_("%(email)s is a member already.") % {"email": email}, field="email")
    _require_pause(to, email, at)  # also after one that was withdrawn: its mail went out all the same
    _require_few_today(by, at)
    # One that expired unanswered makes place: the database keeps one unanswered for each address.
    _to(to).filter(email__iexact=email).close(Ending.REPLACED, at)
    return _write(to, email, role, by, at)


@transaction.atomic
def resend(*, invitation: Invitation, by: User, at: datetime) -> tuple[Invitation, str]:
    """Mail it again with a new secret and 14 more days. The older link says that a newer one went out."""
    members.lock(_group(invitation))
    _require_few_today(by, at)
    invitation = _locked(invitation)
    _require_sender(invitation, by)
    return _again(invitation, by, at)


def issue_again(*, invitation: Invitation, by: User, at: datetime) -> tuple[Invitation, str]:
    """As `resend`, whoever sent it: for services that have locked and checked."""
    _require_few_today(by, at)
    return _again(_locked(invitation), by, at)


@transaction.atomic
def revoke(*, invitation: Invitation, by: User, at: datetime) -> None:
    """Take it back: its link leads nowhere any more. Once accepted, it is the membership that is ended."""
    invitation = _locked(invitation)
    _require_sender(invitation, by)
    _withdraw(invitation, at)


def take_back(*, invitation: Invitation, at: datetime) -> None:
    """As `revoke`, whoever sent it: for services that have locked and checked."""
    _withdraw(_locked(invitation), at)


@transaction.atomic
def accept(*, secret: str, user: User, at: datetime) -> Invitation:
    """Become a member. Somebody who leads already stays lead."""
    invitation = _answered_by(secret, user, at)
    to = _group(invitation)
    membership, _created = to.memberships.get_or_create(user=user, defaults={"role": invitation.role})
    if membership.role != LEAD and invitation.role == LEAD:
        membership.role = LEAD
        membership.save(update_fields=["role"])
    invitation.accepted_at, invitation.accepted_by = at, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    _tell_answer(invitation, user, "accepted", at)
    return invitation


@transaction.atomic
def decline(*, secret: str, user: User, at: datetime) -> Invitation:
    invitation = _answered_by(secret, user, at)
    _end(invitation, Ending.DECLINED, at)
    _tell_answer(invitation, user, "declined", at)
    return invitation


def is_addressed_to(invitation: Invitation, user: User) -> bool:
    its = EmailAddress.objects.filter(user=user, verified=True, email__iexact=invitation.email)
    return bool(its.exists())


def _answered_by(secret: str, user: User, at: datetime) -> Invitation:
    """The open invitation of that secret, locked after its project, for who may answer it."""
    found = by_link(secret).first()
    if found is None or not is_addressed_to(found, user):
        raise NotAllowed(_("This link is not an invitation to you."))
    invitation = _locked(found)
    _require_unanswered(invitation)
    if invitation.expires_at <= at:
        raise InvitationRefused(_("This invitation has expired. Ask for another one."))
    return invitation


def _locked(invitation: Invitation) -> Invitation:
    """The invitation as it stands, locked after its project or organisation."""
    members.lock(_group(invitation))
    rows = Invitation.objects.select_related("project", "organisation", "invited_by")
    return rows.select_for_update(of=("self",)).get(pk=invitation.pk)


def _again(invitation: Invitation, by: User, at: datetime) -> tuple[Invitation, str]:
    to = _group(invitation)
    _require_unanswered(invitation)
    _require_pause(to, invitation.email, at)
    _end(invitation, Ending.REPLACED, at)
    return _write(to, invitation.email, invitation.role, by, at)


def _withdraw(invitation: Invitation, at: datetime) -> None:
    _require_unanswered(invitation)
    _end(invitation, Ending.WITHDRAWN, at)


def _end(invitation: Invitation, ending: str, at: datetime) -> None:
    invitation.revoked_at, invitation.ending = at, ending
    invitation.save(update_fields=["revoked_at", "ending"])


def _tell_answer(invitation: Invitation, user: User, outcome: str, at: datetime) -> None:
    group = _group(invitation)
    params = {"group": group.name, "email": invitation.email, "outcome": outcome}
    notices.notify(
        users={invitation.invited_by} - {user}, kind="invitation_answered", params=params,
        url=_page_for(invitation.invited_by, group), dedupe=f"invitation-answered:{invitation.uid}", at=at,
    )  # fmt: skip


def _page_for(sender: User, group: Group) -> str:
    """Who had a project opened in an account of their organisation does not belong to the project."""
    opened_by = group.organisation if isinstance(group, Project) else None
    if opened_by is None or group.memberships.filter(user=sender).exists():
        return group.get_absolute_url()
    return f"{opened_by.get_absolute_url()}shares/"


def _require_pause(to: Group, email: str, at: datetime) -> None:
    last = _to(to).filter(email__iexact=email, accepted_at=None).order_by("-created_at").first()
    if last is not None and at < (again_at := last.created_at + BETWEEN_MAILS):
        raise InvitationRefused(
            _("A mail went out at %(sent)s. Another one may go at %(again)s.")
            % {"sent": formats.clock_time(last.created_at), "again": formats.clock_time(again_at)},
            field="email",
        )


def _require_few_today(by: User, at: datetime) -> None:
    # One at a time, so that all are counted: somebody who leads two projects may write from both at once.
    # Before any invitation's own lock: whoever closes an account takes the person first, too.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    since = at - timedelta(days=1)
    if Invitation.objects.filter(invited_by=by, created_at__gt=since).count() >= MOST_A_DAY:
        raise InvitationRefused(
            _("You sent %(limit)d invitations in 24 hours, the most there may be. Send more tomorrow.")
            % {"limit": MOST_A_DAY},
            limit=MOST_A_DAY,
        )


def _require_unanswered(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise InvitationRefused(_("This invitation is accepted already."))
    if invitation.revoked_at is not None:
        raise InvitationRefused(ended(invitation))


def _require_sender(invitation: Invitation, by: User) -> None:
    """Leads, and whoever sent it (an account's lead opens projects without belonging to them)."""
    if invitation.invited_by_id != by.pk:
        members.require_lead(of=_group(invitation), by=by)


def _write(to: Group, email: str, role: str, by: User, at: datetime) -> tuple[Invitation, str]:
    invitation = Invitation(
        **{"project" if isinstance(to, Project) else "organisation": to},
        email=email, role=ProjectMembership.Role(role), invited_by=by, created_at=at,
        expires_at=at + LIFETIME, mail_due_at=at,
    )  # fmt: skip
    secret = secret_of(invitation)
    invitation.token_hash = digest_of(secret)
    invitation.save()
    known = User.objects.filter(emailaddress__email__iexact=email, emailaddress__verified=True)
    notices.notify(
        users=known, kind="invitation_received", params={"group": to.name, "by": by}, url="",
        dedupe=f"invitation:{invitation.uid}", at=at,
    )  # fmt: skip
    return invitation, secret


def _group(invitation: Invitation) -> Group:
    group: Project | Organisation | None = invitation.project or invitation.organisation
    assert group is not None  # invitation_is_to_one_thing
    return group


def _to(to: Group) -> InvitationQuerySet:
    of: dict[str, Group] = {"project": to} if isinstance(to, Project) else {"organisation": to}
    return Invitation.objects.filter(**of)
