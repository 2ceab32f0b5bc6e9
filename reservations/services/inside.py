"""What leads of an organisation do inside its accounts of the share tree: open projects, part the shares."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import InvitationRefused
from accounts.models import Invitation, Organisation, OrganisationMembership, Project, User
from accounts.services import classes, invitations
from common import formats
from common.access import NotAllowed
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.services import projects, shares, standing

LEAD = OrganisationMembership.Role.LEAD


@transaction.atomic
def open_inside(
    *,
    organisation: Organisation,
    account: Vertex,
    name: str,
    summary: str,
    shares_among_siblings: int,
    project_class: str,
    class_expires_at: datetime | None,
    reason: str,
    lead_email: str,
    by: User,
    at: datetime,
) -> Project:
    """A project below the account. Whoever has the address is invited to lead it, unless it is `by`'s own."""
    # Whose leading ends has this lock, too: what is sent a moment before is passed on with the rest.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    _require_lead(organisation, by)
    _require_inside(organisation, account)
    if account.project_id is not None:
        raise ShareRefused(_("A project stands below an account."), field="account")
    own = EmailAddress.objects.filter(user=by, verified=True, email__iexact=lead_email.strip()).exists()
    project = projects.open_project(
        name=name.strip(), summary=summary.strip(), account=account,
        shares_among_siblings=shares_among_siblings, lead=by if own else None, organisation=organisation,
    )  # fmt: skip
    if project_class != Project.Class.INDEPENDENT:
        project = classes.give_class(
            project=project, project_class=project_class, by=by, reason=reason,
            expires_at=class_expires_at, at=at, on_behalf_of=organisation,
        )  # fmt: skip
    if not own:
        invitations.issue(to=project, email=lead_email, role=LEAD, by=by, at=at)
    return project


@transaction.atomic
def invite_lead(
    *, organisation: Organisation, project: Project, email: str, by: User, at: datetime
) -> Invitation | None:
    """Find somebody else where nobody leads it: the first has declined, not answered, or left.

    As when it was opened, `by` leads it at once by giving an address of their own: then None.
    """
    project = _locked_own(organisation, project, by)
    _require_nobody_leads(project)
    if project.expires_at is not None and project.expires_at <= at:
        raise InvitationRefused(
            _("%(project)s ended on %(day)s. Set a later end first.")
            % {"project": project, "day": formats.long_day(project.expires_at)}
        )
    sent = project.invitations.filter(role=LEAD)
    if open_one := sent.open(at).first():
        raise InvitationRefused(
            _(
                "%(email)s is invited to lead %(project)s until %(day)s."
                " Send that invitation again, or withdraw it first."
            )
            % {
                "email": open_one.email,
                "project": project,
                "day": formats.long_day(open_one.expires_at),
            },
            field="email",
        )
    if EmailAddress.objects.filter(user=by, verified=True, email__iexact=email.strip()).exists():
        sent.close(Invitation.Ending.WITHDRAWN, at)
        project.memberships.create(user=by, role=LEAD)
        return None
    sent.exclude(email__iexact=email.strip()).close(Invitation.Ending.WITHDRAWN, at)
    invitation, _secret = invitations.issue(to=project, email=email, role=LEAD, by=by, at=at)
    return invitation


@transaction.atomic
def invite_lead_again(*, organisation: Organisation, project: Project, by: User, at: datetime) -> Invitation:
    """Mail the invitation to lead it once more, whichever lead of the organisation sent it."""
    project = _locked_own(organisation, project, by)
    invitation, _secret = invitations.issue_again(invitation=_unanswered(project), by=by, at=at)
    return invitation


@transaction.atomic
def withdraw_lead(*, organisation: Organisation, project: Project, by: User, at: datetime) -> None:
    """Take the invitation to lead it back: the address was wrong, or somebody else is to lead it."""
    project = _locked_own(organisation, project, by)
    invitations.take_back(invitation=_unanswered(project), at=at)


@transaction.atomic
def change_shares(*, organisation: Organisation, vertex: Vertex, count: int | None, by: User) -> None:
    """How the organisation's own part is split below its accounts. The part itself is a steward's to give."""
    _require_lead(organisation, by)
    _require_inside(organisation, vertex)
    if vertex.organisation_id == organisation.pk:
        raise ShareRefused(_("What this account has among others is set by stewards."), field="shares")
    shares.set_shares(vertex=vertex, shares=count)


def _locked_own(organisation: Organisation, project: Project, by: User) -> Project:
    """The project, locked, for a lead of the organisation that opened it."""
    project = standing.lock(project)
    # Whose leading ends has this lock, too: what is sent a moment before is passed on with the rest.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    _require_lead(organisation, by)
    _require_inside(organisation, Vertex.objects.get(project=project))
    if project.organisation_id != organisation.pk:
        raise NotAllowed(
            _("%(name)s did not open %(project)s: who opened it finds its lead.")
            % {"name": organisation, "project": project}
        )
    return project


def _require_nobody_leads(project: Project) -> None:
    lead = project.memberships.filter(role=LEAD).select_related("user").order_by("pk").first()
    if lead is not None:
        raise InvitationRefused(
            _("%(person)s leads %(project)s, and invites whom it takes.")
            % {"person": lead.user, "project": project}
        )


def _unanswered(project: Project) -> Invitation:
    """Of an open project with a lead, invitations are that lead's own business."""
    _require_nobody_leads(project)
    found = project.invitations.unanswered().filter(role=LEAD).order_by("pk").first()
    if found is None:
        raise InvitationRefused(
            _("Nobody is invited to lead %(project)s. Invite somebody.") % {"project": project}
        )
    return found


def _require_lead(organisation: Organisation, by: User) -> None:
    if not OrganisationMembership.objects.filter(organisation=organisation, user=by, role=LEAD).exists():
        raise NotAllowed(_("Only leads of %(name)s may do this.") % {"name": organisation})
    if organisation.verified_at is None:
        raise NotAllowed(
            _("%(name)s is not verified yet: a steward looks at it first.") % {"name": organisation}
        )


def _require_inside(organisation: Organisation, vertex: Vertex) -> None:
    """The account is the organisation's own, or lies below one of its own."""
    if not Vertex.objects.filter(pk__in=vertex.path, organisation=organisation).exists():
        raise NotAllowed(_("This is no account of %(name)s.") % {"name": organisation})
