"""Who leads a project below an organisation's account, or how far the search for somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Invitation, Organisation, Project, ProjectMembership
from accounts.selectors.members import again_at
from accounts.wording.invitations import ended_for_sender
from common import formats
from reservations.selectors.inside import ShareRow

LEAD = ProjectMembership.Role.LEAD


@dataclass(frozen=True)
class Leading:
    leads: tuple[str, ...]
    email: str  # whom the latest invitation to lead it went to; empty: to nobody
    state: str  # of that invitation: open, accepted, expired, or how it ended
    sent_at: datetime | None
    expires_at: datetime | None
    again_at: datetime | None  # a mail went out a moment ago: the next may go then
    ended: str  # what became of it, a sentence
    barred: str  # why nobody can be invited, whoever it were

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def leading(*, project: Project, row: ShareRow, organisation: Organisation, at: datetime) -> Leading:
    """`row` is what the organisation's tree says of the project. One query."""
    sent = Invitation.objects.filter(project=project, role=LEAD)
    latest = sent.order_by("-created_at", "-pk").first()
    return Leading(
        leads=row.leads,
        email=latest.email if latest else "",
        state=latest.state(at) if latest else "",
        sent_at=latest.created_at if latest else None,
        expires_at=latest.expires_at if latest else None,
        again_at=again_at(latest, at) if latest else None,
        ended=ended_for_sender(latest, at=at) if latest else "",
        barred=_barred(project, organisation, at),
    )


def _barred(project: Project, organisation: Organisation, at: datetime) -> str:
    if project.organisation_id != organisation.pk:
        return _("Your organisation did not open this project: who opened it finds its lead.")
    if project.expires_at is not None and project.expires_at <= at:
        day = formats.long_day(project.expires_at)
        return _("It ended on %(day)s. Set a later end, then invite somebody to lead it.") % {"day": day}
    return ""
