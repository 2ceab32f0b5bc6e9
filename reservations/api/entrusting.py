"""An organisation's accounts of the share tree, for stewards: given, their shares changed, taken back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation
from common import clock
from common.api.bodies import Members
from common.api.conditions import require_unchanged
from common.api.lists import ListQuery, page_of_lines
from common.api.shapes import Shape
from common.lines import require_one_line
from reservations.models import Vertex
from reservations.selectors.entrusting import EntrustedRow, entrusted
from reservations.services import entrusting
from reservations.services.moving import LONGEST_REASON, MOST_SHARES

_NUMBER: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1, "required": False, "allow_null": True}


def _reason() -> serializers.CharField:
    return serializers.CharField(
        max_length=LONGEST_REASON, validators=[require_one_line],
        help_text="Kept; the organisation's leads read it.",
    )  # fmt: skip


class AccountGivingMembers(Members):
    account = serializers.IntegerField(
        **_NUMBER, default=None, help_text="One that no organisation has; else `name` and `below`."
    )
    name = serializers.CharField(
        max_length=entrusting.LONGEST_NAME, default="", allow_blank=True, validators=[require_one_line],
        help_text="Of a new one.",
    )  # fmt: skip
    below = serializers.IntegerField(
        **_NUMBER, default=None, help_text="The account that the new one stands below; null: the whole tree."
    )
    shares = serializers.IntegerField(
        min_value=0, max_value=MOST_SHARES, required=False, allow_null=True, default=None,
        help_text="Among its siblings. A new one needs them; null: those that it has.",
    )  # fmt: skip
    reason = _reason()

    example: ClassVar = {
        "name": "Lyon",
        "below": 4,
        "shares": 3,
        "reason": "The agreement of 2026 with the university.",
    }


class AccountSharesMembers(Members):
    shares = serializers.IntegerField(min_value=0, max_value=MOST_SHARES)
    reason = _reason()

    example: ClassVar = {"shares": 4, "reason": "The agreement was widened."}


class AccountTakingMembers(Members):
    reason = _reason()

    example: ClassVar = {"reason": "The agreement is over."}


class OrganisationAccountShape(Shape):
    account = serializers.IntegerField(help_text="Its number.")
    below = serializers.IntegerField(help_text="The account it stands in.")
    path = serializers.CharField()
    shares = serializers.IntegerField(allow_null=True, help_text="Null: it uses its account's.")
    of_account = serializers.FloatField(allow_null=True, help_text="Its part of the account it stands in.")
    of_all = serializers.FloatField(help_text="Its part of everything, as promised.")
    projects = serializers.IntegerField(help_text="That stand right below it.")

    example: ClassVar = {
        "account": 12,
        "below": 4,
        "path": "Universities / Lyon",
        "shares": 3,
        "of_account": 0.5,
        "of_all": 0.125,
        "projects": 2,
    }


class OrganisationAccountsApi(PersonalApiView):
    """The accounts that an organisation has in the share tree, oldest first."""

    access: ClassVar = {"GET": STEWARD, "POST": STEWARD_ACTS}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.STEWARD)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": AccountGivingMembers}
    answers: ClassVar = {"GET": [OrganisationAccountShape], "POST": OrganisationAccountShape}
    pointers: ClassVar = {"parent": "#/below"}

    def get(self, request: Request, slug: str) -> Response:
        rows = sorted(entrusted(organisation=_organisation(slug), at=clock.now()), key=lambda row: row.pk)
        page = page_of_lines(request, self.query, rows, _shown, lambda row: [row.pk])
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, slug: str) -> Response:
        """Give it an account: one that there is, or a new one. Its leads are told."""
        organisation, asked = _organisation(slug), self.body
        account = None if asked["account"] is None else get_object_or_404(Vertex, pk=asked["account"])
        parent = (
            Vertex.objects.filter(parent=None).first()
            if asked["below"] is None
            else get_object_or_404(Vertex, pk=asked["below"])
        )
        given = entrusting.give_account(
            organisation=organisation, account=account, parent=parent, name=asked["name"],
            count=asked["shares"], reason=asked["reason"], by=self.person, at=clock.now(),
        )  # fmt: skip
        location = f"/api/v1/organisations/{organisation.slug}/accounts/{given.pk}"
        return Response(_shown(_row(organisation, given.pk)), status=201, headers={"Location": location})


class OrganisationAccountApi(PersonalApiView):
    """One account that an organisation has in the share tree."""

    access: ClassVar = {"GET": STEWARD, "PATCH": STEWARD_ACTS}
    scopes: ClassVar = dict.fromkeys(("GET", "PATCH"), scopes.STEWARD)
    bodies: ClassVar = {"PATCH": AccountSharesMembers}
    answers: ClassVar = {"GET": OrganisationAccountShape, "PATCH": OrganisationAccountShape}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(_shown(_row(_organisation(slug), pk)))

    @transaction.atomic
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Change what it has among its siblings, with a reason. Its leads are told."""
        organisation = get_object_or_404(
            Organisation.objects.select_for_update(no_key=True, of=("self",)), slug=slug
        )
        require_unchanged(request, _shown(_row(organisation, pk)))
        if "shares" in self.body:
            entrusting.change_shares(
                organisation=organisation, account=Vertex.objects.get(pk=pk), count=self.body["shares"],
                reason=self.body.get("reason", ""), by=self.person, at=clock.now(),
            )  # fmt: skip
        return Response(_shown(_row(organisation, pk)))


class OrganisationAccountTakeApi(PersonalApiView):
    """Take an account back from an organisation."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": AccountTakingMembers}
    answers: ClassVar = {"POST": None}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Projects below it stay; the organisation's leads open no more of them. They are told."""
        organisation = _organisation(slug)
        account = get_object_or_404(Vertex, pk=pk, organisation=organisation)
        entrusting.take_back(
            organisation=organisation, account=account, reason=self.body["reason"], by=self.person,
            at=clock.now(),
        )  # fmt: skip
        return Response(status=204)


def _organisation(slug: str) -> Organisation:
    return get_object_or_404(Organisation, slug=slug)


def _row(organisation: Organisation, pk: int) -> EntrustedRow:
    rows = entrusted(organisation=organisation, at=clock.now())
    found = next((row for row in rows if row.pk == pk), None)
    if found is None:
        raise Http404
    return found


def _shown(row: EntrustedRow) -> dict[str, Any]:
    return {
        "account": row.pk,
        "below": row.below,
        "path": row.path,
        "shares": row.shares,
        "of_account": row.of_account,
        "of_all": row.of_all,
        "projects": row.projects,
    }
