"""Exceptions to the policy: everybody reads them, stewards grant and end them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from accounts.services.stewarding import LONGEST
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape
from common.api.view import ApiView
from common.lines import require_one_line
from reservations.domain.easing import NUMBERS, read_value
from reservations.models import PolicyException
from reservations.selectors import exceptions as selectors
from reservations.selectors.open_data import exception_json
from reservations.services import exceptions as services


def _require_exact(text: str) -> None:
    try:
        read_value(text)
    except ValueError as exc:
        raise serializers.ValidationError(_("Write a number such as 336, 0.75 or 3/4.")) from exc


class ExceptionQuery(ListQuery):
    state = serializers.ChoiceField(
        [selectors.IN_FORCE, selectors.TO_COME, selectors.OVER], required=False, help_text="Only those."
    )


class ExceptionMembers(Members):
    project = serializers.SlugField()
    number = serializers.ChoiceField([*NUMBERS], help_text="Of the policy.")
    value = serializers.CharField(
        max_length=20,
        validators=[_require_exact],
        help_text="What holds for the project: an exact number such as 336, 0.75 or 3/4.",
    )
    effective_from = MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")
    effective_until = MomentField()
    reason = serializers.CharField(
        max_length=LONGEST, validators=[require_one_line], help_text="Public for good. Name no person."
    )

    example: ClassVar = {
        "project": "protein-shapes",
        "number": "longest_hours",
        "value": "336",
        "effective_from": "2026-12-01T00:00:00Z",
        "effective_until": "2027-01-01T00:00:00Z",
        "reason": "One simulation cannot be stopped and started again.",
    }


class ExceptionEndMembers(Members):
    reason = serializers.CharField(
        max_length=LONGEST, validators=[require_one_line], help_text="Public for good. Name no person."
    )

    example: ClassVar = {"reason": "The simulation is over."}


class ExceptionShape(Shape):
    exception = serializers.UUIDField()
    to = serializers.CharField(help_text="What it is an exception to: policy.")
    project = serializers.CharField(help_text="As it appears to others, on the day it was granted.")
    number = serializers.ChoiceField([*NUMBERS])
    policy = serializers.IntegerField(help_text="The version in force as it begins.")
    policy_value = serializers.CharField(help_text="What the policy says: an exact number.")
    value = serializers.CharField(help_text="What holds for the project.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(help_text="As granted.")
    state = serializers.ChoiceField([selectors.IN_FORCE, selectors.TO_COME, selectors.OVER])
    reason = serializers.CharField()
    granted_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Where a steward ended it early.")
    end_reason = serializers.CharField(allow_blank=True)
    end_ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "exception": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e77",
        "to": "policy",
        "project": "Protein shapes",
        "number": "longest_hours",
        "policy": 1,
        "policy_value": "168",
        "value": "336",
        "effective_from": "2026-12-01T00:00:00Z",
        "effective_until": "2027-01-01T00:00:00Z",
        "state": "to_come",
        "reason": "One simulation cannot be stopped and started again.",
        "granted_at": "2026-11-22T18:03:11.120000Z",
        "ledger_entry": 41,
        "ended_at": None,
        "end_reason": "",
        "end_ledger_entry": None,
    }


class ExceptionsApi(PersonalApiView):
    """Every exception to the policy there ever was, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ExceptionQuery}
    bodies: ClassVar = {"POST": ExceptionMembers}
    answers: ClassVar = {"GET": [ExceptionShape], "POST": ExceptionShape}
    refusals: ClassVar = {"POST": {"exception_refused": 409, "no_policy": 409}}

    def get(self, request: Request) -> Response:
        at, state = clock.now(), self.query.get("state")
        found = selectors.of_state(state, at) if state else selectors.every()
        page = page_of_rows(request, self.query, found, lambda one: exception_json(selectors.row_of(one, at)))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Ease one number of the policy for one project and some time. Its members are told."""
        given, at = dict(self.body), clock.now()
        project = get_object_or_404(Project, slug=given.pop("project"))
        value = read_value(given.pop("value"))
        granted = services.grant_exception(project=project, value=value, by=self.person, at=at, **given)
        shown = exception_json(selectors.row_of(granted, at))
        location = {"Location": f"{request.path}/{granted.uid}"}
        return Response(shown, status=201, headers=location)


class ExceptionApi(ApiView):
    """One exception to the policy."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": ExceptionShape}

    def get(self, request: Request, uid: UUID) -> Response:
        return Response(exception_json(selectors.row_of(_found(uid), clock.now())))


class ExceptionEndApi(PersonalApiView):
    """End an exception early: from now on the policy holds for the project as for everybody."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": ExceptionEndMembers}
    answers: ClassVar = {"POST": ExceptionShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"exception_refused": 409}}

    def post(self, request: Request, uid: UUID) -> Response:
        at = clock.now()
        ended = services.end_exception(exception=_found(uid), by=self.person, at=at, **self.body)
        return Response(exception_json(selectors.row_of(ended, at)))


def _found(uid: UUID) -> PolicyException:
    return get_object_or_404(selectors.every(), uid=uid)
