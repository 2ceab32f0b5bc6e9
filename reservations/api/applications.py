"""Applying for a project, a class or a larger share; and the stewards' answers."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN, STEWARD, STEWARD_ACTS, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation, Project
from common import clock
from common.access import NotAllowed
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape, moment
from common.ids import global_id
from common.lines import require_one_line
from reservations.access import APPLICANT
from reservations.models import Application, Vertex
from reservations.services import applications as service
from reservations.services.applications import Granting, Wish

_CLASSES = Project.Class.values


class ApplicationMembers(Members):
    project = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="One that you lead; null: a new one."
    )
    name = serializers.CharField(
        max_length=150, default="", allow_blank=True, validators=[require_one_line],
        help_text="Of a new project.",
    )  # fmt: skip
    summary = serializers.CharField(
        max_length=300, default="", allow_blank=True, validators=[require_one_line]
    )
    organisation = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="Yours that it belongs to."
    )
    wanted_class = serializers.ChoiceField(_CLASSES)
    wanted_shares = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True, default=None
    )
    purpose = serializers.CharField(max_length=4000)
    evidence = serializers.CharField(
        max_length=4000, default="", allow_blank=True, help_text="What shows that it is of that class."
    )
    file = serializers.CharField(
        default="", allow_blank=True, trim_whitespace=True,
        help_text="PDF, PNG, JPEG, WebP or text (CSV too), in base64.",
    )  # fmt: skip

    example: ClassVar = {
        "name": "Protein shapes",
        "wanted_class": "research",
        "purpose": "How membrane proteins fold.",
        "evidence": "ANR-26-CE11-0042, https://anr.example/26-CE11-0042",
    }

    def validate_file(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise serializers.ValidationError(_("This is not base64."), code="not_base64") from exc


class ApplicationQuery(ListQuery):
    state = serializers.ChoiceField(Application.State.values, required=False)


class ApplicationShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    url = serializers.CharField()
    project = serializers.SlugField(allow_null=True)
    name = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    organisation = serializers.SlugField(allow_null=True)
    wanted_class = serializers.ChoiceField(_CLASSES)
    wanted_shares = serializers.IntegerField(allow_null=True)
    purpose = serializers.CharField()
    evidence = serializers.CharField(allow_blank=True)
    evidence_digest = serializers.CharField(allow_blank=True, help_text="SHA-256 of the file.")
    state = serializers.ChoiceField(Application.State.values)
    submitted_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    reply = serializers.CharField(allow_blank=True)
    granted_class = serializers.CharField(allow_blank=True)
    class_expires_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "id": "https://equinode.example/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/applications/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "project": None,
        "name": "Protein shapes",
        "summary": "",
        "organisation": None,
        "wanted_class": "research",
        "wanted_shares": None,
        "purpose": "How membrane proteins fold.",
        "evidence": "ANR-26-CE11-0042",
        "evidence_digest": "",
        "state": "submitted",
        "submitted_at": "2026-11-22T18:45:00Z",
        "decided_at": None,
        "reply": "",
        "granted_class": "",
        "class_expires_at": None,
    }


class ReplyMembers(Members):
    reply = serializers.CharField(max_length=2000, help_text="The applicant reads it.")

    example: ClassVar = {"reply": "The call that you name has no such number."}


class GrantingMembers(ReplyMembers):
    granted_class = serializers.ChoiceField(_CLASSES)
    account = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="The account below which it stands: its id."
    )
    shares = serializers.IntegerField(min_value=1, max_value=1_000_000)
    class_expires_at = MomentField(required=False, allow_null=True, default=None)
    uses_public_money = serializers.BooleanField(default=False)

    example: ClassVar = {
        "reply": "Welcome.",
        "granted_class": "research",
        "account": 4,
        "shares": 3,
        "class_expires_at": "2027-11-01T00:00:00Z",
        "uses_public_money": True,
    }


class ApplicationsApi(PersonalApiView):
    """Your applications, newest first."""

    access: ClassVar = {"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.PROJECTS)
    queries: ClassVar = {"GET": ApplicationQuery}
    bodies: ClassVar = {"POST": ApplicationMembers}
    answers: ClassVar = {"GET": [ApplicationShape], "POST": ApplicationShape}
    refusals: ClassVar = {"POST": {"not_found": 404}}

    def get(self, request: Request) -> Response:
        mine = Application.objects.of(self.person).filter(self.person.within("project"))
        return _page(self, request, mine)

    def post(self, request: Request) -> Response:
        """Apply. A steward answers; you are told."""
        asked = dict(self.body)
        project = organisation = None
        if (slug := asked.pop("project")) is not None:
            led = Project.objects.of(self.person).filter(memberships__role="lead")
            project = get_object_or_404(led, slug=slug)
        elif self.person.only_project_id is not None:
            raise NotAllowed(_("This token is for one project: it can apply for that project alone."))
        if (slug := asked.pop("organisation")) is not None:
            organisation = get_object_or_404(Organisation.objects.of(self.person), slug=slug)
        wish = Wish(**asked | {"file": asked["file"] or b"", "organisation": organisation})
        made = service.apply(applicant=self.person, wish=wish, project=project, at=clock.now())
        headers = {"Location": f"/api/v1/applications/{made.uid}"}
        return Response(_shown(made), status=201, headers=headers)


class ApplicationApi(PersonalApiView):
    """One of your applications."""

    access: ClassVar = {"GET": APPLICANT, "DELETE": APPLICANT}
    scopes: ClassVar = dict.fromkeys(("GET", "DELETE"), scopes.PROJECTS)
    answers: ClassVar = {"GET": ApplicationShape, "DELETE": ApplicationShape}

    def get(self, request: Request, application: Application) -> Response:
        return Response(_shown(application))

    def delete(self, request: Request, application: Application) -> Response:
        """Withdraw it before it is answered."""
        return Response(_shown(service.withdraw(application=application, by=self.person, at=clock.now())))


class ApplicationQueueApi(PersonalApiView):
    """Everybody's applications, newest first: for stewards."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    queries: ClassVar = {"GET": ApplicationQuery}
    answers: ClassVar = {"GET": [ApplicationShape]}

    def get(self, request: Request) -> Response:
        return _page(self, request, Application.objects.all())


