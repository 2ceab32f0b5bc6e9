"""Who belongs to a project or an organisation: roles, caps, handing over, removing, leaving."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ORGANISATION_LEAD, ORGANISATION_MEMBER, PROJECT_LEAD, PROJECT_MEMBER
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation, Project
from accounts.services import members
from common import clock
from common.api.bodies import Members
from common.api.conditions import require_unchanged
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment

ROLES = ["lead", "member"]


class RoleMembers(Members):
    role = serializers.ChoiceField(ROLES)

    example: ClassVar = {"role": "lead"}


class RoleAndCapMembers(RoleMembers):
    monthly_cap = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, allow_null=True,
        help_text="Most device-hours of slots that begin in one month (UTC); null: no cap.",
    )  # fmt: skip

    example: ClassVar = {"role": "member", "monthly_cap": "40.00"}


class MemberShape(Shape):
    uid = serializers.UUIDField()
    name = serializers.CharField(help_text="Or the e-mail address of who gave no name.")
    role = serializers.ChoiceField(ROLES)
    joined_at = serializers.DateTimeField()

    example: ClassVar = {
        "uid": "01930600-5b2f-7a11-9c44-0d2b9f6a1e02",
        "name": "Ada Moreau",
        "role": "member",
        "joined_at": "2026-10-02T08:00:00Z",
    }


class ProjectMemberShape(MemberShape):
    monthly_cap = serializers.CharField(allow_null=True, help_text="Device-hours a month; null: no cap.")

    example: ClassVar = {**MemberShape.example, "monthly_cap": None}


def _group(admitted: dict[str, Any]) -> Any:
    """The project or the organisation that the rule has found."""
    return admitted.get("project") or admitted["organisation"]


def _membership(group: Project | Organisation, uid: UUID) -> Any:
    memberships: Any = group.memberships
    found = memberships.select_related("user").filter(user__uid=uid).first()
    if found is None:
        raise Http404
    return found


def shown(membership: Any) -> dict[str, Any]:
    told = {
        "uid": str(membership.user.uid),
        "name": str(membership.user),
        "role": membership.role,
        "joined_at": moment(membership.joined_at),
    }
    if hasattr(membership, "monthly_cap"):
        cap = membership.monthly_cap
        told["monthly_cap"] = None if cap is None else str(cap)
    return told


class _List:
    query: dict[str, Any]

    def get(self, request: Request, **admitted: Any) -> Response:
        rows = _group(admitted).memberships.select_related("user")
        page = page_of_rows(request, self.query, rows, shown, ("pk",))
        return Response(page.data, headers=page.headers)


class ProjectMembersApi(_List, PersonalApiView):
    """Who belongs to a project, in the order in which they joined."""

    access: ClassVar = {"GET": PROJECT_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [ProjectMemberShape]}


class OrganisationMembersApi(_List, PersonalApiView):
    """Who belongs to an organisation, in the order in which they joined."""

    access: ClassVar = {"GET": ORGANISATION_MEMBER}
    scopes: ClassVar = {"GET": scopes.ORGANISATIONS}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [MemberShape]}


class _One(PersonalApiView):
    def _get(self, group: Any, uid: UUID) -> Response:
        return Response(shown(_membership(group, uid)))

    @transaction.atomic
    def _patch(self, request: Request, group: Any, uid: UUID) -> Response:
        """Under the lock that every change of who belongs to it takes first."""
        members.lock(group)
        membership = _membership(group, uid)
        require_unchanged(request, shown(membership))
        asked, at = self.body, clock.now()
        if "monthly_cap" in asked:
            members.set_cap(
                project=group, member=membership.user, monthly_cap=asked["monthly_cap"], by=self.person
            )
        if "role" in asked:
            members.change_role(of=group, member=membership.user, role=asked["role"], by=self.person, at=at)
        return Response(shown(_membership(group, uid)))

    def _delete(self, group: Any, uid: UUID) -> Response:
        member = _membership(group, uid).user
        members.remove(of=group, member=member, by=self.person, at=clock.now())
        return Response(status=204)


class ProjectMemberApi(_One):
    """A member of a project."""

    access: ClassVar = {"GET": PROJECT_MEMBER, "PATCH": PROJECT_LEAD, "DELETE": PROJECT_LEAD}
    scopes: ClassVar = {"GET": scopes.READ, "PATCH": scopes.PROJECTS, "DELETE": scopes.PROJECTS}
    bodies: ClassVar = {"PATCH": RoleAndCapMembers}
    answers: ClassVar = {"GET": ProjectMemberShape, "PATCH": ProjectMemberShape, "DELETE": None}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request, project: Project, uid: UUID) -> Response:
        return self._get(project, uid)

    def patch(self, request: Request, project: Project, uid: UUID) -> Response:
        """Change the role or the cap."""
        return self._patch(request, project, uid)

    def delete(self, request: Request, project: Project, uid: UUID) -> Response:
        """End the membership. What they booked stays the project’s; their tokens for it end."""
        return self._delete(project, uid)


class OrganisationMemberApi(_One):
    """A member of an organisation."""

    access: ClassVar = {"GET": ORGANISATION_MEMBER, "PATCH": ORGANISATION_LEAD, "DELETE": ORGANISATION_LEAD}
    scopes: ClassVar = dict.fromkeys(("GET", "PATCH", "DELETE"), scopes.ORGANISATIONS)
    bodies: ClassVar = {"PATCH": RoleMembers}
    answers: ClassVar = {"GET": MemberShape, "PATCH": MemberShape, "DELETE": None}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        return self._get(organisation, uid)

    def patch(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        """Change the role."""
        return self._patch(request, organisation, uid)

    def delete(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        """End the membership."""
        return self._delete(organisation, uid)


class _HandOver(PersonalApiView):
    """Make a member lead and yourself a member, in one step."""

    bodies: ClassVar = {}
    makes: ClassVar = {"POST": False}

    def _post(self, group: Any, uid: UUID) -> Response:
        heir = _membership(group, uid).user
        members.hand_over(of=group, to=heir, by=self.person, at=clock.now())
        return Response(shown(_membership(group, uid)))


class ProjectHandOverApi(_HandOver):
    """Make a member lead of the project and yourself a member, in one step."""

    access: ClassVar = {"POST": PROJECT_LEAD}
    scopes: ClassVar = {"POST": scopes.PROJECTS}
    answers: ClassVar = {"POST": ProjectMemberShape}

    def post(self, request: Request, project: Project, uid: UUID) -> Response:
        return self._post(project, uid)


class OrganisationHandOverApi(_HandOver):
    """Make a member lead of the organisation and yourself a member, in one step."""

    access: ClassVar = {"POST": ORGANISATION_LEAD}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    answers: ClassVar = {"POST": MemberShape}

    def post(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        return self._post(organisation, uid)


class ProjectLeaveApi(PersonalApiView):
    """End your own membership of a project."""

    access: ClassVar = {"POST": PROJECT_MEMBER}
    scopes: ClassVar = {"POST": scopes.PROJECTS}
    answers: ClassVar = {"POST": None}

    def post(self, request: Request, project: Project) -> Response:
        members.leave(of=project, member=self.person, at=clock.now())
        return Response(status=204)


class OrganisationLeaveApi(PersonalApiView):
    """End your own membership of an organisation."""

    access: ClassVar = {"POST": ORGANISATION_MEMBER}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    answers: ClassVar = {"POST": None}

    def post(self, request: Request, organisation: Organisation) -> Response:
        members.leave(of=organisation, member=self.person, at=clock.now())
        return Response(status=204)
