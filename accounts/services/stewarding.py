"""What stewards do to people's accounts. Every act is written down with its reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import StewardActRefused
from accounts.models import ApiToken, Invitation, Notice, Organisation, Project, StewardAct, User
from accounts.services import withdrawing
from accounts.services.sessions import end_all_sessions

LONGEST = 500


@transaction.atomic
def close_person(*, person: User, reason: str, by: User, at: datetime) -> StewardAct:
    """Keep somebody out: sessions and tokens end at once. Projects and what is booked stay as they are."""
    person = _locked_before(person, by)
    reason = require_reason(reason)
    if person == by:
        raise StewardActRefused(_("Nobody closes their own account here: another steward does."))
    if not person.is_active:
        raise StewardActRefused(_("This account is closed already."))
    User.objects.filter(pk=person.pk).update(is_active=False)
    end_all_sessions(user=person)
    ApiToken.objects.filter(user=person, revoked_at=None).update(revoked_at=at)
    Notice.objects.filter(user=person, mail=Notice.Mail.WAITING).update(mail=Notice.Mail.NONE)
    withdrawing.person_closed(person=person, at=at)
    return write_down(act=StewardAct.Act.CLOSED, person=person, reason=reason, by=by, at=at)


@transaction.atomic
def reopen_person(*, person: User, reason: str, by: User, at: datetime) -> StewardAct:
    """Let somebody in again. Tokens stay revoked."""
    person = _locked(person)
    reason = require_reason(reason)
    if person.erased_at is not None:
        raise StewardActRefused(_("This person has left for good: there is nobody to let in."))
    if person.is_active:
        raise StewardActRefused(_("This account is open."))
    User.objects.filter(pk=person.pk).update(is_active=True)
    return write_down(act=StewardAct.Act.REOPENED, person=person, reason=reason, by=by, at=at)


@transaction.atomic
def end_sessions(*, person: User, reason: str, by: User, at: datetime) -> StewardAct:
    """Sign somebody out everywhere: a lost computer, a password that others know."""
    person = _locked(person)
    reason = require_reason(reason)
    if not end_all_sessions(user=person):
        raise StewardActRefused(_("%(person)s is signed in nowhere.") % {"person": person})
    return write_down(act=StewardAct.Act.SESSIONS_ENDED, person=person, reason=reason, by=by, at=at)


@transaction.atomic
def try_mail_again(*, by: User, at: datetime) -> int:
    """Let all mail that was given up be tried anew. What perhaps went out is left alone."""
    again: dict[str, Any] = {"mail": Notice.Mail.WAITING, "mail_due_at": at, "mail_attempts": 0}
    count = Notice.objects.filter(mail=Notice.Mail.FAILED, user__is_active=True).update(**again)
    count += Invitation.objects.open(at).filter(mail=Invitation.Mail.FAILED).update(**again)
    # The rest is to who is gone, or invites nobody any more: there is nothing to look after.
    for model in (Notice, Invitation):
        model._default_manager.filter(mail=Notice.Mail.FAILED).update(mail=Notice.Mail.NONE)
    if count:
        write_down(act=StewardAct.Act.MAIL_AGAIN, reason=str(count), by=by, at=at)
    return count


def write_down(
    *,
    act: str,
    reason: str,
    by: User,
    at: datetime,
    person: User | None = None,
    project: Project | None = None,
    organisation: Organisation | None = None,
) -> StewardAct:
    """`reason` holds what was changed where nobody is asked why."""
    return StewardAct.objects.create(
        steward=by, act=act, person=person, project=project, organisation=organisation, reason=reason, at=at
    )


def require_other(*, project: Project, by: User) -> None:
    """Nobody judges a project of their own: another steward does."""
    if project.memberships.filter(user=by).exists():
        raise StewardActRefused(
            _("You belong to %(project)s: another steward does this.") % {"project": project}
        )


def require_outside(*, organisation: Organisation, by: User) -> None:
    """Nor an organisation of their own. To be asked under the lock that whoever joins it takes."""
    if organisation.memberships.filter(user=by).exists():
        raise StewardActRefused(
            _("You belong to %(organisation)s: another steward does this.") % {"organisation": organisation}
        )


def _locked(person: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _locked_before(person: User, by: User) -> User:
    """With the steward who acts: of two who close each other's accounts at once, one stays."""
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=[person.pk, by.pk]).order_by("pk")
    found = {one.pk: one for one in rows}
    if not found[by.pk].is_active:
        raise StewardActRefused(_("Your own account was closed meanwhile."))
    return found[person.pk]


def require_reason(reason: str) -> str:
    """Why, without spaces around it."""
    reason = reason.strip()
    if not reason:
        raise StewardActRefused(_("Write why: it is kept with what you do."), field="reason")
    if len(reason) > LONGEST:
        raise StewardActRefused(
            _("The reason has %(length)d characters; %(limit)d is the most.")
            % {"length": len(reason), "limit": LONGEST},
            field="reason", limit=LONGEST,
        )  # fmt: skip
    return reason
