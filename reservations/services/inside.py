"""What leads of an organisation do inside its accounts of the share tree: open projects, part the shares."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, Project, User
from accounts.services import classes, invitations
from common.access import NotAllowed
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.services import projects, shares

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
def change_shares(*, organisation: Organisation, vertex: Vertex, count: int | None, by: User) -> None:
    """How the organisation's own part is split below its accounts. The part itself is a steward's to give."""
    _require_lead(organisation, by)
    _require_inside(organisation, vertex)
    if vertex.organisation_id == organisation.pk:
        raise ShareRefused(_("What this account has among others is set by stewards."), field="shares")
    shares.set_shares(vertex=vertex, shares=count)


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
