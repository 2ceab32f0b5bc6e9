"""Inviting somebody by mail, and answering an invitation. Its secret is in the mail alone."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import INVITEE, ORGANISATION_LEAD, PROJECT_LEAD, agreed
from accounts.api.members import ROLES
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Invitation, Organisation, Project
from accounts.services import invitations
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment

Group = Project | Organisation


class InvitationMembers(Members):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(ROLES, default="member")

    example: ClassVar = {"email": "grace@example.org", "role": "member"}


class InvitationShape(Shape):
    uid = serializers.UUIDField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(ROLES)
    state = serializers.ChoiceField(["open", "accepted", "closed", "expired"])
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    example: ClassVar = {
        "uid": "019306c0-1d2e-7f3a-8b4c-5d6e7f8a9b0c",
        "email": "grace@example.org",
        "role": "member",
        "state": "open",
        "created_at": "2026-11-22T18:30:00Z",
        "expires_at": "2026-12-06T18:30:00Z",
    }


class ReceivedInvitationShape(InvitationShape):
    project = serializers.SlugField(allow_null=True)
    organisation = serializers.SlugField(allow_null=True)
    name = serializers.CharField(help_text="Of the project or the organisation.")

    example: ClassVar = {
        **InvitationShape.example,
        "project": "protein-shapes",
        "organisation": None,
        "name": "Protein shapes",
    }


def _shown(invitation: Invitation) -> dict[str, Any]:
    return {
        "uid": str(invitation.uid),
        "email": invitation.email,
        "role": invitation.role,
        "state": _state(invitation),
        "created_at": moment(invitation.created_at),
        "expires_at": moment(invitation.expires_at),
    }


def _state(invitation: Invitation) -> str:
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.revoked_at is not None:
        return "closed"
    return "expired" if invitation.expires_at <= clock.now() else "open"


class _List(PersonalApiView):
    def _get(self, request: Request, group: Group) -> Response:
        page = page_of_rows(request, self.query, group.invitations.open(clock.now()), _shown)
        return Response(page.data, headers=page.headers)

    def _post(self, group: Group) -> Response:
        asked = self.body
        invitation, _secret = invitations.invite(
            to=group, email=asked["email"], role=asked["role"], by=self.person, at=clock.now()
        )
        return Response(_shown(invitation), status=201)


class ProjectInvitationsApi(_List):
    """Invitations to a project that are not answered yet."""

    access: ClassVar = {"GET": PROJECT_LEAD, "POST": agreed(PROJECT_LEAD)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.PROJECTS)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": InvitationMembers}
    answers: ClassVar = {"GET": [InvitationShape], "POST": InvitationShape}

    def get(self, request: Request, project: Project) -> Response:
        return self._get(request, project)

    def post(self, request: Request, project: Project) -> Response:
        """Send an invitation. The answer is the same whether the address has an account or not."""
        return self._post(project)


class OrganisationInvitationsApi(_List):
    """Invitations to an organisation that are not answered yet."""

    access: ClassVar = {"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.ORGANISATIONS)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": InvitationMembers}
    answers: ClassVar = {"GET": [InvitationShape], "POST": InvitationShape}

    def get(self, request: Request, organisation: Organisation) -> Response:
        return self._get(request, organisation)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Send an invitation. The answer is the same whether the address has an account or not."""
        return self._post(organisation)


class ProjectInvitationApi(PersonalApiView):
    """An invitation to a project."""

    access: ClassVar = {"DELETE": PROJECT_LEAD}
    scopes: ClassVar = {"DELETE": scopes.PROJECTS}
    answers: ClassVar = {"DELETE": None}

    def delete(self, request: Request, project: Project, uid: UUID) -> Response:
        """Withdraw it: the link in the mail no longer works."""
        found = get_object_or_404(Invitation, project=project, uid=uid)
        invitations.revoke(invitation=found, by=self.person, at=clock.now())
        return Response(status=204)


class OrganisationInvitationApi(PersonalApiView):
    """An invitation to an organisation."""

    access: ClassVar = {"DELETE": ORGANISATION_LEAD}
    scopes: ClassVar = {"DELETE": scopes.ORGANISATIONS}
    answers: ClassVar = {"DELETE": None}

    def delete(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        """Withdraw it: the link in the mail no longer works."""
        found = get_object_or_404(Invitation, organisation=organisation, uid=uid)
        invitations.revoke(invitation=found, by=self.person, at=clock.now())
        return Response(status=204)


class _Again(PersonalApiView):
    def _again(self, found: Invitation) -> Response:
        invitation, _secret = invitations.resend(invitation=found, by=self.person, at=clock.now())
        return Response(_shown(invitation))


class ProjectResendApi(_Again):
    """Mail an invitation to a project again: a new link, 14 more days, and a new `uid`."""

    access: ClassVar = {"POST": PROJECT_LEAD}
    scopes: ClassVar = {"POST": scopes.PROJECTS}
    answers: ClassVar = {"POST": InvitationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, project: Project, uid: UUID) -> Response:
        return self._again(get_object_or_404(Invitation, project=project, uid=uid))


class OrganisationResendApi(_Again):
    """Mail an invitation to an organisation again: a new link, 14 more days, and a new `uid`."""

    access: ClassVar = {"POST": ORGANISATION_LEAD}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    answers: ClassVar = {"POST": InvitationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        return self._again(get_object_or_404(Invitation, organisation=organisation, uid=uid))


class ReceivedInvitationApi(PersonalApiView):
    """An invitation to you, by the secret in the link of its mail."""

    access: ClassVar = {"GET": INVITEE, "POST": INVITEE}
    scopes: ClassVar = {"GET": scopes.PROJECTS, "POST": scopes.PROJECTS}
    bodies: ClassVar = {}
    answers: ClassVar = {"GET": ReceivedInvitationShape, "POST": ReceivedInvitationShape}
    makes: ClassVar = {"POST": False}
    cache_control = "no-store"

    def get(self, request: Request, invitation: Invitation | None, secret: str) -> Response:
        return Response(_received(invitation))

    def post(self, request: Request, invitation: Invitation | None, secret: str) -> Response:
        """Accept it."""
        _received(invitation)
        return Response(_received(invitations.accept(secret=secret, user=self.person, at=clock.now())))


class DeclinedInvitationApi(PersonalApiView):
    """Decline an invitation to you."""

    access: ClassVar = {"POST": INVITEE}
    scopes: ClassVar = {"POST": scopes.PROJECTS}
    answers: ClassVar = {"POST": ReceivedInvitationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, invitation: Invitation | None, secret: str) -> Response:
        _received(invitation)
        return Response(_received(invitations.decline(secret=secret, user=self.person, at=clock.now())))


def _received(invitation: Invitation | None) -> dict[str, Any]:
    """A link that is none of the caller's is the same as one that never was."""
    if invitation is None:
        raise Http404
    project, organisation = invitation.project, invitation.organisation
    group: Any = project or organisation
    return _shown(invitation) | {
        "project": project.slug if project else None,
        "organisation": organisation.slug if organisation else None,
        "name": group.name,
    }
