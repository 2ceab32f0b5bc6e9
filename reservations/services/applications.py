"""Applying for a project, a class or a larger share; withdrawing; and a steward's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _, ngettext

from accounts.models import Organisation, Project, User
from accounts.services import classes, members, notices
from common import formats
from common.access import NotAllowed
from common.evidence import store
from common.evidence.faults import Unfit
from common.evidence.kinds import Checked, check
from common.evidence.wording import sentence
from reservations.errors import ApplicationRefused
from reservations.models import Application, Vertex
from reservations.selectors.applications import is_own
from reservations.services import projects

State = Application.State
MOST_WAITING = 5  # of one person


@dataclass(frozen=True)
class Wish:
    """What is asked for. Of an existing project the name is its own."""

    wanted_class: str
    purpose: str
    evidence: str = ""
    file: bytes = b""
    file_claims: str = ""  # the extension of the name that it came under
    name: str = ""
    summary: str = ""
    organisation: Organisation | None = None
    wanted_shares: int | None = None


@dataclass(frozen=True)
class Granting:
    """What a steward gives, which need not be what was asked for."""

    project_class: str
    account: Vertex
    shares: int
    class_expires_at: datetime | None
    uses_public_money: bool = False


@transaction.atomic
def apply(*, applicant: User, wish: Wish, project: Project | None, at: datetime) -> Application:
    """Ask for a new project, or for more for one that the applicant leads."""
    if project is not None:
        members.lock(project)  # of two leads who apply at once the second hears of the first
    User.objects.select_for_update(no_key=True).get(pk=applicant.pk)  # one at a time, so that all are counted
    if project is not None:
        _require_can_ask_for(project, applicant)
    elif not wish.name.strip():
        raise ApplicationRefused(_("Say what the project is called."), field="name")
    _require_few_waiting(applicant)
    file = _looked_through(wish)
    _require_sound(wish, project)
    application = Application(
        applicant=applicant, project=project, name=project.name if project else wish.name.strip(),
        slug=project.slug if project else slugify(wish.name)[:50], summary=wish.summary.strip(),
        organisation=project.organisation if project else wish.organisation,
        wanted_class=wish.wanted_class, wanted_shares=wish.wanted_shares, purpose=wish.purpose.strip(),
        evidence=wish.evidence.strip(), submitted_at=at,
    )  # fmt: skip
    if file is not None:
        kept = store.keep(file, folder="applications")
        application.evidence_digest, application.evidence_file.name = kept.sha256, kept.path
    application.save()
    notices.notify(
        users=notices.stewards(), kind="application_received",
        params={"project": application.name, "by": applicant},
        url=reverse("steward_application", args=[application.uid]),
        dedupe=f"application:{application.uid}", at=at,
    )  # fmt: skip
    return application


@transaction.atomic
def withdraw(*, application: Application, by: User, at: datetime) -> Application:
    """Take it back before it is answered."""
    application = _locked(application)
    if application.applicant_id != by.pk:
        raise NotAllowed(_("Only who applied can withdraw it."))
    application.state, application.decided_at = State.WITHDRAWN, at
    application.save(update_fields=["state", "decided_at"])
    return application


@transaction.atomic
def decide(
    *, application: Application, granting: Granting | None, reply: str, by: User, at: datetime
) -> Application:
    """Grant it as the steward says, or decline it (no granting); either way with a reply, and once."""
    if not by.is_steward:
        raise NotAllowed(_("Only stewards answer applications."))
    application = _locked(application)
    if application.applicant_id == by.pk:
        raise ApplicationRefused(_("Another steward answers your own application."))
    if is_own(application=application, steward=by):
        raise ApplicationRefused(
            _("You belong to %(project)s: another steward answers.") % {"project": application.name}
        )
    if not reply.strip():
        raise ApplicationRefused(_("Write a reply: the applicant reads it."), field="reply")
    application.state = State.DECLINED if granting is None else State.GRANTED
    application.reply, application.decided_by, application.decided_at = reply.strip(), by, at
    if granting is not None:
        _grant(application, granting, by, at)
    application.save()
    _tell_applicant(application, at)
    return application


def _grant(application: Application, granting: Granting, by: User, at: datetime) -> None:
    if granting.account.project_id is not None:
        raise ApplicationRefused(_("A project stands below an account."), field="account")
    if application.project is None:
        application.project = projects.open_project(
            name=application.name, summary=application.summary, account=granting.account,
            shares_among_siblings=granting.shares, lead=application.applicant,
            organisation=application.organisation, uses_public_money=granting.uses_public_money,
        )  # fmt: skip
        application.slug = application.project.slug
    else:
        projects.place(
            project=application.project, account=granting.account, shares_among_siblings=granting.shares
        )
    classes.give_class(
        project=application.project, project_class=granting.project_class, by=by, reason=application.reply,
        expires_at=granting.class_expires_at, at=at,
    )  # fmt: skip
    application.granted_class, application.granted_account = granting.project_class, granting.account
    application.granted_shares, application.class_expires_at = granting.shares, granting.class_expires_at


def _tell_applicant(application: Application, at: datetime) -> None:
    facts = {
        "project": application.name, "outcome": str(application.state), "reason": application.reply,
    }  # fmt: skip
    notices.notify(
        users=[application.applicant], kind="application_answered", params=facts,
        url=application.get_absolute_url(), dedupe=f"application:{application.uid}:answered", at=at,
    )  # fmt: skip


def _locked(application: Application) -> Application:
    """Still unanswered, and nobody else answers it meanwhile."""
    rows = Application.objects.select_related("applicant", "project", "organisation", "decided_by")
    application = rows.select_for_update(of=("self",)).get(pk=application.pk)
    if application.state == State.WITHDRAWN:
        raise ApplicationRefused(_("This application was withdrawn."))
    if application.state != State.SUBMITTED:
        raise ApplicationRefused(
            _("%(steward)s answered this application on %(moment)s: %(state)s.")
            % {
                "steward": application.decided_by,
                "moment": formats.moment(application.decided_at),
                "state": application.get_state_display(),
            }
        )
    return application


def _require_can_ask_for(project: Project, applicant: User) -> None:
    members.require_lead(of=project, by=applicant)
    if project.personal_to_id is not None:
        raise ApplicationRefused(_("A personal project stays independent: apply for a new one."))
    if Application.objects.waiting().filter(project=project).exists():
        raise ApplicationRefused(_("An application for this project waits for its answer already."))


def _require_few_waiting(applicant: User) -> None:
    if Application.objects.waiting().filter(applicant=applicant).count() >= MOST_WAITING:
        raise ApplicationRefused(
            ngettext(
                "%(limit)d application of yours waits for an answer, the most there may be.",
                "%(limit)d applications of yours wait for an answer, the most there may be.",
                MOST_WAITING,
            )
            % {"limit": MOST_WAITING},
            limit=MOST_WAITING,
        )


def _require_sound(wish: Wish, project: Project | None) -> None:
    if not wish.purpose.strip():
        raise ApplicationRefused(_("Say what it is for."), field="purpose")
    if wish.wanted_class == Project.Class.INDEPENDENT:
        if project is None or wish.wanted_shares is None:
            raise ApplicationRefused(_("Say which class it is."), field="wanted_class")
    elif not wish.evidence.strip() and not wish.file:
        raise ApplicationRefused(
            _("A class is given on evidence: say what shows it, or add a file."), field="evidence"
        )


def _looked_through(wish: Wish) -> Checked | None:
    if not wish.file:
        return None
    try:
        return check(wish.file, claimed=wish.file_claims)
    except Unfit as fault:
        allowed = _("PDF, PNG, JPEG, WebP and text in UTF-8, CSV too")
        raise ApplicationRefused(sentence(fault, allowed=allowed), field="file") from fault
