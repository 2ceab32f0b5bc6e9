"""Who the caller is: name, language, what they belong to, and what their token may do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.access import SIGNED_IN
from accounts.domain import scopes
from accounts.domain.people import one_line
from accounts.endpoints import PersonalApiView
from accounts.forms import zones
from accounts.models import ApiToken, OrganisationMembership, ProjectMembership, User
from common.api.bodies import Members
from common.api.conditions import require_unchanged
from common.api.shapes import Shape, moment
from common.ids import global_id


class PersonMembers(Members):
    name = serializers.CharField(max_length=150, allow_blank=True)
    language = serializers.ChoiceField([code for code, _name in settings.LANGUAGES])
    time_zone = serializers.CharField(
        max_length=64, help_text="Of the IANA database, such as Europe/Paris, or UTC."
    )

    example: ClassVar = {"language": "fr"}

    def validate_name(self, name: str) -> str:
        return one_line(name)

    def validate_time_zone(self, zone: str) -> str:
        if zone not in dict(zones()):
            raise serializers.ValidationError(_("There is no such time zone."), code="unknown_zone")
        return zone


class MembershipShape(Shape):
    slug = serializers.SlugField()
    name = serializers.CharField()
    role = serializers.ChoiceField(["lead", "member"])


class OwnTokenShape(Shape):
    uid = serializers.UUIDField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(scopes.ALL))
    project = serializers.SlugField(allow_null=True)
    expires_at = serializers.DateTimeField()


class PersonShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField()
    language = serializers.CharField()
    time_zone = serializers.CharField()
    is_steward = serializers.BooleanField()
    projects = MembershipShape(many=True)
    organisations = MembershipShape(many=True)
    token = OwnTokenShape(allow_null=True, help_text="What this call was made with; null for a session.")

    example: ClassVar = {
        "id": "https://equinode.example/01930600-5b2f-7a11-9c44-0d2b9f6a1e02",
        "uid": "01930600-5b2f-7a11-9c44-0d2b9f6a1e02",
        "name": "Ada Moreau",
        "email": "ada@example.org",
        "language": "en",
        "time_zone": "Europe/Paris",
        "is_steward": False,
        "projects": [{"slug": "protein-shapes", "name": "Protein shapes", "role": "member"}],
        "organisations": [],
        "token": {
            "uid": "019306b0-9d10-7f7e-8e0b-4c1d2e3f4a5b", "name": "laptop",
            "scopes": ["read", "book", "run"],
            "project": None, "expires_at": "2027-11-22T00:00:00Z",
        },
    }  # fmt: skip


class MeApi(PersonalApiView):
    """You."""

    access: ClassVar = {"GET": SIGNED_IN, "PATCH": SIGNED_IN}
    scopes: ClassVar = {"GET": "", "PATCH": scopes.ME}
    bodies: ClassVar = {"PATCH": PersonMembers}
    answers: ClassVar = {"GET": PersonShape, "PATCH": PersonShape}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request) -> Response:
        return Response(_shown(self.person, self.token))

    @transaction.atomic
    def patch(self, request: Request) -> Response:
        """Change what is sent; the rest stays."""
        user = User.objects.select_for_update().get(pk=self.person.pk)
        user.only_project_id = self.person.only_project_id
        require_unchanged(request, _shown(user, self.token))
        wanted = {name: getattr(user, name) for name in ("name", "language", "time_zone")} | self.body
        return Response(_shown(services.change_person(user=user, **wanted), self.token))


def _shown(user: User, token: ApiToken | None) -> dict[str, Any]:
    projects = ProjectMembership.objects.filter(user.within("project"), user=user).select_related("project")
    organisations = OrganisationMembership.objects.filter(user=user).select_related("organisation")
    if user.only_project_id is not None:
        organisations = organisations.none()
    return {
        "id": global_id(user.uid),
        "uid": str(user.uid),
        "name": user.name,
        "email": user.email,
        "language": user.language,
        "time_zone": user.time_zone,
        "is_steward": user.is_steward,
        "projects": [_membership(one.project, one.role) for one in projects.order_by("project__slug")],
        "organisations": [
            _membership(one.organisation, one.role) for one in organisations.order_by("organisation__slug")
        ],
        "token": _token(token, projects) if token else None,
    }


def _membership(group: Any, role: str) -> dict[str, str]:
    return {"slug": group.slug, "name": group.name, "role": role}


def _token(token: ApiToken, projects: Any) -> dict[str, Any]:
    # A project's token sees that project alone.
    project = projects[0].project.slug if token.project_id is not None else None
    return {
        "uid": str(token.uid),
        "name": token.name,
        "scopes": list(token.scopes),
        "project": project,
        "expires_at": moment(token.expires_at),
    }
