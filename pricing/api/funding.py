"""A funder's lines and the grants given out of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import FUNDER, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation, Project, User
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape, moment
from common.ids import global_id
from common.lines import require_one_line
from pricing.models import FundingLine, Grant
from pricing.selectors import recipients
from pricing.selectors.funding import line_of
from pricing.services import grants, lines

_CENT = Decimal("0.01")


def _euros(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=12, decimal_places=2, min_value=_CENT, **options)


def _hours(digits: int, **options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=digits, decimal_places=2, min_value=_CENT, **options)


class _Purpose(Members):
    name = serializers.CharField(max_length=80, validators=[require_one_line])
    purpose = serializers.CharField(max_length=300, validators=[require_one_line])
    valid_from = MomentField()
    valid_until = MomentField(help_text="Not included.")


class LineMembers(_Purpose):
    amount = _euros(help_text="EUR that are set aside.")
    classes = serializers.ListField(
        child=serializers.ChoiceField(Project.Class.values), default=list, max_length=20,
        help_text="For projects of these classes; none: for all.",
    )  # fmt: skip
    allowance_hours = _hours(
        8, allow_null=True, default=None,
        help_text="Only for the line of the universal allowance: device-hours a month for each.",
    )  # fmt: skip
    allowance_amount = _euros(allow_null=True, default=None, help_text="EUR a month for each, at most.")

    example: ClassVar = {
        "name": "Students 2027",
        "purpose": "Course projects",
        "valid_from": "2027-01-01T00:00:00Z",
        "valid_until": "2028-01-01T00:00:00Z",
        "amount": "20000.00",
        "classes": ["student"],
    }


class GrantMembers(_Purpose):
    project = serializers.SlugField(
        help_text="Its slug; of one that holds its slots under a pseudonym, its uid."
    )
    line = serializers.UUIDField(help_text="Of which line it is paid.")
    amount = _euros(help_text="EUR that it pays at most.")
    hours = _hours(10, allow_null=True, default=None, help_text="Device-hours at most; null: no such limit.")

    example: ClassVar = {
        "name": "Protein shapes 2027",
        "purpose": "Folding of membrane proteins",
        "valid_from": "2027-01-01T00:00:00Z",
        "valid_until": "2027-07-01T00:00:00Z",
        "project": "protein-shapes",
        "line": "019306e0-3f4a-7b5c-8d6e-7f8a9b0c1d2e",
        "amount": "1200.00",
        "hours": "500.00",
    }


class LineShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()
    amount = serializers.CharField(help_text="EUR.")
    committed = serializers.CharField(help_text="In grants given out of it, less what they returned.")
    left = serializers.CharField()
    classes = serializers.ListField(child=serializers.CharField())
    allowance_hours = serializers.CharField(allow_null=True)
    allowance_amount = serializers.CharField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "id": "https://equinode.example/019306e0-3f4a-7b5c-8d6e-7f8a9b0c1d2e",
        "uid": "019306e0-3f4a-7b5c-8d6e-7f8a9b0c1d2e",
        "name": "Students 2027",
        "purpose": "Course projects",
        "valid_from": "2027-01-01T00:00:00Z",
        "valid_until": "2028-01-01T00:00:00Z",
        "amount": "20000.000000",
        "committed": "1200.000000",
        "left": "18800.000000",
        "classes": ["student"],
        "allowance_hours": None,
        "allowance_amount": None,
        "closed_at": None,
    }


class GrantShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    project = serializers.SlugField()
    line = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    purpose = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)
    amount = serializers.CharField(help_text="EUR.")
    booked = serializers.CharField(help_text="Set aside for slots.")
    used = serializers.CharField()
    returned = serializers.CharField(help_text="Unused when its time was over: back on the line.")
    left = serializers.CharField()
    hours = serializers.CharField(allow_null=True, help_text="Device-hours at most; null: no such limit.")
    hours_used = serializers.CharField()
    created_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/019306f0-4a5b-7c6d-8e7f-8a9b0c1d2e3f",
        "uid": "019306f0-4a5b-7c6d-8e7f-8a9b0c1d2e3f",
        "project": "protein-shapes",
        "line": "019306e0-3f4a-7b5c-8d6e-7f8a9b0c1d2e",
        "name": "Protein shapes 2027",
        "purpose": "Folding of membrane proteins",
        "valid_from": "2027-01-01T00:00:00Z",
        "valid_until": "2027-07-01T00:00:00Z",
        "amount": "1200.000000",
        "booked": "0.000000",
        "used": "0.000000",
        "returned": "0.000000",
        "left": "1200.000000",
        "hours": "500.00",
        "hours_used": "0.00",
        "created_at": "2026-11-22T18:40:00Z",
    }


class LinesApi(PersonalApiView):
    """What a funder has set aside, by name."""

    access: ClassVar = {"GET": FUNDER, "POST": agreed(FUNDER)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.GRANTS)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": LineMembers}
    answers: ClassVar = {"GET": [LineShape], "POST": LineShape}

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = FundingLine.objects.filter(funder=organisation)
        page = page_of_rows(request, self.query, rows, _line, ("name", "pk"))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Set money aside."""
        line = lines.create_line(funder=organisation, by=self.person, at=clock.now(), **self.body)
        line.refresh_from_db()
        return Response(_line(line), status=201)


