"""What an invitation's page shows to the one it was sent to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Invitation, Organisation, Project, ProjectMembership
from accounts.wording import invitations as wording


@dataclass(frozen=True)
class InvitationPage:
    name: str
    summary: str
    is_project: bool
    leads: bool  # invited as a lead
    invited_by: str
    email: str
    sent_at: datetime
    expires_at: datetime
    state: str  # open, accepted, expired or ended
    ended: str  # how, as a sentence; empty where it has not ended so
    what_now: str
    url: str  # of the project or organisation, for who belongs to it


def invitation_page(*, invitation: Invitation, at: datetime) -> InvitationPage:
    """Without a query where project, organisation and inviter came with it."""
    group: Project | Organisation | None = invitation.project or invitation.organisation
    assert group is not None
    return InvitationPage(
        name=group.name,
        summary=invitation.project.summary if invitation.project else "",
        is_project=invitation.project is not None,
        leads=invitation.role == ProjectMembership.Role.LEAD,
        invited_by=str(invitation.invited_by),
        email=invitation.email,
        sent_at=invitation.created_at,
        expires_at=invitation.expires_at,
        state=_state(invitation, at),
        ended=wording.ended(invitation) if invitation.ending else "",
        what_now=wording.what_now(invitation) if invitation.ending else "",
        url=group.get_absolute_url(),
    )


def _state(invitation: Invitation, at: datetime) -> str:
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.revoked_at is not None:
        return "ended"
    return "open" if at < invitation.expires_at else "expired"