class ApplicationGrantApi(PersonalApiView):
    """Grant an application, which need not be what was asked for."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": GrantingMembers}
    answers: ClassVar = {"POST": ApplicationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, uid: str) -> Response:
        asked = self.body
        account = get_object_or_404(
            Vertex.objects.filter(project=None, parent__isnull=False), pk=asked["account"]
        )
        granting = Granting(
            project_class=asked["granted_class"], account=account, shares=asked["shares"],
            class_expires_at=asked["class_expires_at"], uses_public_money=asked["uses_public_money"],
        )  # fmt: skip
        found = get_object_or_404(Application, uid=uid)
        return Response(_shown(_decided(self, found, granting, asked["reply"])))


class ApplicationDeclineApi(PersonalApiView):
    """Decline an application, and say why."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": ReplyMembers}
    answers: ClassVar = {"POST": ApplicationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, uid: str) -> Response:
        found = get_object_or_404(Application, uid=uid)
        return Response(_shown(_decided(self, found, None, self.body["reply"])))


def _decided(
    view: PersonalApiView, application: Application, granting: Granting | None, reply: str
) -> Application:
    return service.decide(
        application=application, granting=granting, reply=reply, by=view.person, at=clock.now()
    )


def _page(view: PersonalApiView, request: Request, rows: Any) -> Response:
    rows = rows.select_related("project", "organisation")
    if "state" in view.query:
        rows = rows.filter(state=view.query["state"])
    page = page_of_rows(request, view.query, rows, _shown)
    return Response(page.data, headers=page.headers)


def _shown(application: Application) -> dict[str, Any]:
    plain = (
        "name", "summary", "wanted_class", "wanted_shares", "purpose", "evidence", "evidence_digest",
        "state", "reply", "granted_class",
    )  # fmt: skip
    return {
        "id": global_id(application.uid),
        "uid": str(application.uid),
        "url": application.get_absolute_url(),
        "project": application.project.slug if application.project else None,
        "organisation": application.organisation.slug if application.organisation else None,
        **{name: getattr(application, name) for name in plain},
        "submitted_at": moment(application.submitted_at),
        "decided_at": moment(application.decided_at),
        "class_expires_at": moment(application.class_expires_at),
    }
