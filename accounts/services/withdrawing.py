"""An invitation stands only while who sent it may still invite.

Called in the transaction that takes the right away, so that nobody joins by the invitation of somebody
who was removed a moment before: accepting locks the same invitation, and finds it withdrawn.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from accounts.models import Invitation, Organisation, Project, ProjectMembership, User
from accounts.models.invitations import InvitationQuerySet
from accounts.services import notices

LEAD = ProjectMembership.Role.LEAD


def lead_ended(*, of: Project | Organisation, lead: User, at: datetime) -> None:
    """What somebody sent who led it until now: those who lead it still are told, and may invite again."""
    lock_person(lead)
    sent = Invitation.objects.filter(invited_by=lead)
    if isinstance(of, Organisation):
        _pass_on(sent, of, lead)
    sent = sent.filter(project=of) if isinstance(of, Project) else sent.filter(organisation=of)
    addresses = list(sent.open(at).order_by("pk").values_list("email", flat=True))
    sent.close(Invitation.Ending.SENDER_GONE, at)
    if addresses:
        notices.notify(
            users=_leads(of), kind="invitations_withdrawn",
            params={"group": of.name, "by": lead, "emails": ", ".join(addresses)},
            url=f"{of.get_absolute_url()}members/",
            dedupe=f"invitations-withdrawn:{of.uid}:{lead.pk}:{at:%Y%m%dT%H%M}", at=at,
        )  # fmt: skip


def lock_person(person: User) -> None:
    """Taken after the project's or organisation's lock, and before any row that is the person's own."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)


def person_closed(*, person: User, at: datetime) -> int:
    """Whatever they sent, wherever to: whose account is closed or deleted invites nobody.

    The caller has locked the person. What is an organisation's goes to another lead of it first.
    """
    sent = Invitation.objects.filter(invited_by=person)
    for organisation in Organisation.objects.filter(memberships__user=person, memberships__role=LEAD):
        _pass_on(sent, organisation, person)
    return sent.close(Invitation.Ending.SENDER_GONE, at)


def _pass_on(sent: InvitationQuerySet, organisation: Organisation, lead: User) -> None:
    """To lead a project that the organisation opened: that invitation is the organisation's.

    Without it nobody would ever lead the project, so another lead answers for it from now on.
    """
    theirs = ProjectMembership.objects.filter(project=OuterRef("project"), user=lead, role=LEAD)
    to_projects = sent.unanswered().filter(~Exists(theirs), project__organisation=organisation)
    heirs = [one for one in _leads(organisation) if one.is_active and one != lead]
    if heirs:
        to_projects.update(invited_by=heirs[0])


def _leads(of: Project | Organisation) -> list[User]:
    led = of.memberships.filter(role=LEAD).select_related("user").order_by("pk")
    return [one.user for one in led]