class LineCloseApi(PersonalApiView):
    """Give nothing more out of a line; what it gave stays given."""

    access: ClassVar = {"POST": FUNDER}
    scopes: ClassVar = {"POST": scopes.GRANTS}
    answers: ClassVar = {"POST": LineShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, organisation: Organisation, uid: UUID) -> Response:
        try:
            line = line_of(funder=organisation, uid=uid)
        except FundingLine.DoesNotExist as exc:
            raise Http404 from exc
        lines.close_line(line=line, at=clock.now())
        line.refresh_from_db()
        return Response(_line(line))


class GrantsApi(PersonalApiView):
    """The grants of a funder, newest first."""

    access: ClassVar = {"GET": FUNDER, "POST": agreed(FUNDER)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.GRANTS)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": GrantMembers}
    answers: ClassVar = {"GET": [GrantShape], "POST": GrantShape}

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = Grant.objects.filter(funder=organisation).select_related("project", "line")
        page = page_of_rows(request, self.query, rows, _grant)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Give a project a grant."""
        asked = dict(self.body)
        project = _recipient(organisation, self.person, asked.pop("project"))
        line = get_object_or_404(FundingLine, funder=organisation, uid=asked.pop("line"))
        grant = grants.create_grant(
            project=project, funder=organisation, line=line, by=self.person, at=clock.now(), **asked
        )
        grant.refresh_from_db()
        return Response(_grant(grant), status=201)


def _recipient(funder: Organisation, user: User, text: str) -> Project:
    """404 alike for a project that is not there and for one that the funder may not know of."""
    known = recipients.named(funder=funder, user=user, text=text)
    if len(known) != 1:
        raise Http404
    return known[0]


def _line(line: FundingLine) -> dict[str, Any]:
    return {
        "id": global_id(line.uid),
        "uid": str(line.uid),
        "name": line.name,
        "purpose": line.purpose,
        "valid_from": moment(line.valid.lower),
        "valid_until": moment(line.valid.upper),
        "amount": str(line.amount),
        "committed": str(line.committed),
        "left": str(line.left),
        "classes": list(line.classes),
        "allowance_hours": _text(line.allowance_hours),
        "allowance_amount": _text(line.allowance_amount),
        "closed_at": moment(line.closed_at),
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": global_id(grant.uid),
        "uid": str(grant.uid),
        "project": grant.project.slug,
        "line": str(grant.line.uid) if grant.line else None,
        "name": grant.name,
        "purpose": grant.purpose,
        "valid_from": moment(grant.valid.lower),
        "valid_until": moment(grant.valid.upper),
        "amount": str(grant.amount),
        "booked": str(grant.encumbered),
        "used": str(grant.used),
        "returned": str(grant.returned),
        "left": str(grant.left),
        "hours": _text(grant.hours),
        "hours_used": str(grant.hours_used),
        "created_at": moment(grant.created_at),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)
