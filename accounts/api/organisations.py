"""Organisations: who there is, registering one, and what its leads are told."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_PAGE, SIGNED_IN, STEWARD_ACTS, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.forms.organisations import countries
from accounts.models import Organisation, User
from accounts.services import organisations
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.ids import global_id
from common.lines import require_one_line


class OrganisationQuery(ListQuery):
    kind = serializers.ChoiceField(Organisation.Kind.values, required=False)
    country = serializers.RegexField("^[A-Z]{2}$", required=False)
    mine = serializers.BooleanField(default=False, help_text="Only those that you belong to.")


class EvidenceMembers(Members):
    website = serializers.URLField(max_length=200, help_text="It should name the organisation.")
    register = serializers.CharField(
        max_length=200, validators=[require_one_line],
        help_text="Where a steward finds it: companies, associations, research organisations (ROR)…",
    )  # fmt: skip
    number = serializers.CharField(
        max_length=100, validators=[require_one_line], help_text="Its number there."
    )

    example: ClassVar = {"website": "https://lab.example", "register": "ROR", "number": "04xfq0f34"}


class OrganisationMembers(EvidenceMembers):
    name = serializers.CharField(max_length=150, validators=[require_one_line])
    kind = serializers.ChoiceField(Organisation.Kind.values)
    country = serializers.CharField(max_length=2, help_text="ISO 3166-1, such as FR.")
    is_public_body = serializers.BooleanField(default=False)

    example: ClassVar = {
        **EvidenceMembers.example,
        "name": "Lab Lyon",
        "kind": "lab",
        "country": "FR",
        "is_public_body": True,
    }

    def validate_country(self, code: str) -> str:
        if code not in dict(countries()):
            raise serializers.ValidationError("ISO 3166-1 alpha-2.", code="unknown_country")
        return code


class OrganisationShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    slug = serializers.SlugField()
    name = serializers.CharField()
    url = serializers.CharField()
    kind = serializers.ChoiceField(Organisation.Kind.values)
    country = serializers.CharField()
    is_public_body = serializers.BooleanField()
    website = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(
        ["waiting", "verified", "declined"], help_text="Until it is verified its kind gives no right."
    )
    registered_at = serializers.DateTimeField()
    verified_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "id": "https://equinode.example/01930500-7c1a-7b2d-8c3e-4d5e6f7a8b9c",
        "uid": "01930500-7c1a-7b2d-8c3e-4d5e6f7a8b9c",
        "slug": "lab-lyon",
        "name": "Lab Lyon",
        "url": "/organisations/lab-lyon/",
        "kind": "lab",
        "country": "FR",
        "is_public_body": True,
        "website": "https://lab.example",
        "state": "verified",
        "registered_at": "2026-09-01T09:00:00Z",
        "verified_at": "2026-09-02T10:00:00Z",
    }


class OrganisationsApi(PersonalApiView):
    """Verified organisations and your own, by name."""

    access: ClassVar = {"GET": ANYONE, "POST": agreed(SIGNED_IN)}
    scopes: ClassVar = {"GET": "", "POST": scopes.ORGANISATIONS}
    queries: ClassVar = {"GET": OrganisationQuery}
    bodies: ClassVar = {"POST": OrganisationMembers}
    answers: ClassVar = {"GET": [OrganisationShape], "POST": OrganisationShape}

    def get(self, request: Request) -> Response:
        rows = _seen_by(request.user, self.token.scopes if self.token else scopes.ALL)
        if self.query["mine"]:
            rows = rows.filter(pk__in=Organisation.objects.of(request.user).values("pk"))
        rows = rows.filter(**{name: self.query[name] for name in ("kind", "country") if name in self.query})
        page = page_of_rows(request, self.query, rows, shown, ("name", "pk"))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Register one. A steward looks at it before its kind gives any right."""
        asked = dict(self.body)
        evidence = _evidence(asked)
        made = organisations.register(**asked, evidence=evidence, by=self.person, at=clock.now())
        return Response(shown(made), status=201, headers={"Location": f"/api/v1/organisations/{made.slug}"})


class OrganisationApi(PersonalApiView):
    """One organisation."""

    access: ClassVar = {"GET": ORGANISATION_PAGE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": OrganisationShape}

    def get(self, request: Request, organisation: Organisation) -> Response:
        return Response(shown(organisation))


class AskAgainApi(PersonalApiView):
    """Other evidence, after a steward said no."""

    access: ClassVar = {"POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    bodies: ClassVar = {"POST": EvidenceMembers}
    answers: ClassVar = {"POST": OrganisationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, organisation: Organisation) -> Response:
        asked = dict(self.body)
        organisations.ask_again(
            organisation=organisation, evidence=_evidence(asked), by=self.person, at=clock.now(), **asked
        )
        organisation.refresh_from_db()
        return Response(shown(organisation))


class AnswerMembers(Members):
    reason = serializers.CharField(
        max_length=500, default="", allow_blank=True, validators=[require_one_line],
        help_text="Its leads read it; to decline, it is needed.",
    )  # fmt: skip

    example: ClassVar = {"reason": "Seen in ROR."}


class VerifyApi(PersonalApiView):
    """Verify an organisation: from now on its kind counts."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": AnswerMembers}
    answers: ClassVar = {"POST": OrganisationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        return _answered(self, slug, organisations.verify)


class DeclineApi(PersonalApiView):
    """Decline an organisation, and say why. Its leads may ask again with other evidence."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": AnswerMembers}
    answers: ClassVar = {"POST": OrganisationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        return _answered(self, slug, organisations.decline)


def _answered(view: PersonalApiView, slug: str, answer: Any) -> Response:
    organisation = get_object_or_404(Organisation, slug=slug)
    answer(organisation=organisation, by=view.person, at=clock.now(), reason=view.body["reason"])
    organisation.refresh_from_db()
    return Response(shown(organisation))


def _seen_by(user: User | AnonymousUser, held: Any) -> QuerySet[Organisation]:
    """What is not verified is its members' and the stewards' business; a token needs the scope for that."""
    if not user.is_authenticated or scopes.ORGANISATIONS not in held:
        return Organisation.objects.verified()
    if user.is_steward:
        return Organisation.objects.all()
    own = Organisation.objects.of(user).values("pk")
    return Organisation.objects.filter(Q(verified_at__isnull=False) | Q(pk__in=own))


def _evidence(asked: dict[str, Any]) -> str:
    """As the page's form writes it."""
    return f"{asked.pop('register')}, {asked.pop('number')}"


def shown(organisation: Organisation) -> dict[str, Any]:
    declined = "declined" if organisation.declined_at else "waiting"
    return {
        "id": global_id(organisation.uid),
        "uid": str(organisation.uid),
        "slug": organisation.slug,
        "name": organisation.name,
        "url": organisation.get_absolute_url(),
        "kind": organisation.kind,
        "country": organisation.country,
        "is_public_body": organisation.is_public_body,
        "website": organisation.website,
        "state": "verified" if organisation.verified_at else declined,
        "registered_at": moment(organisation.registered_at),
        "verified_at": moment(organisation.verified_at),
    }
